import ArgumentParser
import FeatureCache
import Foundation
import MessagePassing
import SystemFacts

/// What is said about the feature cache; never changes a result.
struct CacheOptions: ParsableArguments {
    @Flag(
        name: .customLong("cache-traffic"),
        help: "Say at the end what each rank has read of the feature cache, and how much memory it has used.")
    var showsTraffic = false

    /// Says it, if it was asked for. Collective.
    func showTraffic(of cache: FeatureCache?, on communicator: any Communicator) throws {
        guard showsTraffic else { return }
        let line = cache.map { Self.line($0.traffic, fileCount: $0.shardCount, rank: communicator.rank) } ?? ""
        for line in try communicator.gather(Array(line.utf8), to: 0) where !line.isEmpty {
            Console.note(String(decoding: line, as: UTF8.self))
        }
    }

    private static func line(_ traffic: CacheTraffic, fileCount: Int, rank: Int) -> String {
        var line =
            "rank \(rank): read \(traffic.readByteCount) bytes of the feature cache and took the digest of "
            + "\(traffic.hashedByteCount): \(traffic.rowCount) feature maps, \(traffic.aheadCount) of them ahead, from "
            + "\(traffic.fileCount) of \(fileCount) files (opened \(traffic.openCount) times)"
        if let peak = ProcessStatus().peakByteCount { line += ", with a peak of \(peak / 1_000_000) MB of memory" }
        return line + "."
    }
}
