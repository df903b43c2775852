import DataSharding
import DurableFiles
import Extraction
import FeatureCache
import Inference
import LinearProbing
import Training

/// What a run costs on a cluster. README.md has the formulas and what they assume. Times in seconds.
public struct Plan: Sendable {
    public let workload: Workload
    public let costs: UnitCosts
    public let cluster: Cluster

    public init(_ workload: Workload, costs: UnitCosts, on cluster: Cluster) {
        self.workload = workload
        self.costs = costs
        self.cluster = cluster
    }

    // MARK: - Ranks

    /// W: ranks that have work. A run has at most as many ranks as logical shards.
    public var rankCount: Int { min(cluster.nodeCount * cluster.ranksPerNode, workload.logicalShards) }
    /// Whether some of the cluster would stand idle.
    public var isLimitedByShards: Bool { cluster.nodeCount * cluster.ranksPerNode > workload.logicalShards }
    /// Nodes that have a rank; ranks fill one node after the other.
    public var usedNodeCount: Int { (rankCount + cluster.ranksPerNode - 1) / cluster.ranksPerNode }
    /// k: the most logical shards that a rank hosts.
    public var shardsPerRank: Int { (workload.logicalShards + rankCount - 1) / rankCount }

    private func hosted(byRank rank: Int) -> Range<Int> { workload.hosting(rankCount: rankCount).shards(ofRank: rank) }

    private func ranks(ofNode node: Int) -> Range<Int> {
        min(node * cluster.ranksPerNode, rankCount)..<min((node + 1) * cluster.ranksPerNode, rankCount)
    }

    /// How much longer a rank computes because its node has more ranks than cores.
    private var crowding: Double { cluster.crowding(rankCount: ranksOfNode) }

    // MARK: - Disk

    /// Bytes of all features, and so of a cache on a shared disk.
    public var cacheByteCount: Int { workload.mapCount * workload.storedByteCount }

    /// Bytes of those that are of other views than the plain one.
    public var viewsByteCount: Int {
        workload.trainCount * (workload.viewCount - 1) * workload.storedByteCount
    }

    /// Bytes of the features that a node with a cache of its own keeps.
    public func cacheByteCount(ofNode node: Int) -> Int {
        ranks(ofNode: node).reduce(0) { $0 + workload.mapCount(of: hosted(byRank: $1)) } * workload.storedByteCount
    }

    /// Bytes on the node that keeps most.
    public var largestNodeCacheByteCount: Int { (0..<usedNodeCount).map { cacheByteCount(ofNode: $0) }.max()! }

    // MARK: - Memory

    /// Bytes of a rank in training, at most, beside the features that it holds.
    public var trainingByteCount: Int { stepByteCount + readAheadByteCount }

    /// Bytes of a rank in training while the system has the cache in memory, so that little is read ahead; beside the features that
    /// it holds.
    public var trainingByteCountWithCacheInMemory: Int {
        stepByteCount
            + 2
            * min(
                FeatureReader.byteCountLimit,
                min(FeatureReader.rowCountInMemory, workload.mapCount) * roomByteCount)
    }

    /// Bytes of a rank in training, with a batch of its evaluation and without features that are read ahead.
    private var stepByteCount: Int {
        let map = workload.featureMap.elementCount
        let shard = workload.samplesPerShard * map + workload.gradientCount
        let state =
            (1 + workload.momentsPerParameter) * workload.gradientCount
            + 2 * (workload.channelMapCount + workload.classifierCount)
            + (sharesUpdate ? 11 : 10) * workload.channelMapCount
        // The gradient of a map that turns is whole until its skew part is taken.
        let inWork =
            min(shardsPerRank, cluster.threadsPerRank)
            * (workload.samplesPerShard * map * workload.numbersPerFeature
                + (workload.channelMap == .riemannian ? workload.channelMapCount : 0))
        let evaluated = min(FeatureCache.batchSize, workload.testCount) * map
        let remembered =
            workload.hasTeacher
            ? TeacherMemory.byteCount(
                imageCount: shardsPerRank * workload.viewsPerShard, classCount: workload.classCount) : 0
        return costs.programBytes + 4 * (shardsPerRank * shard + inWork + state + evaluated) + remembered
    }

