import MessagePassing
import RunConfiguration

extension RunConfiguration {
    /// Checks that there are as many logical shards as ranks at least.
    /// - Throws: `TrainingError.tooManyRanks`, on all ranks alike.
    public func requireShard(forEachRankOf communicator: any Communicator) throws {
        guard communicator.size <= training.logicalShards else {
            throw TrainingError.tooManyRanks(count: communicator.size, shards: training.logicalShards)
        }
    }
}
