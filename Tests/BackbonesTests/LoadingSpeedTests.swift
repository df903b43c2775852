import Backbones
import Foundation
import SystemPackage
import Testing
import WeightFiles

/// How long full-size files take to open and to become a network.
///
/// Not part of the suite: it runs when INFODISENT_LOADING names a folder with files such as resnet50.pth, and prints processor
/// time of some repetitions, after one that brings the file into memory.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["INFODISENT_LOADING"] != nil), .serialized)
struct LoadingSpeedTests {
    @Test func loadsFullSizeFiles() throws {
        let folder = FilePath(ProcessInfo.processInfo.environment["INFODISENT_LOADING"]!)
        for file in try FileManager.default.contentsOfDirectory(atPath: folder.string).sorted() {
            let name = String(file.prefix { $0 != "." })
            guard BackboneRegistry.names.contains(name) else { continue }
            let path = folder.appending(file)
            try report("\(file) opened", 200) { _ = try WeightFile.open(path) }
            try report("\(file) recognised", 20) { _ = try BackboneRegistry.backbones(fitting: WeightFile.open(path)) }
            try report("\(file) loaded", 20) { _ = try Backbone.load(name: name, weights: WeightFile.open(path)) }
        }
    }

    private func report(_ what: String, _ count: Int, _ body: () throws -> Void) rethrows {
        try body()
        let times = try (0..<count).map { _ in
            let start = milliseconds()
            try body()
            return milliseconds() - start
        }.sorted()
        print("\(what): median \(rounded(times[count / 2])) ms, best \(rounded(times[0])) ms")
    }

    private func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }

    /// Processor time of this thread: what others do on the machine matters less to it.
    private func milliseconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) * 1e3 + Double(time.tv_nsec) * 1e-6
    }
}