    /// Bytes of a rank while the linear classifier is fitted; 0 if none is. The rows may be in a file where they take more.
    public var fitByteCount: Int {
        guard workload.isClassifierFitted else { return 0 }
        let width = workload.featureMap.channelCount
        let rows = workload.trainCount(of: hosted(byRank: 0)) * width * MemoryLayout<Float>.size
        return costs.programBytes + min(rows, FeatureRows.memoryLimit)
            + LinearProbe.byteCount(
                classCount: workload.classCount, channelCount: width, shardsPerRank: shardsPerRank)
    }

    /// Bytes of features that a rank holds in its memory, beside `trainingByteCount`, if there is room for all of them.
    public var heldByteCount: Int { shardsPerRank * workload.viewsPerShard * costs.heldBytes }

    /// Bytes of features that a rank reads ahead, at most: for the steps to come and for an evaluation.
    public var readAheadByteCount: Int {
        2 * min(FeatureReader.byteCountLimit, workload.mapCount * roomByteCount)
    }

    /// Bytes of a sample's features that are read ahead, with the rest of the disk's blocks.
    private var roomByteCount: Int { BlockRoom.allocatedByteCount(for: workload.sampleByteCount) }

    /// Files that are filled at a time: a thread goes on to the next one while others finish the last.
    private var openFileCount: Int { min(Extraction.openShardLimit, cluster.threadsPerRank) }

    /// Bytes of a rank in extraction.
    public var extractionByteCount: Int {
        costs.programBytes + cluster.threadsPerRank * costs.workerBytes
            + min(openFileCount * workload.samplesPerCacheFile, workload.mapCount)
            * workload.sampleByteCount
    }

    // MARK: - Network

    /// Bytes that each rank sends in a step (and receives).
    public var sentPerStep: Int {
        (12 * workload.gradientCount + gatheredByteCount) * (rankCount - 1) / rankCount
    }

    /// Bytes of the products of an update that all ranks share.
    private var gatheredByteCount: Int { sharesUpdate ? 4 * costs.products.elementCount : 0 }

    /// Seconds until all ranks have heard of each other.
    private var roundLatency: Double {
        Double((rankCount - 1).bitLength) * (usedNodeCount > 1 ? cluster.latency : cluster.messageSeconds)
    }

    /// Bytes of those that leave a node, of all its ranks together.
    public var leavingNodePerStep: Int {
        leavingNode(of: workload.gradientCount) + gatheredLeavingNode
    }

    private var gatheredLeavingNode: Int { gatheredByteCount * (rankCount - ranksOfNode) / rankCount }

    /// Bytes of the exact sum of `count` numbers.
    private func leavingNode(of count: Int) -> Int {
        12 * count * ranksOfNode * (rankCount - ranksOfNode) / rankCount
    }

    private var ranksOfNode: Int { min(cluster.ranksPerNode, rankCount) }

    /// Of the exact sum of one step.
    public var network: Double {
        guard rankCount > 1 else { return 0 }
        return 3 * roundLatency + exchange(of: workload.mapGradientCount) + exchange(of: workload.classifierCount)
    }

    /// Of the sum of `count` numbers that the ranks have agreed to add.
    private func exchange(of count: Int) -> Double {
        guard count > 0 else { return 0 }
        let inside = 12 * count * (ranksOfNode - 1) / rankCount
        let pieceLength = max(1, min(cluster.threadsPerRank << 16, (1 << 20) / rankCount))
        let block = (count + rankCount - 1) / rankCount
        let pieces = Double((block + pieceLength - 1) / pieceLength)
        return secondsOnLine(byteCount: leavingNode(of: count)) + Double(inside) / cluster.sharedMemoryRate
            + roundLatency + pieces * (roundLatency + Double(rankCount - 1) * cluster.messageSeconds)
    }

    private func secondsOnLine(byteCount: Int) -> Double { Double(byteCount) * 8 / (cluster.networkGigabits * 1e9) }

    // MARK: - Time

    /// Of the features of the whole dataset, once.
    public var extraction: Double {
        (0..<rankCount).map { rank in
            let images = workload.mapCount(of: hosted(byRank: rank))
            return Double((images + cluster.threadsPerRank - 1) / cluster.threadsPerRank) * costs.image * crowding
        }.max()!
    }

