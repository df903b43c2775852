/// What the pieces of a run cost on one machine.
public struct UnitCosts: Equatable, Sendable {
    /// Threads that were busy when this was measured.
    public var threadCount: Int
    /// Core-seconds to decode one image and take it through the backbone.
    public var image: Double
    /// Core-seconds to read the features of one sample from a cache that the system has in memory.
    public var read: Double
    /// Core-seconds to take them from this process' memory, where they are held (`FeatureReader.Holding`).
    public var heldRead: Double
    /// Bytes of memory that the features of a sample take there.
    public var heldBytes: Int
    /// Core-seconds of the gradient of the samples that one logical shard gives to a step, the mean over the steps of a run: those
    /// of `pooling: annealed` take longer at first.
    public var shardGradient: Double
    /// Core-seconds of the gradient of a whole batch taken at once: what a run without logical shards would pay.
    public var batchGradient: Double
    /// Seconds of the exact sum of one leaf, on one thread.
    public var firstLeaf: Double
    /// Seconds that each further leaf on the same rank adds.
    public var furtherLeaf: Double
    /// Core-seconds of one optimizer update, as far as threads share it.
    public var update: Double
    /// Seconds of one that they do not share.
    public var unsharedUpdate: Double
    /// What of it the ranks can share.
    public var products: UpdateProducts
    /// Core-seconds per sample of a pass of the linear classifier's fit; 0 if none is fitted.
    public var fitPass: Double
    /// Core-seconds to evaluate the head on one image.
    public var evaluation: Double
    /// Bytes in memory of the program with its backbone.
    public var programBytes: Int
    /// Bytes in memory that each worker thread of an extraction adds.
    public var workerBytes: Int
    /// Logical shards of the step that was measured as a whole.
    public var checkedShardCount: Int
    /// Seconds that this step took.
    public var checkedStep: Double

    public init(
        threadCount: Int, image: Double, read: Double = 0, heldRead: Double = 0, heldBytes: Int = 0,
        shardGradient: Double, batchGradient: Double,
        firstLeaf: Double,
        furtherLeaf: Double, update: Double, unsharedUpdate: Double = 0, products: UpdateProducts = .none,
        fitPass: Double = 0, evaluation: Double, programBytes: Int,
        workerBytes: Int,
        checkedShardCount: Int, checkedStep: Double
    ) {
        self.threadCount = threadCount
        self.image = image
        self.read = read
        self.heldRead = heldRead
        self.heldBytes = heldBytes
        self.shardGradient = shardGradient
        self.batchGradient = batchGradient
        self.firstLeaf = firstLeaf
        self.furtherLeaf = furtherLeaf
        self.update = update
        self.unsharedUpdate = unsharedUpdate
        self.products = products
        self.fitPass = fitPass
        self.evaluation = evaluation
        self.programBytes = programBytes
        self.workerBytes = workerBytes
        self.checkedShardCount = checkedShardCount
        self.checkedStep = checkedStep
    }

    /// Seconds of the gradients of `shardCount` logical shards on one rank of `threadCount` threads.
    ///
    /// Threads share out the shards, or work together inside each when there are more threads than shards.
    func gradients(shardCount: Int, threadCount: Int) -> Double {
        threadCount <= shardCount
            ? Double((shardCount + threadCount - 1) / threadCount) * shardGradient
            : Double(shardCount) * shardGradient / Double(threadCount)
    }

    /// Seconds in which one rank of `threadCount` threads takes from its memory the samples of `shardCount` logical shards, `samplesPerShard` of each.
    ///
    /// Each thread does for the shard that it works on; threads that work together inside a shard wait for one.
    func reading(shardCount: Int, samplesPerShard: Int, threadCount: Int) -> Double {
        let turns = threadCount <= shardCount ? (shardCount + threadCount - 1) / threadCount : shardCount
        return Double(turns * samplesPerShard) * heldRead
    }

    /// Seconds of an update on one rank of `threadCount` threads.
    func update(threadCount: Int) -> Double { unsharedUpdate + update / Double(threadCount) }

    /// Seconds of the exact sum of `leafCount` leaves on one rank, without the network.
    func exactSum(leafCount: Int) -> Double {
        leafCount == 0 ? 0 : firstLeaf + Double(leafCount - 1) * furtherLeaf
    }

    /// What the model says of the step that was measured as a whole.
    public var modelOfCheckedStep: Double {
        gradients(shardCount: checkedShardCount, threadCount: threadCount)
            + exactSum(leafCount: checkedShardCount) + update(threadCount: threadCount)
    }
}
