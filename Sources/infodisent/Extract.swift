import ArgumentParser
import Extraction
import FeatureCache
import Foundation
import Inference
import MessagePassing
import RunConfiguration
import SystemPackage

/// `infodisent extract`: runs the frozen backbone over a dataset into a feature cache.
struct Extract: CollectiveCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the frozen backbone over a dataset and keep its feature maps in a cache.",
        discussion: """
            Give either --config, or --backbone, --dataset and --output. A cache that is partly there is completed; one \
            made from other weights, images or input settings is refused.
            """)

    @OptionGroup var source: OptionalConfigurationOptions
    @Option(help: "A backbone that `infodisent backbones` lists.", completion: .backbone) var backbone: String?
    @Option(help: "Its weight file (not needed for demo).", completion: .file(), transform: { FilePath($0) })
    var weights: FilePath?
    @Flag(name: .customLong("use-ema"), help: "Take the moving average of the weights that the file has.")
    var useEMA = false
    @Option(help: "The dataset's folder.", completion: .directory, transform: { FilePath($0) }) var dataset: FilePath?
    @Option(help: "The cache's folder.", completion: .directory, transform: { FilePath($0) }) var output: FilePath?
    @Option(help: "Number format of the cache: f16 or f32.") var precision: CachePrecision?
    @OptionGroup var deployment: DeploymentOptions
    @OptionGroup var ranks: RankOptions

    static let canStopEarly = true

    func validate() throws {
        if source.path == nil && (backbone == nil || dataset == nil || output == nil) {
            throw ValidationError("Give --config, or all of --backbone, --dataset and --output.")
        }
    }

    func run(on communicator: any Communicator) throws {
        let team = try deployment.team(on: communicator)
        let experiment = try Experiment(runConfiguration(), on: communicator, makesCache: true, team: team)
        experiment.notes.forEach(Console.note)
        guard
            let cache = try Extraction.run(
                experiment, team: team, communicator: communicator, stop: StopSignals.request,
                progress: Console.showProgress)
        else {
            Console.note("Stopped before the cache was complete: run the same command again to go on.")
            throw ArgumentParser.ExitCode(ExitCode.stoppedEarly.rawValue)
        }
        cache.notesOnSkippedImages.forEach(Console.note)
        Console.note(
            "\(experiment.configuration.cache.directory) holds \(cache.mapCount) feature maps of "
                + "\(cache.identity.featureMap).")
    }

    /// The configuration of the file, or of the defaults, with what the options set.
    private func runConfiguration() throws -> RunConfiguration {
        var sets: [String] = []
        if let backbone { sets.append("backbone.name=\(backbone)") }
        if let weights { sets.append("backbone.weights=\(weights)") }
        if useEMA { sets.append("backbone.use_ema=true") }
        if let dataset { sets.append("dataset.root=\(dataset)") }
        if let output { sets.append("cache.directory=\(output)") }
        if let precision { sets.append("cache.precision=\(precision.rawValue)") }
        return try source.load(sets, unused: ["run.directory"])
    }
}

extension CachePrecision: ExpressibleByArgument {}
