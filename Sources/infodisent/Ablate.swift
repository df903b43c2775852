import Ablations
import ArgumentParser
import DurableFiles
import Foundation
import Inference
import MessagePassing
import Results
import SystemPackage
import Tensors

/// `infodisent ablate`: what changes of a configuration do, over seeds.
struct Ablate: CollectiveCommand {
    static let configuration = CommandConfiguration(
        abstract: "Train and compare variants of a configuration over several seeds, from one cache.",
        discussion: """
            The configuration is trained with all combinations of the values of --vary, or with one change at a time, for each \
            seed, below run.directory. Results are means with 95 % intervals, and differences to the first variant taken seed \
            by seed: a table here, and ablation.json and ablation.csv in run.directory. When it was stopped, or with more values \
            or seeds, only what is missing is trained.
            """)
    static let canStopEarly = true

    @OptionGroup var source: ConfigurationOptions
    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("A key and its values, divided by |; may be repeated.", valueName: "key.path=value|value"),
        completion: .configurationKey)
    var vary: [String] = []
    @Option(help: ArgumentHelp("Seeds, divided by commas.", valueName: "seed,seed"))
    var seeds = "0,1,2"
    @Flag(help: "The configuration itself, and each value alone, instead of all combinations.") var oneAtATime = false
    @Flag(help: "Say what it will cost, and do nothing.") var dryRun = false
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var cacheOptions: CacheOptions
    @OptionGroup var deployment: DeploymentOptions
    @OptionGroup var ranks: RankOptions

    private func grid() throws -> AblationGrid {
        let numbers = try seeds.split(separator: ",", omittingEmptySubsequences: false).map { text in
            guard let number = Int(text) else { throw ValidationError("--seeds \(seeds): '\(text)' is not a number.") }
            return number
        }
        return try AblationGrid(vary.map { try AblationGrid.Axis($0) }, seeds: numbers, oneAtATime: oneAtATime)
    }

    func run(on communicator: any Communicator) throws {
        let grid = try grid()
        let configuration = try source.load()
        let team = try deployment.team(on: communicator)
        let experiment = try Experiment(configuration, on: communicator, makesCache: true, team: team)
        try experiment.requireOutsideDataset("run.directory", experiment.configuration.run.directory)
        MemoryLimit.keepReleasedMemory()
        let ablation = try Ablation(grid, experiment: experiment) { settings in
            var source = source
            source.overrides += settings
            return try source.load()
        }
        if dryRun {
            try communicator.together {
                guard communicator.rank == 0 else { return }
                let plan = ablation.plan()
                try Console.result(json ? try jsonText(plan) : plan.sentence)
            }
            return
        }
        let stop = StopSignals.request
        let cache = try experiment.completeFeatures(team: team, stop: stop, on: communicator)
        let outcome = try ablation.run(
            cache: cache, communicator: communicator, team: team, stop: stop, progress: Console.showProgress,
            note: { Console.note($0) })
        try cacheOptions.showTraffic(of: cache, on: communicator)
        switch outcome {
        case .stopped(let folder):
            Console.note("Stopped in the run \(folder): run the same command again to go on.")
            throw ArgumentParser.ExitCode(ExitCode.stoppedEarly.rawValue)
        case .complete(let result):
            try communicator.together {
                guard let result else { return }
                let folder = experiment.configuration.run.directory
                let text = try jsonText(result)
                try DurableFile.write(text + "\n", to: folder.appending("ablation.json"))
                try DurableFile.write(result.csv, to: folder.appending("ablation.csv"))
                try Console.result(json ? text : result.table)
            }
        }
    }
}

extension AblationPlan {
    fileprivate var sentence: String {
        let time = secondsPerStep.map {
            String(
                format: " A step of those begun took %.1f ms: about %.0f s for all.", $0 * 1000, $0 * Double(stepCount))
        }
        return
            "\(configurationCount) configurations, \(runCount) runs (\(begunCount) begun before), \(stepCount) steps."
            + (time ?? "")
    }
}

extension AblationResult {
    /// RFC 4180, with a header line: a line for each configuration and figure.
    fileprivate var csv: String {
        func number(_ value: Double?) -> String { value.map { String(format: "%.6f", $0) } ?? "" }
        var lines = [
            CommaSeparated.line([
                "configuration", "figure", "seeds", "mean", "interval95", "difference", "difference_interval95",
            ])
        ]
        for cell in cells {
            for figure in figures {
                guard let estimate = cell.estimates[figure] else { continue }
                lines.append(
                    CommaSeparated.line([
                        cell.label, figure, "\(cell.runs.count)", number(estimate.mean),
                        number(estimate.interval95),
                        number(estimate.difference), number(estimate.differenceInterval95),
                    ]))
            }
        }
        return lines.joined()
    }

    /// The figures for people: mean and interval, and in brackets the paired difference to the first configuration.
    fileprivate var table: String {
        func padded(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: max(1, width - text.count))
        }
        func text(_ mean: Double, _ half: Double?, sign: Bool = false) -> String {
            String(format: sign ? "%+.2f" : "%.2f", mean) + (half.map { String(format: " ± %.2f", $0) } ?? "")
        }
        let width = (cells.map(\.label.count).max() ?? 0) + 2
        var lines = [
            "\(testImageCount) test images, backbone \(backbone), seeds \(seeds.map(String.init).joined(separator: ", ")); "
                + "95 % intervals, differences to the first seed by seed",
            padded("", width) + figures.map { padded($0, 34) }.joined(),
        ]
        for cell in cells {
            let columns = figures.map { figure -> String in
                guard let estimate = cell.estimates[figure] else { return padded("", 34) }
                let difference = estimate.difference.map {
                    " (\(text($0, estimate.differenceInterval95, sign: true)))"
                }
                return padded(text(estimate.mean, estimate.interval95) + (difference ?? ""), 34)
            }
            lines.append((padded(cell.label, width) + columns.joined()).trimmingCharacters(in: .whitespaces))
        }
        return lines.joined(separator: "\n")
    }
}
