import Backbones
import Checkpoints
import DataSharding
import Datasets
import Extraction
import FeatureCache
import Foundation
import Inference
import MessagePassing
import Results
import SystemPackage
import Training

extension Train {
    /// Says what a training would do, and does nothing. Collective.
    func describe(_ experiment: Experiment, budgets: SweepBudgets?, on communicator: any Communicator) throws {
        experiment.notes.forEach(Console.note)
        try communicator.together {
            guard communicator.rank == 0 else { return }
            let plan = try TrainingPlan(experiment, budgets: budgets, rankCount: communicator.size)
            try Console.result(plan.text)
        }
    }
}

/// What a training will do, in lines for people.
private struct TrainingPlan {
    private var lines: [(name: String, text: String)] = []
    private let configuration: String

    init(_ experiment: Experiment, budgets: SweepBudgets?, rankCount: Int) throws {
        let (settings, dataset, identity) = (experiment.configuration, experiment.dataset, experiment.cacheIdentity)
        configuration = settings.yaml
        lines.append(("dataset", dataset.recognition))
        lines.append(
            (
                "images",
                "\(dataset.train.count) for training, \(dataset.test.count) for testing, \(dataset.classNames.count) classes"
            ))
        lines.append(
            ("backbone", "\(experiment.backbone.name), \(experiment.weights.path) (SHA-256 \(identity.weightDigest))"))
        let input = experiment.input
        lines.append(
            ("input", "resized to \(input.resize), cropped to \(input.crop) pixels, \(input.interpolation.rawValue)"))
        let mapCount = dataset.train.count * identity.viewCount + dataset.test.count
        let byteCount = Double(mapCount) * Double(identity.sampleByteCount)
        lines.append(
            (
                "features",
                "\(mapCount) maps of \(identity.featureMap), \(Self.size(byteCount)) in \(settings.cache.directory): "
                    + (try Self.state(ofCache: experiment))
            ))
        let shards = LogicalShards(
            sampleCount: dataset.train.count, shardCount: settings.training.logicalShards,
            batchSize: settings.training.batchSize, seed: 0)
        let runCount = budgets.map { $0.channelCounts.count + 1 } ?? 1
        lines.append(
            (
                "training",
                "\(settings.training.epochs) epochs of \(shards.stepsPerEpoch) steps"
                    + (runCount > 1 ? ", \(runCount) heads one after the other" : "")
                    + " on \(rankCount) \(rankCount == 1 ? "process" : "processes")"
            ))
        lines.append(("run", try Self.state(ofRun: settings.run.directory, budgets)))
    }

    private static func state(ofCache experiment: Experiment) throws -> String {
        if experiment.configuration.cache.location == .nodeLocal {
            return "what a node does not have will be extracted there"
        }
        guard let files = try experiment.namingChangedImages({ try Extraction.missingFiles(of: experiment) }) else {
            return "to be extracted"
        }
        return files.missing == 0
            ? "there already" : "\(files.missing) of \(files.all) files missing or damaged, to be extracted"
    }

    private static func state(ofRun directory: FilePath, _ budgets: SweepBudgets?) throws -> String {
        if budgets != nil { return "\(directory), a folder for each head" }
        guard let last = try CheckpointStore(runDirectory: directory).list().last else { return "\(directory), new" }
        return "\(directory), goes on from step \(try Checkpoint.state(of: last).step)"
    }

    private static func size(_ byteCount: Double) -> String {
        byteCount < 1e9
            ? String(format: "%.0f MB", max(1, byteCount / 1e6)) : String(format: "%.1f GB", byteCount / 1e9)
    }

    var text: String {
        let width = (lines.map(\.name.count).max() ?? 0) + 2
        let plan = lines.map { $0.name.padding(toLength: width, withPad: " ", startingAt: 0) + $0.text }
        return plan.joined(separator: "\n") + "\n\n" + configuration.trimmingCharacters(in: .newlines)
    }
}
