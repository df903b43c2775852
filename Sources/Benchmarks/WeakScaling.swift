import Backbones
import DisentangledHead
import ImageCoding
import MessagePassing
import Tensors
import WeightFiles

/// How much more all ranks together do in the same time than one of them alone: W ranks, W times the work.
///
/// Rank 0 works alone, then all ranks do, in turn.
public struct WeakScaling: Sendable {
    /// Throughput of all ranks as a multiple of one rank's, the median of the repetitions.
    public let speedup: Double
    /// Images (or samples) a second on one rank.
    public let singleRate: Double
    /// The same on all ranks together.
    public let totalRate: Double

    private init(
        repetitions: Int, amount: Int, over communicator: any Communicator, alone: () throws -> Void,
        together: () throws -> Void
    ) throws {
        var single: [Double] = []
        var total: [Double] = []
        for repetition in 0...repetitions {
            communicator.activity.progress()
            let aloneSeconds = try communicator.activity.allowing(.seconds(600)) {
                try communicator.seconds { if communicator.rank == 0 { try alone() } }
            }
            let togetherSeconds = try communicator.activity.allowing(.seconds(600)) {
                try communicator.seconds { try together() }
            }
            // The first touches the memory.
            guard repetition > 0 else { continue }
            single.append(Double(amount) / aloneSeconds)
            total.append(Double(amount * communicator.size) / togetherSeconds)
        }
        let ratios = zip(total, single).map { $0 / $1 }.sorted()
        speedup = ratios[ratios.count / 2]
        singleRate = single.sorted()[single.count / 2]
        totalRate = total.sorted()[total.count / 2]
    }

    /// Extraction: a photograph of 500 x 375 pixels decoded and taken through the demo backbone, again and again. Collective.
    /// - Throws: `WeightFileError` or `BackboneError` if the demo backbone is not beside the program.
    public static func extraction(
        imagesPerRank: Int = 200, repetitions: Int, over communicator: any Communicator, team: WorkerTeam
    ) throws -> WeakScaling {
        let backbone = try Backbone.load(name: DemoBackbone.name, weights: SafetensorsFile(DemoBackbone.weights))
        let photograph = ImageEncoder.jpeg(PixelImage(width: 500, height: 375, red: 90, green: 120, blue: 60))
        let workspaces = WorkerLocal(team) { backbone.makeWorkspace() }
        let input = backbone.defaultInput
        func work() throws {
            try team.forEach(imagesPerRank) { worker, _ in
                let pixels = try input.pixels(ofFile: photograph, path: "made-up.jpeg")
                _ = backbone.featureMaps(
                    of: Tensor(shape: [1, input.crop, input.crop, 3], values: input.normalised(pixels)),
                    workspace: workspaces[worker])
            }
        }
        return try WeakScaling(
            repetitions: repetitions, amount: imagesPerRank, over: communicator, alone: work, together: work)
    }

    /// Training of a head: steps on random features, with the same number of logical shards on each rank. Collective.
    public static func training(
        channelCount: Int, classCount: Int = 200, samplesPerShard: Int = 16, shardsPerRank: Int = 4,
        repetitions: Int, over communicator: any Communicator, team: WorkerTeam
    ) throws -> WeakScaling {
        func rehearsal(_ communicator: any Communicator) throws -> TrainingRehearsal {
            try TrainingRehearsal(
                .init(
                    channelCount: channelCount, classCount: classCount, pixelCount: 49,
                    samplesPerShard: samplesPerShard, logicalShards: shardsPerRank * communicator.size),
                configuration: HeadConfiguration(channelMap: .riemannian), communicator: communicator, team: team)
        }
        var alone = try rehearsal(SingleProcess())
        var together = try rehearsal(communicator)
        return try WeakScaling(
            repetitions: repetitions, amount: shardsPerRank * samplesPerShard, over: communicator,
            alone: { _ = try alone.takeStep() }, together: { _ = try together.takeStep() })
    }
}
