import ArgumentParser
import Benchmarks
import FeatureCache
import Foundation
import SystemPackage

/// `infodisent bench cache`: the feature cache on a disk.
struct BenchCache: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cache", abstract: "Writing and reading a feature cache.",
        discussion: """
            Writes 1024 feature maps of 7 x 7 x 2048 (200 MB in f16) into a folder and removes them. What is read for the first \
            time is verified.
            """)

    @Option(help: "The folder to write into, on the disk to be measured.", transform: { FilePath($0) })
    var directory: FilePath = "."
    @OptionGroup var repetition: RepetitionOptions
    @OptionGroup var deployment: DeploymentOptions

    func run() throws {
        try Console.result(BenchTable.row("megabytes per second", ["written", "first read", "read"]))
        for precision in CachePrecision.allCases {
            let speed = try CacheSpeed(
                precision: precision, repetitions: repetition.repetitions, in: directory, team: deployment.team)
            try Console.result(
                BenchTable.row(
                    "\(precision.rawValue), \(speed.byteCount / 1_000_000) MB",
                    [speed.write, speed.firstRead, speed.read].map {
                        String(format: "%.0f", Double(speed.byteCount) / $0.median / 1e6)
                    }))
            try Console.result(
                BenchTable.row(
                    "  feature maps a second",
                    [speed.write, speed.firstRead, speed.read].map {
                        String(format: "%.0f", Double(speed.mapCount) / $0.median)
                    }))
            let traffic = speed.traffic
            try Console.result(
                "  both times together: \(traffic.readByteCount) bytes read, \(traffic.hashedByteCount) digested, of "
                    + "\(traffic.rowCount) feature maps in \(traffic.fileCount) files")
        }
    }
}
