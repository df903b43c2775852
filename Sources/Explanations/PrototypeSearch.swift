import Datasets
import DisentangledHead
import DurableFiles
import FeatureCache
import SystemPackage
import Tensors
import Training

/// Finds the training images that stand for each channel.
public enum PrototypeSearch {
    /// Prototypes of one side of a channel (method: m = 5).
    public static let prototypeCount = 5

    /// Goes through the cached features of the training images once.
    ///
    /// The order of prototypes is total (activation, then the dataset's order), so the table depends on the head and the
    /// features alone. Only images that excite a side at all (M_k > 0, m_k < 0) are its prototypes, so a side may have
    /// fewer than `prototypeCount`, or none.
    /// - Throws: the errors of the cache and of image files that are gone.
    public static func run(
        _ model: TrainedModel, team: WorkerTeam, progress: @escaping ProgressHandler = { _ in }
    ) throws -> PrototypeTable {
        let cache = try model.cache()
        let channelCount = model.head.channelCount
        var positive = [StrongestSamples](repeating: .init(capacity: prototypeCount), count: channelCount)
        var negative = positive
        let total = cache.indices(of: Split.train.rawValue).count
        var completed = 0
        try Evaluation.forEachBatch(of: cache, split: .train) { samples, features in
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
            progress(.init(activity: "prototypes", completed: completed, total: total, unit: "images"))
        }
        return try table(model, cache: cache, positive: positive, negative: negative)
    }

    private static func table(
        _ model: TrainedModel, cache: FeatureCache, positive: [StrongestSamples], negative: [StrongestSamples]
    ) throws -> PrototypeTable {
        var digests: [Int: ContentDigest] = [:]
        let map = cache.identity.featureMap
        func prototypes(_ strongest: StrongestSamples, sign: Float) throws -> [Prototype] {
            try strongest.entries.map { entry in
                let sample = cache.samples[entry.sample]
                if digests[entry.sample] == nil {
                    digests[entry.sample] = try ContentDigest.ofFile(
                        model.experiment.dataset.root.appending(sample.path))
                }
                return Prototype(
                    sample: entry.sample, path: sample.path, label: sample.label,
                    contentDigest: digests[entry.sample]!, activation: sign * entry.strength,
                    position: MapPosition(index: entry.pixel, width: map.width))
            }
        }
        let channels = try positive.indices.map { channel in
            ChannelPrototypes(
                channel: channel, positive: try prototypes(positive[channel], sign: 1),
                negative: try prototypes(negative[channel], sign: -1))
        }
        return PrototypeTable(
            headDigest: model.headDigest, datasetFingerprint: cache.identity.datasetFingerprint,
            featureMap: MapSize(height: map.height, width: map.width), channels: channels)
    }
}
