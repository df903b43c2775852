import ArgumentParser
import Checkpoints
import DurableFiles
import Extraction
import Foundation
import HeadEditing
import Inference
import MessagePassing
import Results
import SystemPackage
import Tensors

/// `infodisent edit`: a head whose channels a person has switched off or weighted otherwise.
struct Edit: CollectiveCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Make a checkpoint of its own from a head whose channels were switched off, weighted otherwise or named.",
        discussion: """
            --edits takes an edit list as the report's page exports it: {"schema": "infodisent-edits-1", "checkpoint": SHA-256 of the \
            head, "channels": {"28": 0.0}, "classes": {"7": {"12": 2.0}}}. What a channel adds to the logits, or to that of one class, is \
            multiplied by its factor; the accuracy on the test images before and after is printed. A training does not go on from an \
            edited head, but a new one may begin with it (head.start).

            --names takes names.yaml as the page exports it, a line a channel, such as 28: dotted wing. The new checkpoint keeps \
            the names, and all commands show them. With names alone the head stays what it is, and a training may go on from it. Without \
            --names, an edited head keeps the names that it has.

            The output folder is a run that all other commands take.
            """)

    @OptionGroup var source: CheckpointOptions
    @Option(
        help: ArgumentHelp("The list of edits, JSON or YAML.", valueName: "FILE"), completion: .file(),
        transform: { FilePath($0) })
    var edits: FilePath?
    @Option(
        help: ArgumentHelp(
            "Names of channels, which the new checkpoint keeps instead of those it has.", valueName: "FILE"),
        completion: .file(), transform: { FilePath($0) })
    var names: FilePath?
    @Option(
        help: "The folder of the new run; made if it is not there.", completion: .directory,
        transform: { FilePath($0) })
    var output: FilePath
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var deployment: DeploymentOptions
    @OptionGroup var ranks: RankOptions

    func validate() throws {
        if edits == nil && names == nil { throw ValidationError("Give --edits, --names or both.") }
    }

    func run(on communicator: any Communicator) throws {
        try communicator.together {
            guard communicator.rank == 0 else { return }
            try OutputFolder.check(output)
            for name in ["config.yaml", "checkpoints", ChannelNames.fileName] {
                let path = output.appending(name)
                guard !DurableFile.exists(path), !DurableDirectory.exists(path) else {
                    throw OutputError.holdsRun(output, found: path)
                }
            }
        }
        let team = try deployment.team(on: communicator)
        let model = try source.load(on: communicator, team: team)
        try model.experiment.requireOutsideDataset("--output", output)
        let channelNames = try communicator.together {
            try names.map { try ChannelNames(reading: $0, channelCount: model.head.channelCount) }
        }
        if let edits {
            try edit(model, edits, channelNames, team, on: communicator)
        } else if let channelNames {
            try communicator.together {
                let naming = try ChannelNaming(channelNames, of: model)
                guard communicator.rank == 0 else { return }
                let folder = try naming.save(in: output)
                try show(
                    EditResult(
                        checkpoint: model.checkpointName, output: folder.string, headDigest: try headDigest(of: folder),
                        backbone: model.experiment.backbone.name, classCount: model.head.classCount,
                        namedCount: naming.names.names.count))
            }
        }
    }

    private func edit(
        _ model: TrainedModel, _ path: FilePath, _ names: ChannelNames?, _ team: WorkerTeam,
        on communicator: any Communicator
    ) throws {
        let editing = try communicator.together {
            let list = try HeadEdits(
                reading: path, head: model.headDigest, channelCount: model.head.channelCount,
                classCount: model.head.classCount)
            return try HeadEditing(list, from: path, of: model, names: names)
        }
        let cache = try model.cache(
            on: communicator, team: team, progress: Console.showProgress, note: Console.notes(of: communicator))
        let comparison = try editing.compare(on: cache, team: team, communicator: communicator)
        try communicator.together {
            guard communicator.rank == 0 else { return }
            let folder = try editing.save(in: output, comparison)
            try show(
                EditResult(
                    checkpoint: model.checkpointName, output: folder.string, headDigest: try headDigest(of: folder),
                    backbone: model.experiment.backbone.name, classCount: model.head.classCount,
                    testImageCount: comparison.imageCount, before: comparison.before, after: comparison.after,
                    changedCount: comparison.changedCount, changedWeightCount: editing.changedWeightCount,
                    namedCount: editing.names.names.count))
        }
    }

    private func headDigest(of folder: FilePath) throws -> String {
        try Checkpoint.state(of: folder).headDigest?.hexadecimal ?? ""
    }

    private func show(_ result: EditResult) throws {
        try Console.result(json ? try jsonText(result) : result.table)
    }
}

extension EditResult {
    /// The figures for people.
    fileprivate var table: String {
        func row(_ name: String, _ accuracy: Accuracy) -> String {
            name.padding(toLength: 12, withPad: " ", startingAt: 0) + String(format: "%8.2f %%", accuracy.top1 * 100)
                + (accuracy.top5.map { String(format: " %8.2f %%", $0 * 100) } ?? "")
        }
        var lines: [String] = []
        if let testImageCount, let before, let after, let changedCount {
            lines = [
                "\(testImageCount) test images of \(classCount) classes, backbone \(backbone), \(checkpoint)",
                "            " + "     top-1" + (before.top5 == nil ? "" : "      top-5"), row("before", before),
                row("after", after),
                "\(changedWeightCount) weights changed; another class is predicted for \(changedCount) images",
            ]
        }
        if namedCount > 0 || before == nil { lines.append("channels with a name: \(namedCount)") }
        return (lines + [output]).joined(separator: "\n")
    }
}