    public var gradients: Double {
        costs.gradients(shardCount: shardsPerRank, threadCount: cluster.threadsPerRank) * crowding
    }
    /// Of the samples of a step, whose features are held.
    public var reading: Double {
        costs.reading(
            shardCount: shardsPerRank, samplesPerShard: workload.samplesPerShard, threadCount: cluster.threadsPerRank)
            * crowding
    }
    public var exactSum: Double { costs.exactSum(leafCount: shardsPerRank) * crowding }
    public var update: Double { sharesUpdate ? sharedUpdate : ownUpdate }

    /// Whether the ranks share the products of an update, as they do where it saves time.
    public var sharesUpdate: Bool { rankCount > 1 && sharedUpdate < ownUpdate }

    /// Of an update that each rank computes for itself.
    private var ownUpdate: Double { costs.update(threadCount: cluster.threadsPerRank) * crowding }

    /// Of one whose products each rank computes a share of, and receives the rest of: over the network, from there or from a rank of
    /// its node into MPI's memory, and to its place.
    private var sharedUpdate: Double {
        // Measured apart, so that the one may come out above the other.
        let products = min(
            costs.products.seconds(threadCount: cluster.threadsPerRank),
            costs.update(threadCount: cluster.threadsPerRank))
        let others = Double(rankCount - 1) / Double(rankCount)
        let outside = Double(rankCount - ranksOfNode) / Double(rankCount)
        let byteCount = Double(4 * costs.products.elementCount)
        return ownUpdate - products * crowding * others + byteCount * outside * 8 / (cluster.networkGigabits * 1e9)
            + 2 * byteCount * others / cluster.sharedMemoryRate + Double(costs.products.count) * roundLatency
    }

    /// Of a full batch. Over several nodes, what is not the channel map's travels while that is updated (`GradientReduction`).
    public var step: Double {
        let line = networkDuringUpdate + secondsOnLine(byteCount: gatheredLeavingNode)
        return gradients + reading + exactSum + network - networkDuringUpdate
            + (networkDuringUpdate > 0 ? max(update, line) : update)
    }

    /// What of `network` goes on during the update.
    public var networkDuringUpdate: Double {
        usedNodeCount > 1 && workload.mapGradientCount > 0
            && workload.classifierCount >= GradientReduction.leastCount ? exchange(of: workload.classifierCount) : 0
    }

    /// What it would take if all was added before the update.
    public var stepInTurn: Double { gradients + reading + exactSum + network + update }

    /// Of the linear classifier's fit, before the first step; without its sums over the network.
    public var fit: Double {
        guard workload.isClassifierFitted else { return 0 }
        let images = workload.trainCount(of: hosted(byRank: 0))
        return Double(LinearProbe.usualPassCount * images) * costs.fitPass / Double(cluster.threadsPerRank) * crowding
    }

    /// Of the test samples, once. One thread of a rank reads, all compute.
    public var evaluation: Double {
        Double(workload.testCount) / Double(rankCount)
            * (costs.read + costs.evaluation / Double(cluster.threadsPerRank)) * crowding
    }
    public var epoch: Double { epoch(ofSteps: step) }
    /// An epoch of steps in which all is added before the update.
    public var epochInTurn: Double { epoch(ofSteps: stepInTurn) }

    /// The last step of an epoch has fewer samples, so that less is read and computed.
    private func epoch(ofSteps step: Double) -> Double {
        let missing = Double(workload.stepsPerEpoch) - workload.batchesPerEpoch
        return Double(workload.stepsPerEpoch) * step - missing * (gradients + reading) + evaluation
    }
    /// Of all epochs, and of what comes before the first.
    public var training: Double { fit + Double(workload.epochs) * epoch }

    /// What it costs that one rank computes V gradients and adds them exactly, instead of one gradient of the whole batch:
    /// share of a step on one rank of one thread, in 0...1.
    public var shardingShare: Double {
        let separate =
            Double(workload.logicalShards) * costs.shardGradient + costs.exactSum(leafCount: workload.logicalShards)
        return max(0, separate - costs.batchGradient) / (separate + costs.update(threadCount: 1))
    }

    /// The same run on 1, 2, 4, ... 256 nodes of the same kind.
    public var scaling: [Plan] {
        (0...8).map { exponent in
            var cluster = cluster
            cluster.nodeCount = 1 << exponent
            return Plan(workload, costs: costs, on: cluster)
        }
    }
}

extension Int {
    /// Binary digits: ceil(log2(self + 1)).
    fileprivate var bitLength: Int { Int.bitWidth - leadingZeroBitCount }
}
