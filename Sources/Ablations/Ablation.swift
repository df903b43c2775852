import Checkpoints
import DisentangledHead
import DurableFiles
import Evaluation
public import FeatureCache
import Foundation
public import Inference
public import MessagePassing
public import Results
public import RunConfiguration
public import RunControl
import SystemPackage
public import Tensors
import Training

/// Trains and evaluates all runs of a grid from one cache, each in a folder of its own below the configuration's run directory.
///
/// A loop of collective trainings in the same processes. One that is run again, with more seeds or values too, finds the finished
/// runs finished and goes on in the one that was interrupted, from its checkpoint.
public struct Ablation {
    public enum Outcome {
        /// With all runs; the figures are at rank 0 alone.
        case complete(AblationResult?)
        /// A stop was requested in the run in this folder, or before it began.
        case stopped(in: String)
    }

    private struct Part {
        let cell: AblationGrid.Cell
        let seed: Int
        let folder: String
        let experiment: Experiment
    }

    /// The figures of each run: shares in percent, sizes in channels.
    public static let figures = [
        "top1_percent", "top5_percent", "explanation_size", "top10_share_percent", "channels_of_a_class",
    ]

    private let grid: AblationGrid
    private let experiment: Experiment
    private let parts: [Part]

    /// - Parameters:
    ///   - experiment: of the configuration itself.
    ///   - configuration: reads the configuration with settings of a cell and a seed (`section.key=value`).
    /// - Throws: `AblationError.noTestImages`; what `configuration` throws, for a value that a key cannot take.
    public init(
        _ grid: AblationGrid, experiment: Experiment, configuration: (_ settings: [String]) throws -> RunConfiguration
    ) throws {
        guard !experiment.dataset.test.isEmpty else { throw AblationError.noTestImages }
        self.grid = grid
        self.experiment = experiment
        let folder = experiment.configuration.run.directory
        parts = try grid.cells.flatMap { cell in
            try grid.seeds.map { seed in
                let name = "\(cell.folder)/seed-\(seed)"
                let settings = cell.settings + ["run.seed=\(seed)", "run.directory=\(folder.pushing(FilePath(name)))"]
                let own = try configuration(settings)
                let changed = experiment.changing {
                    $0.run = own.run
                    $0.head = own.head
                    $0.training = own.training
                    _ = $0.training.lowerLogicalShards(for: experiment.dataset.train.count)
                }
                return Part(cell: cell, seed: seed, folder: name, experiment: changed)
            }
        }
    }

    /// What the runs will cost.
    public func plan() -> AblationPlan {
        let imageCount = experiment.dataset.train.count
        var (begun, steps, seconds, recorded) = (0, 0, 0.0, 0)
        for part in parts {
            let configuration = part.experiment.configuration
            let batch = configuration.training.batchSize
            steps += configuration.training.epochs * ((imageCount + batch - 1) / batch)
            guard DurableFile.exists(configuration.run.directory.appending(RunPlaces.configurationName)) else {
                continue
            }
            begun += 1
            if let last = Self.lastRecord(of: configuration.run.directory), let time = last.seconds, last.step > 0 {
                seconds += time
                recorded += last.step
            }
        }
        return AblationPlan(
            configurationCount: grid.cells.count, runCount: parts.count, begunCount: begun, stepCount: steps,
            secondsPerStep: recorded > 0 ? seconds / Double(recorded) : nil)
    }

    private static func lastRecord(of folder: FilePath) -> MetricsRecord? {
        guard let bytes = try? DurableFile.read(folder.appending("metrics.jsonl")),
            let line = bytes.split(separator: UInt8(ascii: "\n")).last
        else { return nil }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try? decoder.decode(MetricsRecord.self, from: Data(line))
    }

    /// Trains and evaluates until all is done or a stop is requested on a rank. Collective.
    /// - Throws: on all ranks, what went wrong in a run; the others are as they were.
    public func run(
        cache: FeatureCache, communicator: any Communicator = SingleProcess(), team: WorkerTeam = WorkerTeam(),
        stop: StopRequest = StopRequest(), progress: @escaping ProgressHandler = { _ in },
        note: @escaping @Sendable (String) -> Void = { _ in }
    ) throws -> Outcome {
        var runs: [AblationResult.Run] = []
        for (number, part) in parts.enumerated() {
            let isStopped = try communicator.sumTogether(count: 1) { [stop.isRequested ? 1 : 0] }[0] > 0
            guard !isStopped else { return .stopped(in: part.folder) }
            note("Run \(number + 1) of \(parts.count): \(part.folder).")
            var training = try TrainingRun(
                part.experiment, cache: cache, communicator: communicator, team: team, stop: stop, progress: progress,
                note: note)
            let outcome = try training.run()
            guard outcome.isComplete else { return .stopped(in: part.folder) }
            let head = training.trainer.head
            communicator.activity.begin(step: 0, "evaluating \(part.folder)")
            let predictions = try HeadEvaluation.predictions(
                head, cache: cache, split: .test, team: team, communicator: communicator, progress: progress)
            runs.append(
                AblationResult.Run(
                    seed: part.seed, folder: part.folder, checkpoint: outcome.checkpoint.lastComponent?.string ?? "",
                    values: Self.values(predictions, head)))
        }
        guard communicator.rank == 0 else { return .complete(nil) }
        return .complete(result(runs, imageCount: cache.indices(of: "test").count))
    }

    private static func values(_ predictions: [Prediction], _ head: Head) -> [String: Double] {
        let count = Double(max(predictions.count, 1))
        let weights = head.classifier.weights
        let values = [
            100 * Double(predictions.count { $0.topClasses[0] == $0.label }) / count,
            100 * Double(predictions.count { $0.topClasses.contains($0.label) }) / count,
            Double(predictions.reduce(0) { $0 + $1.explanationSize }) / count,
            100 * predictions.reduce(0) { $0 + Double($1.topTenShare) } / count,
            Double(weights.count { $0 != 0 }) / Double(head.classCount),
        ]
        return Dictionary(uniqueKeysWithValues: zip(figures, values))
    }

    private func result(_ runs: [AblationResult.Run], imageCount: Int) -> AblationResult {
        let count = grid.seeds.count
        let first = Array(runs.prefix(count))
        let cells = grid.cells.enumerated().map { index, cell in
            let own = Array(runs[index * count..<(index + 1) * count])
            let estimates = Self.figures.map { figure in
                (
                    figure,
                    Self.estimate(
                        own.map { $0.values[figure]! }, beside: index == 0 ? nil : first.map { $0.values[figure]! })
                )
            }
            return AblationResult.Cell(
                label: cell.label, settings: cell.settings, runs: own,
                estimates: Dictionary(uniqueKeysWithValues: estimates))
        }
        return AblationResult(
            backbone: experiment.backbone.name, testImageCount: imageCount, seeds: grid.seeds, figures: Self.figures,
            cells: cells)
    }

    /// - Parameter first: the same of the first configuration, seed by seed.
    package static func estimate(_ values: [Double], beside first: [Double]?) -> AblationResult.Estimate {
        let own = StudentInterval.of(values)
        let difference = first.map { first in StudentInterval.of(zip(values, first).map { $0 - $1 }) }
        return AblationResult.Estimate(
            mean: own.mean, interval95: own.half, difference: difference?.mean,
            differenceInterval95: difference?.half)
    }
}
