import Datasets
import DurableFiles
public import FeatureCache
import Foundation
public import MessagePassing
public import SystemPackage

/// The score of the black box, which depends on features alone and not on a head, so that a run that knows it need not fit it again.
extension BlackBox {
    /// The file in a run's directory.
    public static let keptName = "black-box.json"
    /// To be raised when the same features give another fit or another score.
    private static let keptVersion = 1

    /// The score on the test images that `runDirectory` keeps for these features, or what `fit` finds. Collective; all ranks get it.
    ///
    /// Keeping it only saves time: a file that is damaged or of other features is not used, and a folder that cannot be written to is fine.
    ///
    /// - Parameters:
    ///   - runDirectory: nil for a checkpoint without a run.
    ///   - keeps: whether what `fit` finds is kept.
    ///   - shardCount: logical shards of training, V, and `seed`: what `fitted` is given.
    ///   - fit: collective; the score on the test images of `cache`.
    public static func keptScore(
        in runDirectory: FilePath?, keeps: Bool, cache: FeatureCache, shardCount: Int, seed: UInt64,
        communicator: any Communicator = SingleProcess(), fit: () throws -> ClassificationScore
    ) throws -> ClassificationScore {
        guard let path = runDirectory?.appending(keptName) else { return try fit() }
        let basis = try KeptScore.Basis(
            version: keptVersion, features: ContentDigest(of: KeptScore.text(cache.identity)),
            trainingImageCount: cache.indices(of: Split.train.rawValue).count,
            testImageCount: cache.indices(of: Split.test.rawValue).count, shardCount: shardCount, seed: seed)
        let found = try communicator.fromRank0(allowing: .seconds(60)) {
            KeptScore(reading: path, of: basis).map { Array($0.counts.map(String.init).joined(separator: " ").utf8) }
                ?? []
        }
        if !found.isEmpty {
            return ClassificationScore(
                counts: found.split(separator: 0x20).compactMap { Int64(String(decoding: $0, as: UTF8.self)) })
        }
        let score = try fit()
        if keeps, communicator.rank == 0 {
            try? DurableFile.write(KeptScore.text(KeptScore(basis, counts: score.counts)), to: path)
        }
        return score
    }
}

/// What the file holds.
private struct KeptScore: Codable {
    /// All that the score depends on.
    struct Basis: Codable, Equatable {
        let version: Int
        /// SHA-256 of the cache's identity.
        let features: ContentDigest
        let trainingImageCount: Int
        let testImageCount: Int
        let shardCount: Int
        let seed: UInt64
    }

    let basis: Basis
    /// Test images, those whose class is first, and those whose class is among the first five.
    let counts: [Int64]
    /// SHA-256 of the basis and the counts.
    let digest: ContentDigest

    init(_ basis: Basis, counts: [Int64]) throws {
        (self.basis, self.counts) = (basis, counts)
        digest = try Self.digest(basis, counts)
    }

    /// Nil unless the file is there, is what was written, and is of this basis.
    init?(reading path: FilePath, of basis: Basis) {
        guard let bytes = try? DurableFile.read(path),
            let kept = try? JSONDecoder().decode(KeptScore.self, from: Data(bytes)), kept.basis == basis,
            kept.counts.count == ClassificationScore.countCount, kept.counts[0] == Int64(basis.testImageCount),
            kept.digest == (try? Self.digest(basis, kept.counts))
        else { return nil }
        self = kept
    }

    private static func digest(_ basis: Basis, _ counts: [Int64]) throws -> ContentDigest {
        ContentDigest(of: try text(basis) + "\(counts)")
    }

    static func text(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}
