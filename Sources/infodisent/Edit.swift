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
        abstract: "Make a checkpoint of its own from a head whose channels were switched off or weighted otherwise.",
        discussion: """
            FILE is an edit list as the report's page exports it: {"schema": "infodisent-edits-1", "checkpoint": SHA-256 of the \
            head, "channels": {"28": 0.0}}. What a channel adds to the logits is multiplied by its factor. The output folder is a run \
            that all other commands take; the accuracy on the test images before and after is printed. A training does not go on \
            from an edited head, but a new one may begin with it (head.start).
            """)

    @OptionGroup var source: CheckpointOptions
    @Option(
        help: ArgumentHelp("The list of edits, JSON or YAML.", valueName: "FILE"), completion: .file(),
        transform: { FilePath($0) })
    var edits: FilePath
    @Option(
        help: "The folder of the new run; made if it is not there.", completion: .directory,
        transform: { FilePath($0) })
    var output: FilePath
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var deployment: DeploymentOptions
    @OptionGroup var ranks: RankOptions

    func run(on communicator: any Communicator) throws {
        try communicator.together {
            guard communicator.rank == 0 else { return }
            try OutputFolder.check(output)
            for name in ["config.yaml", "checkpoints"] {
                let path = output.appending(name)
                guard !DurableFile.exists(path), !DurableDirectory.exists(path) else {
                    throw OutputError.holdsRun(output, found: path)
                }
            }
        }
        let team = try deployment.team(on: communicator)
        let model = try source.load(on: communicator, team: team)
        try model.experiment.requireOutsideDataset("--output", output)
        let editing = try communicator.together {
            let list = try HeadEdits(
                reading: edits, head: model.headDigest, channelCount: model.head.channelCount,
                classCount: model.head.classCount)
            return try HeadEditing(list, from: edits, of: model)
        }
        let cache = try model.cache(
            on: communicator, team: team, progress: Console.showProgress, note: Console.notes(of: communicator))
        let comparison = try editing.compare(on: cache, team: team, communicator: communicator)
        try communicator.together {
            guard communicator.rank == 0 else { return }
            let folder = try editing.save(in: output, comparison)
            let result = EditResult(
                checkpoint: model.checkpointName, output: folder.string,
                headDigest: try Checkpoint.state(of: folder).headDigest?.hexadecimal ?? "",
                backbone: model.experiment.backbone.name,
                classCount: model.head.classCount, testImageCount: comparison.imageCount, before: comparison.before,
                after: comparison.after, changedCount: comparison.changedCount,
                changedWeightCount: editing.changedWeightCount)
            try Console.result(json ? try jsonText(result) : result.table)
        }
    }
}

extension EditResult {
    /// The figures for people.
    fileprivate var table: String {
        func row(_ name: String, _ accuracy: Accuracy) -> String {
            name.padding(toLength: 12, withPad: " ", startingAt: 0) + String(format: "%8.2f %%", accuracy.top1 * 100)
                + (accuracy.top5.map { String(format: " %8.2f %%", $0 * 100) } ?? "")
        }
        return [
            "\(testImageCount) test images of \(classCount) classes, backbone \(backbone), \(checkpoint)",
            "            " + "     top-1" + (before.top5 == nil ? "" : "      top-5"), row("before", before),
            row("after", after),
            "\(changedWeightCount) weights changed; another class is predicted for \(changedCount) images",
            output,
        ].joined(separator: "\n")
    }
}
