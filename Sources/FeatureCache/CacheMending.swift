import DurableFiles
import Synchronization

/// Sets the rows that a damaged shard has lost, and writes it; from any thread, but for one shard at a time.
///
/// `PendingShard.problem` says what is wrong with it. What it throws goes to whoever wanted to read the shard.
package typealias CacheMender = @Sendable (_ shard: PendingShard) throws -> Void

/// Has damaged shards made anew when they are found out by reading.
final class CacheMending: Sendable {
    private let mender: CacheMender?
    /// How often a file may be damaged once more before it has been read.
    private static let attemptLimit = 3
    /// Held while a shard is made anew: one after the other, so that their features are not all in memory.
    private let turn = Mutex<Void>(())

    init(_ mender: CacheMender?) { self.mender = mender }

    /// Has the shard of a row mended for which reading gave `fault`, and reads it by `read`.
    /// - Throws: what the mender throws; `FeatureCacheError.corruptRow` if there is none or it did not help.
    func mend(_ row: CacheRow, _ fault: ShardFault, of cache: FeatureCache, _ read: () throws -> Void) throws {
        guard let mender else { throw cache.error(fault, row) }
        try turn.withLock { _ in
            var fault = fault
            do {
                // Another thread may have had it mended in the meantime.
                return try read()
            } catch let found as ShardFault {
                fault = found
            }
            for _ in 0..<Self.attemptLimit {
                let pending = try PendingShard(
                    cache.index, in: cache.directory, shard: row.shard, fault, root: cache.shards[row.shard].root)
                try mender(pending)
                cache.counters.countMended()
                do {
                    return try read()
                } catch let found as ShardFault {
                    fault = found
                }
            }
            throw cache.error(fault, row)
        }
    }
}

extension FeatureCache {
    /// The error of a row that cannot be read.
    fileprivate func error(_ fault: ShardFault, _ row: CacheRow) -> FeatureCacheError {
        .corruptRow(
            path: path(ofShard: row.shard), row: row.row,
            sample: samples.path(of: index.sampleIndices(inShard: row.shard)[row.row]), problem: fault.problem)
    }
}
