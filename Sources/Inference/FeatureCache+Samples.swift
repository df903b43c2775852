public import FeatureCache
import MessagePassing
import Tensors

extension FeatureCache {
    /// The samples of a split that this rank goes through when all ranks go through the split together; each sample is
    /// one rank's. In the dataset's order.
    ///
    /// A rank takes those of the files that it is responsible for, so that it opens no others; where files hold samples of all
    /// ranks, consecutive samples, which are in few files.
    package func share(of split: String, on communicator: any Communicator) -> [Int] {
        let indices = indices(of: split)
        if let ownShards { return indices.filter { ownShards.contains(samples.shard(of: $0)) } }
        let (rank, size) = (communicator.rank, communicator.size)
        return Array(indices[rank * indices.count / size..<(rank + 1) * indices.count / size])
    }

    /// Images whose features are in memory at a time, beside those that are read ahead.
    package static let batchSize = 64

    /// Calls `body` with `samples` and their feature maps [n, H, W, D] in the plain view, a batch at a time.
    package func forEachBatch(
        of samples: [Int], _ body: (_ samples: ArraySlice<Int>, _ features: Tensor) throws -> Void
    ) throws {
        let map = identity.featureMap
        @Sendable func batch(_ number: Int) -> ArraySlice<Int>? {
            let start = number * Self.batchSize
            return start < samples.count ? samples[start..<min(samples.count, start + Self.batchSize)] : nil
        }
        let reader = FeatureReader(self) { number in batch(number).map { .init(samples: Array($0)) } }
        var number = 0
        while let batch = batch(number) {
            reader.begin()
            try body(
                batch,
                Tensor(
                    shape: [batch.count, map.height, map.width, map.channelCount],
                    values: try reader.features(of: Array(batch))))
            number += 1
        }
    }

    /// Skipped images that are named one by one; the index of the cache lists all.
    private static let namedSkippedLimit = 20

    /// A sentence for each image that was left out, and one for all; none if there are none.
    public var notesOnSkippedImages: [String] {
        guard !skipped.isEmpty else { return [] }
        let named = skipped.prefix(Self.namedSkippedLimit).map { "  \(samples.path(of: $0.sample)): \($0.reason)" }
        let rest = skipped.count - named.count
        return [
            "\(skipped.count) image\(skipped.count == 1 ? "" : "s") cannot be decoded and "
                + "\(skipped.count == 1 ? "is" : "are") left out (dataset.bad_images: skip):"
        ] + named + (rest > 0 ? ["  and \(rest) more, see \(directory)/index.json"] : [])
    }
}
