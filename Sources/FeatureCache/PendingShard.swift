import DurableFiles
import Synchronization
import SystemPackage

/// A shard whose file has to be written: what is sound in the file that is there, if there is one, and what has to be extracted.
///
/// The file that is there stays where it is until the new one takes its place, by one rename: its sound rows are part of the new
/// one, and whatever ends the work in between loses nothing.
package final class PendingShard: Sendable {
    package let path: FilePath
    /// What is wrong with the file that is there; nil if there is none.
    package let problem: String?
    /// The view that the shard holds; 0 is the plain one.
    package let view: Int
    /// The numbers of its samples among all, by row.
    package let samples: [Int]
    /// The rows that have to be set or skipped before it can be written.
    package let missingRows: [Int]

    private let builder: ShardBuilder
    /// The front of the file that is there, if it can be trusted.
    private let front: ShardFront?
    /// Digests of the images' files, from that file or from one of another view.
    private let images: ShardFront?
    /// The digest that the file must have, if it is known.
    private let expectedRoot: ContentDigest?

    /// - Parameters:
    ///   - fault: what is known to be wrong with the file that is there; looked for if nil.
    ///   - root: the digest of the file that rows were read from before; nil if none was.
    /// - Throws: `DurableFileError`.
    init(
        _ index: CacheIndex, in directory: FilePath, shard: Int, _ fault: ShardFault? = nil, root: ContentDigest? = nil
    ) throws {
        let builder = ShardBuilder(index, in: directory, shard: shard)
        path = builder.path
        view = index.shards[shard].view
        samples = index.sampleIndices(inShard: shard)
        self.builder = builder
        var problem = fault.map { fault in
            fault.row.map { "row \($0) (\(builder.samplePath(ofRow: $0))): \(fault.problem)" } ?? fault.problem
        }
        var front: ShardFront?
        do {
            let file = try PositionedFile(path)
            let found = try ShardFront(of: file, shard, in: index)
            problem = problem ?? found.lengthProblem
            if root == nil || root == found.root {
                front = found
                try Self.adoptSoundRows(of: found, file, in: builder)
            }
        } catch DurableFileError.missing {
        } catch let fault as ShardFault {
            problem = problem ?? fault.problem
        } catch let error as DurableFileError {
            // Whatever it is, it cannot be read.
            problem = problem ?? "\(error)"
        }
        self.problem = problem
        self.front = front
        // What a file that is verified as a whole says of itself may be what is wrong with it.
        expectedRoot = root ?? (index.format == .rows ? front?.root : nil)
        images = front ?? Self.otherView(of: shard, index, in: directory)
        missingRows = samples.indices.filter { !builder.isSet(row: $0) }
    }

    private static func adoptSoundRows(
        of front: ShardFront, _ file: PositionedFile, in builder: ShardBuilder
    ) throws {
        guard front.layout.format == .rows else { return }
        for row in 0..<front.layout.rowCount {
            try builder.adopt(row: row, of: front) { memory in
                do {
                    try file.read(into: memory, from: front.start(ofRow: row))
                } catch is DurableFileError {
                    return false  // beyond the end, or on a bad spot of the disk
                }
                return front.isSound(row: row, UnsafeRawBufferPointer(memory))
            }
        }
    }

    /// The front of a sound file of another view of the same samples.
    private static func otherView(of shard: Int, _ index: CacheIndex, in directory: FilePath) -> ShardFront? {
        guard index.format == .rows else { return nil }
        let plain = index.shards[shard].plainShard ?? shard
        for view in 0..<index.identity.viewCount {
            guard let other = index.shard(ofView: view, plainShard: plain), other != shard else { continue }
            // One that is missing or damaged says nothing, and is found out when it is its turn.
            if let file = try? PositionedFile(CacheIndex.shardPath(other, in: directory)),
                let front = try? ShardFront(of: file, other, in: index)
            {
                return front
            }
        }
        return nil
    }

    /// The digest of the file of a row's image when features were extracted from it before; nil if it is not known.
    package func imageDigest(ofRow row: Int) -> [UInt8]? { images?.imageDigest(ofRow: row) }

    /// Sets the feature map [H, W, D] of one sample.
    /// - Throws: `FeatureCacheError.notRepresentable`; `.notReproduced` if the row is known to have been another.
    package func set(_ features: [Float], row: Int, imageDigest: [UInt8]) throws {
        try builder.set(features, row: row, imageDigest: imageDigest)
        try requireSame(row)
    }

    /// Leaves a sample out: its features are zero, and the shard's file says why.
    /// - Throws: `FeatureCacheError.notReproduced` if the row is known to have been another.
    package func skip(row: Int, reason: String, imageDigest: [UInt8]) throws {
        builder.skip(row: row, reason: reason, imageDigest: imageDigest)
        try requireSame(row)
    }

    private func requireSame(_ row: Int) throws {
        guard let front, front.layout.format == .rows else { return }
        guard builder.digest(ofRow: row).elementsEqual(front.digest(ofRow: row)) else {
            throw FeatureCacheError.notReproduced(path: path, sample: builder.samplePath(ofRow: row))
        }
    }

    /// Writes the file, all or nothing, when all rows are set.
    /// - Throws: `FeatureCacheError.notReproduced` if it is known to have been another; `DurableFileError`.
    package func write() throws { try builder.write(expecting: expectedRoot) }

    /// The samples that it leaves out.
    package var skipped: [SkippedSample] {
        builder.skippedRows.map { SkippedSample(sample: samples[$0.number], reason: $0.reason) }
    }
}
