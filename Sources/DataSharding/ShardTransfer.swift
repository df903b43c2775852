/// A file of a node's cache that a rank needs and another has.
public struct ShardTransfer: Equatable, Sendable {
    public let shard: Int
    public let source: Int
    public let destination: Int

    /// Who sends which shard to whom, in rounds in which each rank sends at most one and receives at most one: memory for
    /// two shards is enough, and several ranks that have a shard take turns.
    ///
    /// - Parameters:
    ///   - owners: the rank that needs each shard.
    ///   - isPresent: for each rank, whether its folder has each shard (1 or 0).
    public static func plan(owners: [Int], isPresent: [[UInt8]]) -> [[ShardTransfer]] {
        var pending: [ShardTransfer] = []
        for (shard, owner) in owners.enumerated() where isPresent[owner][shard] == 0 {
            let sources = isPresent.indices.filter { isPresent[$0][shard] != 0 }
            guard !sources.isEmpty else { continue }
            pending.append(.init(shard: shard, source: sources[shard % sources.count], destination: owner))
        }
        var rounds: [[ShardTransfer]] = []
        while !pending.isEmpty {
            var (sources, destinations): (Set<Int>, Set<Int>) = ([], [])
            var round: [ShardTransfer] = []
            pending.removeAll { transfer in
                guard !sources.contains(transfer.source), !destinations.contains(transfer.destination) else {
                    return false
                }
                sources.insert(transfer.source)
                destinations.insert(transfer.destination)
                round.append(transfer)
                return true
            }
            rounds.append(round)
        }
        return rounds
    }
}
