import Datasets
import DisentangledHead
public import DurableFiles
import Evaluation
import FeatureCache
import Inference
import MessagePassing
import Results
import RunControl
import SystemPackage
import Tensors

/// Finds the training images that stand for each channel.
public enum PrototypeSearch {
    /// Prototypes of one side of a channel (method: m = 5).
    public static let prototypeCount = 5

    /// Goes through the cached features of the training images once. Collective; rank 0 gets the table, the others nil.
    ///
    /// The order of prototypes is total (activation, then the dataset's order), so the table depends on the head and the
    /// features alone, and not on the ranks that share out the images. Only images that excite a side at all (M_k > 0,
    /// m_k < 0) are its prototypes, so a side may have fewer than `prototypeCount`, or none.
    ///
    /// - Parameter digests: reads the images of samples, which are in ascending order, checks that features were extracted from them,
    ///   and gives the SHA-256 of each. Called on rank 0, once; whoever needs their pictures too reads them here. Nil to read them for
    ///   their digests alone.
    /// - Throws: the errors of the cache and of image files that are gone or are other ones than features were extracted from.
    public static func run(
        _ model: TrainedModel, cache: FeatureCache, team: WorkerTeam,
        communicator: any Communicator = SingleProcess(), progress: @escaping ProgressHandler = { _ in },
        digests: (([Int]) throws -> [Int: ContentDigest])? = nil
    ) throws -> PrototypeTable? {
        communicator.activity.begin(step: 0, "searching for prototypes")
        let own = try communicator.together {
            try strongest(
                model, cache: cache, share: cache.share(of: Split.train.rawValue, on: communicator), team,
                communicator.activity, progress)
        }
        let all = try communicator.merged(own.flatMap(\.self), of: "prototypes")
        return try communicator.together {
            guard let all else { return nil }
            let (positive, negative) = (all.prefix(all.count / 2), all.suffix(all.count / 2))
            return try communicator.activity.allowing(.seconds(3600)) {
                let samples = Set(all.flatMap(\.entries).map(\.sample)).sorted()
                let digests = try digests?(samples) ?? self.digests(of: samples, model, cache: cache, team: team)
                return table(
                    model, cache: cache, positive: Array(positive), negative: Array(negative), digests: digests)
            }
        }
    }

    /// The strongest of the samples in `share`, of each channel: the positive sides, then the negative ones.
    private static func strongest(
        _ model: TrainedModel, cache: FeatureCache, share: [Int], _ team: WorkerTeam, _ activity: Activity,
        _ progress: ProgressHandler
    ) throws -> [[StrongestSamples]] {
        let channelCount = model.head.channelCount
        var positive = [StrongestSamples](repeating: .init(capacity: prototypeCount), count: channelCount)
        var negative = positive
        let total = cache.indices(of: Split.train.rawValue).count
        var completed = 0
        try cache.forEachBatch(of: share) { samples, features in
            let pooled = try model.head.pooledActivations(features, team: team)
            for (row, sample) in samples.enumerated() {
                for channel in 0..<channelCount {
                    let index = row * channelCount + channel
                    if pooled.maxima[index] > 0 {
                        positive[channel].offer(
                            .init(
                                strength: pooled.maxima[index], sample: sample,
                                pixel: Int(pooled.maximumPixels[index])))
                    }
                    if pooled.minima[index] < 0 {
                        negative[channel].offer(
                            .init(
                                strength: -pooled.minima[index], sample: sample,
                                pixel: Int(pooled.minimumPixels[index])))
                    }
                }
            }
            completed += samples.count
            activity.progress()
            progress(
                .init(
                    activity: "prototypes", completed: total * completed / share.count, total: total, unit: "images"))
        }
        return [positive, negative]
    }

    /// The digests of images that are those of the cache, each read once.
    private static func digests(
        of samples: [Int], _ model: TrainedModel, cache: FeatureCache, team: WorkerTeam
    ) throws -> [Int: ContentDigest] {
        let images = CachedImages(of: cache)
        let dataset = model.experiment.dataset
        let found = try team.map(samples.count) { _, index in
            let bytes = try dataset.bytes(of: dataset[samples[index]])
            try model.experiment.requireKnown(
                EdgeDigest(ofFile: bytes), ofSample: samples[index], images.digest(of: samples[index]))
            return ContentDigest(of: bytes)
        }
        return Dictionary(uniqueKeysWithValues: zip(samples, found))
    }

    private static func table(
        _ model: TrainedModel, cache: FeatureCache, positive: [StrongestSamples], negative: [StrongestSamples],
        digests: [Int: ContentDigest]
    ) -> PrototypeTable {
        let map = cache.identity.featureMap
        func prototypes(_ strongest: StrongestSamples, sign: Float) -> [Prototype] {
            strongest.entries.map { entry in
                let sample = cache.samples[entry.sample]
                guard let digest = digests[entry.sample] else { preconditionFailure("no digest of \(sample.path)") }
                return Prototype(
                    sample: entry.sample, path: sample.path, label: sample.label, contentDigest: digest,
                    activation: sign * entry.strength, position: MapPosition(index: entry.pixel, width: map.width))
            }
        }
        let channels = positive.indices.map { channel in
            ChannelPrototypes(
                channel: channel, positive: prototypes(positive[channel], sign: 1),
                negative: prototypes(negative[channel], sign: -1))
        }
        return PrototypeTable(
            headDigest: model.headDigest, datasetFingerprint: cache.identity.datasetFingerprint,
            featureMap: map.size, channels: channels)
    }
}
