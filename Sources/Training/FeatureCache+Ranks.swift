import FeatureCache
import MessagePassing

extension FeatureCache {
    /// The samples of a split that this rank goes through when all ranks go through the split together; each sample is
    /// one rank's. In the dataset's order.
    ///
    /// Of a shared cache a rank takes consecutive samples, which are in few shards; of a cache on its node those of the
    /// shards it is responsible for.
    package func share(of split: String, on communicator: any Communicator) -> [Int] {
        let indices = indices(of: split)
        if let ownShards { return indices.filter { ownShards.contains(samples.shard(of: $0)) } }
        let (rank, size) = (communicator.rank, communicator.size)
        return Array(indices[rank * indices.count / size..<(rank + 1) * indices.count / size])
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
