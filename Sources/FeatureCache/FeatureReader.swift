import Synchronization

/// Reads the features of batches whose samples are known beforehand, and so from the disk while others are computed with.
///
///     let reader = FeatureReader(cache) { number in number < batches.count ? .init(samples: batches[number]) : nil }
///     for batch in batches {
///         reader.begin()
///         let features = try reader.features(of: batch)
///     }
///
/// Features are those of `FeatureCache.features(of:view:)`; what is read ahead changes nothing but when. The memory for it is
/// bounded by `byteCountLimit`, whatever the size of a batch.
package final class FeatureReader: Sendable {
    /// What is asked for together.
    package struct Batch: Sendable {
        package var samples: [Int]
        package var view: Int

        package init(samples: [Int], view: Int = 0) {
            (self.samples, self.view) = (samples, view)
        }
    }

    /// Features that stay in this process' memory once they have been used, as many as there is room for.
    package struct Holding: Sendable {
        /// Bytes that they may take, without their zeros.
        package var byteCountLimit: Int
        /// Whether memory has become so short that less should be held. It is asked now and then.
        package var isMemoryShort: @Sendable () -> Bool

        package init(byteCountLimit: Int, isMemoryShort: @escaping @Sendable () -> Bool = { false }) {
            (self.byteCountLimit, self.isMemoryShort) = (byteCountLimit, isMemoryShort)
        }
    }

    /// Bytes of features that are read ahead, at most.
    package static let byteCountLimit = 64 << 20
    /// Rows that are read ahead, at most, where the system turns out to have them in memory.
    package static var rowCountInMemory: Int { ReadAhead.decisionCountWithinBatch }

    private let cache: FeatureCache
    private let ahead: ReadAhead

    /// - Parameters:
    ///   - batchAt: the batch of a number, counted from 0; nil behind the last. It is called from other threads, for one number
    ///     at a time, and need not be for all.
    ///   - byteCountLimit: bytes of features that are read ahead.
    ///   - holding: nil to hold none.
    package init(
        _ cache: FeatureCache, byteCountLimit: Int = FeatureReader.byteCountLimit, holding: Holding? = nil,
        batchAt: @escaping @Sendable (_ number: Int) -> Batch?
    ) {
        self.cache = cache
        ahead = ReadAhead(cache, byteCountLimit: byteCountLimit, holding: holding) { number in
            batchAt(number).map { cache.rows(of: $0.samples, view: $0.view) }
        }
    }

    deinit { ahead.stop() }

    /// Goes on to the next batch, the first one at the first call. What was read of the last one and not asked for is dropped.
    package func begin() { ahead.begin() }

    /// The feature maps of a view of samples, which are of the batch that was begun; of others too, but those were not read
    /// ahead. From any thread.
    /// - Throws: as `FeatureCache.features(of:view:)`.
    package func features(of samples: [Int], view: Int = 0) throws -> [Float] {
        try ahead.withRows(cache.rows(of: samples, view: view)) { rows in
            try cache.features(count: rows.count) { position, memory, use in
                try ahead.read(&rows[position], into: memory, use)
            }
        }
    }
}
