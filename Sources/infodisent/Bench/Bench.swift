import ArgumentParser
import Benchmarks
import Foundation

/// `infodisent bench`: how fast this machine is at what the program does.
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure how fast this machine is.",
        discussion: """
            Each measurement prints medians of several repetitions. Quote ratios of one run, not times of several: what \
            else a machine does changes from minute to minute.
            """,
        subcommands: [
            BenchForward.self, BenchHead.self, BenchReduce.self, BenchScaling.self, BenchDecode.self, BenchCache.self,
        ])
}

/// How often a benchmark repeats its measurement.
struct RepetitionOptions: ParsableArguments {
    @Option(help: "Repetitions of each measurement.") var repetitions = 11

    func validate() throws {
        guard (1...1000).contains(repetitions) else {
            throw ValidationError("--repetitions is \(repetitions), but it takes a number from 1 to 1000.")
        }
    }
}

/// Lines of results: a name and columns of numbers.
enum BenchTable {
    static func row(_ name: String, _ columns: [String], nameWidth: Int = 46, width: Int = 12) -> String {
        name.padding(toLength: max(nameWidth, name.count), withPad: " ", startingAt: 0)
            + columns.map { String(repeating: " ", count: max(1, width - $0.count)) + $0 }.joined()
    }

    /// - Throws: `ValidationError` naming the first D that no head has.
    static func requireChannelCounts(_ counts: [Int]) throws {
        for count in counts where !(1...8192).contains(count) {
            throw ValidationError("--channels is \(count), but it takes a number from 1 to 8192.")
        }
    }

    /// Median and best in milliseconds.
    static func milliseconds(_ durations: Durations) -> [String] {
        [durations.median, durations.best].map { String(format: "%.2f", $0 * 1000) }
    }
}
