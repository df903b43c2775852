import ArgumentParser
import DurableFiles
import Explanations
import Extraction
import FeatureCache
import Foundation
import Inference
import MessagePassing
import Reports
import Results
import SystemPackage

/// `infodisent prototypes`: what each channel stands for.
struct FindPrototypes: CollectiveCommand {
    static let configuration = CommandConfiguration(
        commandName: "prototypes", abstract: "Find the training images that stand for each channel.",
        discussion: "Writes prototypes.json and a page to look at, index.html, into the output folder.")

    @OptionGroup var source: CheckpointOptions
    @Option(
        help: "The folder to write to; made if it is not there.", completion: .directory, transform: { FilePath($0) })
    var output: FilePath
    @Flag(help: "Overwrite results that are there already.") var force = false
    @Option(help: "Channels on the page, at most: those that the classifier uses most.") var channels = 200
    @OptionGroup var cacheOptions: CacheOptions
    @OptionGroup var deployment: DeploymentOptions
    @OptionGroup var ranks: RankOptions

    func validate() throws {
        if channels < 1 { throw ValidationError("--channels is \(channels), but at least 1 is needed.") }
    }

    func run(on communicator: any Communicator) throws {
        try communicator.together {
            if communicator.rank == 0 { try OutputFolder.check(output) }
        }
        let team = try deployment.team(on: communicator)
        let model = try source.load(on: communicator, team: team)
        try communicator.together {
            guard communicator.rank == 0 else { return }
            try OutputFolder.check(
                output, holding: ["prototypes.json", "index.html"], overwriting: force,
                outside: model.experiment.dataset.root)
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
                if let table { try write(table, of: model) }
            }
        }
    }

    private func write(_ table: PrototypeTable, of model: TrainedModel) throws {
        let pictures = PrototypePictures(model)
        let page = PrototypePage(
            table, uses: ChannelUse.ranked(ChannelUse.ofAllChannels(model)),
            classNames: model.experiment.dataset.displayNames, channelLimit: channels, picture: { try pictures($0) })
        try DurableFile.createDirectory(output)
        try DurableFile.write(table.json(), to: output.appending("prototypes.json"))
        try DurableFile.write(page.html(), to: output.appending("index.html"))
        try Console.result(output.appending("index.html").string)
    }
}
