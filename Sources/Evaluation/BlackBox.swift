import DataSharding
public import Datasets
public import DisentangledHead
public import FeatureCache
import Foundation
import Inference
import LinearProbing
public import MessagePassing
import SystemPackage
public import Tensors

/// The plain linear classifier on the average-pooled features of the same frozen backbone: what one would use without
/// explanations, and what the head's accuracy is held against.
public struct BlackBox: Sendable {
    private let probe: LinearProbe

    /// The L2 strength picked on a held-out fifth of the training images.
    public var regularisation: Double { probe.regularisation }
    /// Of the means of feature maps; signed, with a bias.
    public var classifier: Classifier { probe.classifier }

    /// Fits the classifier (multinomial logistic regression with bias) on the training images of a cache. Collective; all ranks get
    /// the same, whatever their number.
    ///
    /// A rank keeps the means of the feature maps of its logical shards, in memory up to `memoryLimit` bytes, else in a file without
    /// a name: in the cache's folder, or where that cannot be written to, in that for temporary files (TMPDIR).
    ///
    /// - Parameter shardCount: logical shards of training, V.
    /// - Throws: `ShardingError.tooManyRanks`; what reading the cache and making the file throw.
    public static func fitted(
        to cache: FeatureCache, shardCount: Int, seed: UInt64, team: WorkerTeam,
        communicator: any Communicator = SingleProcess(), memoryLimit: Int = FeatureRows.memoryLimit
    ) throws -> BlackBox {
        let (rows, labels) = try pooled(
            cache, shardCount: shardCount, team: team, communicator: communicator, memoryLimit: memoryLimit)
        return BlackBox(
            probe: try LinearProbe.fit(
                rows: rows, labels: labels, classCount: cache.identity.classNames.count, seed: seed, team: team,
                communicator: communicator))
    }

    /// Counts the correctly classified images of a split. Collective; all ranks get the counts.
    public func score(
        _ cache: FeatureCache, split: Split, team: WorkerTeam, communicator: any Communicator = SingleProcess()
    ) throws -> ClassificationScore {
        let (classifier, alone) = (probe.classifier, WorkerTeam(workerCount: 1))
        return try cache.score(split, team: team, communicator: communicator) { means, count in
            try classifier.logits(ofPooled: means, imageCount: count, team: alone)
        }
    }

    /// The means of this rank's training images, and the labels of all.
    private static func pooled(
        _ cache: FeatureCache, shardCount: Int, team: WorkerTeam, communicator: any Communicator, memoryLimit: Int
    ) throws -> (rows: FeatureRows, labels: [Int]) {
        let hosted = try ShardHosting(shardCount: shardCount, rankCount: communicator.size)
            .shards(ofRank: communicator.rank)
        let images = cache.indices(of: Split.train.rawValue)
        let rows = try communicator.together {
            let rows = try FeatureRows(
                shards: members(of: hosted, images, among: cache.allIndices(of: Split.train.rawValue), shardCount),
                of: shardCount, width: cache.identity.featureMap.channelCount,
                folders: [cache.directory, FilePath(NSTemporaryDirectory())], memoryLimit: memoryLimit)
            // Logical shard by logical shard, as the cache's files are cut.
            let places = rows.shards.flatMap { shard in
                shard.samples.enumerated().map { (sample: $1, row: shard.firstRow + $0) }
            }
            let width = rows.width
            // In a cache of an older version the first samples of a file wait for its digest to be checked.
            try communicator.activity.allowing(.seconds(600)) {
                _ = try cache.mapMeans(
                    of: places.map { images[$0.sample] }, team: team, activity: communicator.activity
                ) { range, means in
                    for (position, place) in places[range].enumerated() {
                        try rows.set(Array(means[position * width..<(position + 1) * width]), fromRow: place.row)
                    }
                }
            }
            return rows
        }
        return (rows, images.map { cache.samples.label(of: $0) })
    }

    /// The members of some logical shards, as numbers among `images`: those of `all` that have features.
    private static func members(
        of shards: Range<Int>, _ images: [Int], among all: [Int], _ shardCount: Int
    ) -> [(number: Int, samples: [Int])] {
        let assignment = ShardAssignment(shardCount: shardCount)
        var members = [[Int]](repeating: [], count: shardCount)
        var next = 0
        for (position, image) in all.enumerated() where next < images.count && images[next] == image {
            members[assignment.shard(ofSample: position)].append(next)
            next += 1
        }
        return shards.map { ($0, members[$0]) }
    }
}
