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
}
