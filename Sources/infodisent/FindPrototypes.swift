import ArgumentParser
import DurableFiles
import Explanations
import Explorer
import Extraction
import FeatureCache
import Foundation
import Inference
import MessagePassing
import Results
import SystemPackage
import Tensors

/// `infodisent prototypes`: what each channel stands for.
struct FindPrototypes: CollectiveCommand {
    static let configuration = CommandConfiguration(
        commandName: "prototypes", abstract: "Find the training images that stand for each channel.",
        discussion: """
            Writes prototypes.json and a page to look at, index.html with the folder files beside it, into the output folder. \
            `report` shows the same with all that is known of the model.
            """)

    @OptionGroup var source: CheckpointOptions
    @Option(
        help: "The folder to write to; made if it is not there.", completion: .directory, transform: { FilePath($0) })
    var output: FilePath
    @Flag(help: "Overwrite results that are there already.") var force = false
    @Option(help: "Channels on the page, at most: those that the classifier uses most; without it, all that it uses.")
    var channels: Int?
    @OptionGroup var names: NameOptions
    @OptionGroup var cacheOptions: CacheOptions
    @OptionGroup var deployment: DeploymentOptions
    @OptionGroup var ranks: RankOptions

    func validate() throws {
        if let channels, channels < 1 { throw ValidationError("--channels is \(channels), but at least 1 is needed.") }
    }

    func run(on communicator: any Communicator) throws {
        try communicator.together {
            if communicator.rank == 0 { try OutputFolder.check(output) }
        }
        let team = try deployment.team(on: communicator)
        let model = try source.load(on: communicator, team: team)
        var channelNames = ChannelNames()
        try communicator.together {
            guard communicator.rank == 0 else { return }
            try OutputFolder.check(
                output, holding: ["prototypes.json", "index.html"], overwriting: force,
                outside: model.experiment.dataset.root)
            try ExplorerPages.check(output.appending(ExplorerPages.folderName))
            channelNames = try names.load(for: model)
        }
        // None if the table was found already.
        var usedCache: FeatureCache?
        let table = try PrototypeTable.kept(for: model, communicator: communicator) {
            let cache = try model.cache(
                on: communicator, team: team, progress: Console.showProgress, note: Console.notes(of: communicator))
            defer { usedCache = cache }
            return try PrototypeSearch.run(
                model, cache: cache, team: team, communicator: communicator, progress: Console.showProgress)
        }
        try cacheOptions.showTraffic(of: usedCache, on: communicator)
        try communicator.together {
            try communicator.activity.allowing(.seconds(3600)) {
                if let table { try write(table, of: model, channelNames, team) }
            }
        }
    }

    private func write(
        _ table: PrototypeTable, of model: TrainedModel, _ channelNames: ChannelNames, _ team: WorkerTeam
    ) throws {
        let report = ModelReport(of: model, prototypes: table, names: channelNames, channelCount: channels)
        let pages = try ExplorerPages(
            report,
            pictures: report.pictures(of: [], model: model, prototypes: table, isSingleFile: false, team: team))
        try DurableFile.createDirectory(output)
        try DurableFile.write(table.named(channelNames).json(), to: output.appending("prototypes.json"))
        try pages.write(into: output, replacing: force)
        try Console.result(output.appending("index.html").string)
    }
}
