import ArgumentParser
import Datasets
import FeatureCache
import Foundation
import Inference
import MessagePassing
import RunConfiguration
import SystemPackage
import Tensors

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
    @Option(
        help: """
            What the backbone's products are made of: f32, or bf16 (operands rounded to bfloat16, summed in f32; needs AVX512-BF16).
            """)
    var compute: ComputePrecision?
    @Option(help: "The dataset's folder.", completion: .directory, transform: { FilePath($0) }) var dataset: FilePath?
    @Option(help: "The cache's folder.", completion: .directory, transform: { FilePath($0) }) var output: FilePath?
    @Option(help: "Number format of the cache: f16, f32 or int8.") var precision: CachePrecision?
    @Flag(
        help: """
            Read all features of the cache, and extract again what is damaged; and check that the images are those that the \
            features were extracted from.
            """) var verify = false
    @OptionGroup var cacheOptions: CacheOptions
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
        let cache = try experiment.completeFeatures(
            notYet: "the cache was", team: team, stop: StopSignals.request, on: communicator)
        if verify { try verify(cache, of: experiment, team, on: communicator) }
        try cacheOptions.showTraffic(of: cache, on: communicator)
        Console.note(
            "\(experiment.configuration.cache.directory) holds \(cache.mapCount) feature maps of "
                + "\(cache.identity.featureMap).")
    }

    /// Reads all features, and looks at all images: each rank those of the files that it is responsible for. Collective.
    private func verify(
        _ cache: FeatureCache, of experiment: Experiment, _ team: WorkerTeam, on communicator: any Communicator
    ) throws {
        communicator.activity.begin(step: 0, "verifying the features")
        try communicator.together {
            try cache.verify { checkedCount, total in
                communicator.activity.progress()
                Console.showProgress(
                    .init(activity: "verify", completed: checkedCount, total: total, unit: "files"))
            }
        }
        communicator.activity.begin(step: 0, "looking whether the images are those of the cache")
        try communicator.together {
            let samples = Split.allCases.flatMap { cache.share(of: $0.rawValue, on: communicator) }
            try experiment.requireKnownImages(of: samples, in: cache, team: team) {
                communicator.activity.progress()
            }
        }
        Console.note("All features have the digests they should, and the images are those they were extracted from.")
    }

    /// The configuration of the file, or of the defaults, with what the options set.
    private func runConfiguration() throws -> RunConfiguration {
        var sets: [String] = []
        if let backbone { sets.append("backbone.name=\(backbone)") }
        if let weights { sets.append("backbone.weights=\(weights)") }
        if useEMA { sets.append("backbone.use_ema=true") }
        if let compute { sets.append("backbone.compute=\(compute.rawValue)") }
        if let dataset { sets.append("dataset.root=\(dataset)") }
        if let output { sets.append("cache.directory=\(output)") }
        if let precision { sets.append("cache.precision=\(precision.rawValue)") }
        return try source.load(sets, unused: ["run.directory"])
    }
}

extension CachePrecision: ExpressibleByArgument {}
