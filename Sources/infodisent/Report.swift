import ArgumentParser
import Checkpoints
import DurableFiles
import Evaluation
import Explanations
import Explorer
import Extraction
import Foundation
import Inference
import MessagePassing
import Results
import SystemPackage
import Tensors
import Training

/// `infodisent report`: a whole model as pages to look at.
struct Report: CollectiveCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show a whole model in a browser: explained images, classes, channels, accuracy, what-if.",
        discussion: """
            Writes index.html, to be opened in a browser straight from disk, and the folder files beside it, or with \
            --single-file everything into index.html. The same numbers as JSON: --json.
            """)

    @OptionGroup var source: CheckpointOptions
    @Option(
        help: "The folder to write to; made if it is not there.", completion: .directory, transform: { FilePath($0) })
    var output: FilePath
    @Flag(help: "Overwrite results that are there already.") var force = false
    @Flag(help: "Write one file, for small models.") var singleFile = false
    @Flag(help: "Print the report as JSON too.") var json = false
    @Option(help: "Test images that are explained, spread evenly over them.") var images = 60
    @Option(
        help: ArgumentHelp("What `evaluate --metrics all --json` printed; RUN/scorecard.json if that is there."),
        transform: { FilePath($0) })
    var scorecard: FilePath?
    @OptionGroup var names: NameOptions
    @OptionGroup var cacheOptions: CacheOptions
    @OptionGroup var deployment: DeploymentOptions
    @OptionGroup var ranks: RankOptions

    func validate() throws {
        if images < 0 { throw ValidationError("--images is \(images), but at least 0 is needed.") }
    }

    func run(on communicator: any Communicator) throws {
        try communicator.together {
            if communicator.rank == 0 { try OutputFolder.check(output) }
        }
        let team = try deployment.team(on: communicator)
        let model = try source.load(on: communicator, team: team)
        var findings = ReportBuilder.Findings()
        try communicator.together {
            guard communicator.rank == 0 else { return }
            try OutputFolder.check(
                output, holding: [ExplorerPages.indexName, "\(ExplorerPages.folderName)/app.js"], overwriting: force,
                outside: model.experiment.dataset.root)
            try ExplorerPages.check(output.appending(ExplorerPages.folderName))
            findings.names = try names.load(for: model)
            findings.scorecard = try readScorecard(of: model)
        }
        let cache = try model.cache(
            on: communicator, team: team, progress: Console.showProgress, note: Console.notes(of: communicator))
        let (predictions, evaluation) = try Evaluate.figures(
            of: model, cache: cache, keepsBlackBox: true, team: team, on: communicator)
        findings.evaluation = evaluation
        findings.epochs = try communicator.rank == 0 ? epochs(of: model) : []
        let builder = ReportBuilder(
            model, cache: cache, team: team, communicator: communicator, progress: Console.showProgress)
        let built = try builder.build(predictions: predictions, imageCount: images, findings: findings)
        try cacheOptions.showTraffic(of: cache, on: communicator)
        try communicator.together {
            guard let built else { return }
            try communicator.activity.allowing(.seconds(3600)) {
                let pages = try ExplorerPages(built.report, pictures: built.pictures)
                if singleFile {
                    try DurableFile.createDirectory(output)
                    try DurableFile.write(pages.singleFile(), to: output.appending(ExplorerPages.indexName))
                } else {
                    try pages.write(into: output, replacing: force)
                }
                if json { try Console.result(jsonText(built.report)) }
                let page = output.appending(ExplorerPages.indexName).string
                if json { Console.note(page) } else { try Console.result(page) }
            }
        }
    }

    /// The records of the run's epochs up to the checkpoint.
    private func epochs(of model: TrainedModel) throws -> [MetricsRecord] {
        guard let run = model.runDirectory else { return [] }
        return try MetricsLog.read(run.appending("metrics.jsonl"))
            .filter { $0.kind == .epoch && $0.step <= model.checkpoint.state.step }
            .map {
                // The clock is not part of a model.
                var record = $0
                record.seconds = nil
                return record
            }
    }

    private func readScorecard(of model: TrainedModel) throws -> ScorecardResult? {
        let kept = model.runDirectory?.appending("scorecard.json")
        guard let path = scorecard ?? kept.flatMap({ DurableFile.exists($0) ? $0 : nil }) else { return nil }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let bytes = try DurableFile.read(path)
        guard let result = try? decoder.decode(ScorecardResult.self, from: Data(bytes)) else {
            throw ExplorerError.badScorecard(path: path, reason: "it is no scorecard")
        }
        guard result.checkpoint == model.checkpointName, result.backbone == model.experiment.backbone.name else {
            throw ExplorerError.badScorecard(
                path: path,
                reason: "it is of \(result.checkpoint) on \(result.backbone), not of \(model.checkpointName) on "
                    + model.experiment.backbone.name)
        }
        return result
    }
}

/// What a user calls channels.
struct NameOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            Names of channels, a line each, such as 28: dotted wing. Without it, those of RUN/names.yaml, or if that is not there, \
            those that the checkpoint keeps.
            """,
            valueName: "FILE"),
        transform: { FilePath($0) })
    var names: FilePath?

    /// - Throws: `ResultsError.badNames`, `DurableFileError`.
    func load(for model: TrainedModel) throws -> ChannelNames {
        try load(run: model.runDirectory, of: model.checkpoint)
    }

    /// The names for the head of `checkpoint` in `run`.
    /// - Throws: `ResultsError.badNames`, `DurableFileError`.
    func load(run: FilePath?, of checkpoint: Checkpoint) throws -> ChannelNames {
        if let names { return try ChannelNames(reading: names, channelCount: checkpoint.channelCount) }
        return try ChannelNames(
            ofRun: run, recorded: checkpoint.state.channelNames, channelCount: checkpoint.channelCount)
    }
}
