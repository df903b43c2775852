/// Where a run is to take place.
public struct Cluster: Equatable, Sendable {
    public var nodeCount: Int
    public var coresPerNode: Int
    public var ranksPerNode: Int
    /// Rate of a node's network in each direction, in 10^9 bit/s.
    public var networkGigabits: Double

    /// Seconds until a small message between nodes is there: TCP over an ordinary switch.
    public var latency = 50e-6
    /// Seconds of work for each message of an exchange.
    public var messageSeconds = 5e-6
    /// Bytes per second between ranks of one node, each way, when all ranks send (measured: 6e9 to 8e9).
    public var sharedMemoryRate = 5e9

    public init(nodeCount: Int, coresPerNode: Int, ranksPerNode: Int = 1, networkGigabits: Double = 10) {
        precondition(
            nodeCount > 0 && coresPerNode > 0 && ranksPerNode > 0 && networkGigabits > 0,
            "a cluster of nothing")
        self.nodeCount = nodeCount
        self.coresPerNode = coresPerNode
        self.ranksPerNode = ranksPerNode
        self.networkGigabits = networkGigabits
    }

    public var threadsPerRank: Int { max(1, coresPerNode / ranksPerNode) }

    /// How much longer each of `rankCount` ranks on a node computes because there are more of them than cores.
    func crowding(rankCount: Int) -> Double { max(1, Double(rankCount) / Double(coresPerNode)) }
}
