import FeatureCache
import Planning
import Tensors
import Testing

@Suite struct PlanTests {
    private static let workload = Workload(
        trainCount: 5994, testCount: 5794, classCount: 200,
        featureMap: FeatureMapShape(height: 7, width: 7, channelCount: 2048), precision: .f16,
        samplesPerCacheShard: 300, logicalShards: 24, batchSize: 96, epochs: 30, channelMap: .cayley,
        momentsPerParameter: 2)
    private static let costs = UnitCosts(
        threadCount: 2, image: 0.06, shardGradient: 0.05, batchGradient: 0.9, firstLeaf: 0.006, furtherLeaf: 0.004,
        update: 0.8, fitPass: 0.0002, evaluation: 0.01, programBytes: 200 << 20, workerBytes: 50 << 20,
        checkedShardCount: 8,
        checkedStep: 0.6)

    private func plan(
        nodes: Int, cores: Int = 8, ranks: Int = 1, gigabits: Double = 10, _ change: (inout Workload) -> Void = { _ in }
    ) -> Plan {
        var workload = Self.workload
        change(&workload)
        return Plan(
            workload, costs: Self.costs,
            on: Cluster(nodeCount: nodes, coresPerNode: cores, ranksPerNode: ranks, networkGigabits: gigabits))
    }

    @Test(arguments: [1, 2, 3, 5, 7, 24, 100], [1, 2, 3]) func theCachesOfTheNodesAreTheWholeCache(
        nodes: Int, ranks: Int
    ) {
        let plan = plan(nodes: nodes, ranks: ranks)
        let parts = (0..<nodes).map { plan.cacheByteCount(ofNode: $0) }
        #expect(parts.reduce(0, +) == plan.cacheByteCount)
        #expect(plan.cacheByteCount == (5994 + 5794) * (7 * 7 * 2048 * 2 + 72))
        #expect(parts.max() == plan.largestNodeCacheByteCount)
        #expect(parts.filter { $0 > 0 }.count == plan.usedNodeCount)
    }

    @Test(arguments: [(CachePrecision.f32, 4 * 49 * 2048), (.f16, 2 * 49 * 2048), (.int8, 49 * 2048 + 4 * 2048)])
    func theCacheHasTheBytesOfItsPrecision(precision: CachePrecision, mapByteCount: Int) {
        let plan = plan(nodes: 3) { $0.precision = precision }
        #expect(plan.cacheByteCount == (5994 + 5794) * (mapByteCount + 72))
    }

    @Test(arguments: [1, 3, 24]) func viewsOfTrainingImagesTakeDiskAndTime(nodes: Int) {
        let (plain, plan) = (plan(nodes: nodes), plan(nodes: nodes) { $0.viewCount = 4 })
        #expect(plan.cacheByteCount == (4 * 5994 + 5794) * (7 * 7 * 2048 * 2 + 72))
        #expect(plan.viewsByteCount == plan.cacheByteCount - plain.cacheByteCount && plain.viewsByteCount == 0)
        #expect((0..<nodes).reduce(0) { $0 + plan.cacheByteCount(ofNode: $1) } == plan.cacheByteCount)
        // Training goes through one view an epoch.
        #expect(plan.epoch == plain.epoch)
        #expect(plan.extraction > 2 * plain.extraction && plan.extraction < 3 * plain.extraction)
    }

    @Test func theFitComesOnceAndIsSharedOutAndAPlanWithoutOneIsWithoutIt() {
        let (none, one, twelve) = (
            plan(nodes: 1), plan(nodes: 1) { $0.isClassifierFitted = true },
            plan(nodes: 12) { $0.isClassifierFitted = true }
        )
        #expect(none.fit == 0 && none.fitByteCount == 0)
        // Each image in each of 200 passes, on 8 threads.
        #expect(abs(one.fit - 200 * 5994 * 0.0002 / 8) < 1e-9)
        #expect(abs(one.training - none.training - one.fit) < 1e-9)
        #expect(twelve.fit > one.fit / 13 && twelve.fit < one.fit / 11)
        // 24 gradients of 200 classes, the features, the covariance, 25 vectors of the minimiser; then with two shards a rank.
        let vector = 200 * 2049
        #expect(one.fitByteCount == 200 << 20 + 4 * (24 * vector + 2048 * (5994 + 2048)) + 200 * vector)
        #expect(one.fitByteCount - twelve.fitByteCount == 4 * (22 * vector + 2048 * (5994 - 500)))
    }

    @Test func fewSamplesLeaveSomeShardsEmptyAndNoneOut() {
        for count in 0...30 {
            let plan = plan(nodes: 24) {
                $0.trainCount = count
                $0.testCount = 3
            }
            let total = (0..<24).reduce(0) { $0 + plan.cacheByteCount(ofNode: $1) }
            #expect(total == (count + 3) * (7 * 7 * 2048 * 2 + 72), "\(count) samples")
        }
    }

    @Test func oneNodeSendsNothingAndTheStepIsTheSumOfItsParts() {
        let plan = plan(nodes: 1, cores: 1)
        #expect(plan.rankCount == 1 && plan.network == 0 && plan.sentPerStep == 0 && plan.leavingNodePerStep == 0)
        // 24 gradients of 0.05 s, the sum of 24 leaves, the update.
        #expect(abs(plan.step - (24 * 0.05 + 0.006 + 23 * 0.004 + 0.8)) < 1e-9)
        // ceil(5994 / 24) = 250 samples in the largest shard, 4 of them a step.
        #expect(plan.workload.stepsPerEpoch == 63)
        #expect(abs(plan.extraction - (5994 + 5794) * 0.06) < 1e-6)
        // The last of the 63 steps has what 62 full batches of 96 leave over: 42 samples.
        #expect(abs(plan.epoch - (63 * plan.step - 24 * 0.05 * (1 - 42.0 / 96) + 5794 * 0.01)) < 1e-6)
    }

    @Test func whatIsReadOfTheCacheIsPartOfAStepAndOfAnEvaluation() {
        var costs = Self.costs
        (costs.read, costs.heldRead, costs.heldBytes) = (0.002, 0.001, 1_000)
        func plan(cores: Int) -> Plan {
            Plan(Self.workload, costs: costs, on: Cluster(nodeCount: 1, coresPerNode: cores))
        }
        // 250 samples of each of 24 shards.
        #expect(plan(cores: 1).heldByteCount == 24 * 250 * 1_000)
        // 96 samples on one thread; on 8 threads, each reads those of 3 of the 24 shards, 4 of each.
        #expect(abs(plan(cores: 1).reading - 0.096) < 1e-9 && abs(plan(cores: 8).reading - 0.012) < 1e-9)
        // More threads than shards wait for the one that reads.
        #expect(abs(plan(cores: 48).reading - 0.096) < 1e-9)
        #expect(abs(plan(cores: 8).step - self.plan(nodes: 1).step - 0.012) < 1e-9)
        #expect(abs(plan(cores: 8).evaluation - 5794 * (0.002 + 0.01 / 8)) < 1e-6)
    }

    @Test func moreThreadsAreOfNoUseToWhatTheyDoNotShareOfAnUpdate() {
        var costs = Self.costs
        costs.unsharedUpdate = 0.1
        for cores in [1, 4, 16] {
            let plan = Plan(Self.workload, costs: costs, on: Cluster(nodeCount: 1, coresPerNode: cores))
            #expect(abs(plan.update - (0.1 + 0.8 / Double(cores))) < 1e-9)
        }
        #expect(abs(costs.modelOfCheckedStep - Self.costs.modelOfCheckedStep - 0.1) < 1e-9)
    }

    @Test func ranksThatShareACoreTakeTurns() {
        let (apart, crowded) = (plan(nodes: 1, cores: 4, ranks: 4), plan(nodes: 1, cores: 2, ranks: 4))
        #expect(crowded.rankCount == 4 && crowded.cluster.threadsPerRank == 1)
        #expect(crowded.extraction == 2 * apart.extraction && crowded.gradients == 2 * apart.gradients)
        #expect(crowded.update == 2 * apart.update && crowded.network == apart.network)
        // About as long as two ranks with a core each take for the same work.
        #expect(abs(crowded.extraction / plan(nodes: 1, cores: 2, ranks: 2).extraction - 1) < 0.001)
        // Ranks that have no shard take no turn: of three on a core, two.
        #expect(
            plan(nodes: 1, cores: 1, ranks: 3) { $0.logicalShards = 2 }.extraction
                == plan(nodes: 1, cores: 1, ranks: 2) { $0.logicalShards = 2 }.extraction)
    }

    @Test func whatIsAddedDuringTheUpdateIsHiddenBehindItAndNoMore() {
        for ranks in [1, 2] { #expect(plan(nodes: 1, ranks: ranks).stepInTurn == plan(nodes: 1, ranks: ranks).step) }
        for gigabits in [0.1, 1, 10, 100] {
            for nodes in [2, 4, 24] {
                let plan = plan(nodes: nodes, gigabits: gigabits)
                // Of 2048 x 2048 and 200 x 2048 numbers, the latter; their few messages take half a millisecond at most.
                let hidden = min(plan.update, plan.network * 200 / 2248)
                #expect(abs(plan.stepInTurn - plan.step - hidden) < 0.01 * hidden + 5e-4, "\(nodes), \(gigabits)")
                #expect(plan.epoch < plan.epochInTurn)
            }
        }
        // A channel map that is not trained has no update to hide anything behind.
        let fixed = plan(nodes: 4) { $0.channelMap = .identity }
        #expect(fixed.step == fixed.stepInTurn && fixed.network > 0)
        // What is there as soon as a thread would be, is not.
        let few = plan(nodes: 4) { $0.classCount = 31 }
        #expect(few.networkDuringUpdate == 0 && few.step == few.stepInTurn)
        #expect(plan(nodes: 4) { $0.classCount = 32 }.networkDuringUpdate > 0)
    }

    @Test func littleIsReadAheadOfACacheInMemoryAndFilesAreOfOneShard() {
        let plan = plan(nodes: 1)
        let map = 7 * 7 * 2048 * 2
        // 64 MiB twice, or 128 maps twice, each with room for two blocks of a disk.
        #expect(
            plan.trainingByteCount - plan.trainingByteCountWithCacheInMemory
                == 2 * (64 << 20) - 2 * 128 * (map + 8192))
        // A thread fills one file at a time.
        #expect(self.plan(nodes: 1, cores: 1).extractionByteCount == 250 << 20 + 250 * map)
        // Three files of ceil(5994 / 24) maps.
        #expect(plan.extractionByteCount == 200 << 20 + 8 * (50 << 20) + 3 * 250 * map)
        #expect(
            self.plan(nodes: 1) { $0.logicalShards = 8 }.extractionByteCount - plan.extractionByteCount == 3 * 50 * map)
    }

    @Test func moreNodesNeverTakeLongerToExtractNorToComputeGradients() {
        for ranks in [1, 2, 4] {
            let plans = (1...30).map { plan(nodes: $0, ranks: ranks) }
            for (fewer, more) in zip(plans, plans.dropFirst()) {
                #expect(more.extraction <= fewer.extraction && more.gradients <= fewer.gradients)
                #expect(
                    more.exactSum <= fewer.exactSum && more.largestNodeCacheByteCount <= fewer.largestNodeCacheByteCount
                )
                #expect(more.trainingByteCount <= fewer.trainingByteCount)
                #expect(more.sentPerStep >= fewer.sentPerStep)
            }
        }
    }

    @Test func aFasterNetworkIsNeverSlowerAndMoreCoresNeitherAre() {
        let network = [0.1, 1, 10, 100, 400].map { plan(nodes: 6, gigabits: $0).network }
        #expect(network == network.sorted(by: >))
        #expect(network[0] > 10 * network[3])
        let steps = [1, 2, 4, 8, 16, 64].map { plan(nodes: 3, cores: $0).step }
        #expect(steps == steps.sorted(by: >))
    }

    @Test func ranksBeyondTheLogicalShardsAddNothing() {
        let (enough, more) = (plan(nodes: 24), plan(nodes: 100))
        #expect(!enough.isLimitedByShards && more.isLimitedByShards)
        #expect(more.rankCount == 24 && more.usedNodeCount == 24)
        #expect(more.step == enough.step && more.extraction == enough.extraction)
    }

    @Test func whatLeavesTheNodesIsPartOfWhatTheRanksSend() {
        for (nodes, ranks) in [(1, 4), (2, 3), (3, 2), (6, 4)] {
            let plan = plan(nodes: nodes, ranks: ranks)
            #expect(plan.leavingNodePerStep <= ranks * plan.sentPerStep)
            #expect((plan.leavingNodePerStep == 0) == (nodes == 1))
        }
        // Two nodes of one rank: half of every number's 8 bytes goes to the other rank, and half of the sums comes back.
        let two = plan(nodes: 2)
        #expect(two.sentPerStep == 6 * (2048 * 2048 + 200 * 2048) && two.leavingNodePerStep == two.sentPerStep)
    }

    @Test func theTableGoesFromOneNodeTo256() {
        let scaling = plan(nodes: 3).scaling
        #expect(scaling.map(\.cluster.nodeCount) == [1, 2, 4, 8, 16, 32, 64, 128, 256])
        #expect(scaling[1].step == plan(nodes: 2).step)
    }

    @Test func theCostOfShardsIsAShare() {
        #expect((0.0...1).contains(plan(nodes: 1).shardingShare))
        // 24 gradients and sums take 1.298 s where one gradient takes 0.9 s.
        #expect(abs(plan(nodes: 1).shardingShare - (1.298 - 0.9) / (1.298 + 0.8)) < 1e-9)
    }

    @Test func aMapThatTurnsAFewChannelsHasAGradientOfThese() {
        let plan = plan(nodes: 2) { $0.turnedChannelCount = 256 }
        #expect(plan.workload.gradientCount == 256 * 256 + 200 * 2048)
        #expect(plan.trainingByteCount < self.plan(nodes: 2).trainingByteCount)
    }

    @Test func whatAStepKeepsOfTheActivationsIsOfTheShardsInWork() {
        let map = 7 * 7 * 2048 * 4
        for (nodes, cores, shards) in [(1, 8, 8), (1, 2, 2), (24, 8, 1)] {
            let plan = plan(nodes: nodes, cores: cores)
            let kept = self.plan(nodes: nodes, cores: cores) { $0.numbersPerFeature = 2 }
            #expect(kept.trainingByteCount - plan.trainingByteCount == shards * 4 * 2 * map)
        }
    }

    @Test func whatATeacherSaidIsOfTheImagesOfTheRank() {
        for (nodes, ranks) in [(1, 1), (2, 2), (24, 24)] {
            let plan = plan(nodes: nodes)
            let taught = self.plan(nodes: nodes) { $0.hasTeacher = true }
            let images = (plan.workload.trainCount + ranks - 1) / ranks
            let added = taught.trainingByteCount - plan.trainingByteCount
            #expect(added >= images * 4 * 200 && added < (images + plan.workload.logicalShards) * (4 * 200 + 100))
        }
        let many = { (hasTeacher: Bool) in
            self.plan(nodes: 1) { ($0.trainCount, $0.hasTeacher) = (1 << 30, hasTeacher) }.trainingByteCount
        }
        #expect(many(true) - many(false) == 256 << 20)
    }

    @Test func anIdentityMapHasNoGradient() {
        let plan = plan(nodes: 2) { $0.channelMap = .identity }
        #expect(plan.workload.gradientCount == 200 * 2048)
        #expect(plan.trainingByteCount < self.plan(nodes: 2).trainingByteCount)
    }

    @Test func aMapThatTurnsHasAGradientOfHalfTheNumbers() {
        let (square, turning) = (plan(nodes: 8), plan(nodes: 8) { $0.channelMap = .riemannian })
        let missing = 2048 * 2049 / 2
        #expect(turning.workload.gradientCount == square.workload.gradientCount - missing)
        #expect(square.sentPerStep - turning.sentPerStep == 12 * missing * 7 / 8)
        #expect(turning.network < square.network)
        // On one node of one core too: what is whole while it is computed is of one shard, what is kept of all.
        #expect(plan(nodes: 1) { $0.channelMap = .riemannian }.trainingByteCount < plan(nodes: 1).trainingByteCount)
        #expect(
            plan(nodes: 1) { ($0.channelMap, $0.turnedChannelCount) = (.riemannian, 256) }.workload.gradientCount
                == 256 * 255 / 2 + 200 * 2048)
    }

    @Test func aWeightForEachSideOfAChannelIsPartOfTheGradient() {
        let plan = plan(nodes: 2) { $0.weightsPerChannel = 2 }
        #expect(plan.workload.gradientCount == 2048 * 2048 + 2 * 200 * 2048)
        #expect(plan.trainingByteCount > self.plan(nodes: 2).trainingByteCount)
    }

    /// An update of 2 products of 2048 x 2048, of which a core does each in 0.2 s, and 0.4 s of other work.
    @Test func ranksShareTheProductsOfAnUpdateWhereTheirResultsArriveSooner() {
        let size = 2048
        var costs = Self.costs
        costs.products = UpdateProducts(
            count: 2, multiplications: 2 * size * size * size, elementCount: 2 * size * size,
            multiplication: 0.2 / Double(size * size * size))
        func plan(nodes: Int, cores: Int, ranks: Int = 1, gigabits: Double = 10) -> Plan {
            Plan(
                Self.workload, costs: costs,
                on: Cluster(nodeCount: nodes, coresPerNode: cores, ranksPerNode: ranks, networkGigabits: gigabits))
        }
        let own = plan(nodes: 1, cores: 2)
        #expect(!own.sharesUpdate && own.update == 0.4)
        // Two ranks on one node: half of the products, and half of their 33.6 MB copied twice in memory.
        let two = plan(nodes: 1, cores: 2, ranks: 2)
        #expect(two.sharesUpdate && abs(two.update - (0.8 - 0.2 + 33_554_432 / 5e9 + 2 * 5e-6)) < 1e-9)
        let (numbers, matrices) = (12 * Self.workload.gradientCount, 8 * size * size)
        #expect(two.sentPerStep == (numbers + matrices) / 2 && two.leavingNodePerStep == 0)
        #expect(two.trainingByteCount == plan(nodes: 2, cores: 1).trainingByteCount)

        // Nodes of one core wait less for a network than for a core, nodes of 16 cores do not.
        let narrow = plan(nodes: 4, cores: 1)
        #expect(narrow.sharesUpdate && narrow.update < 0.8 - 0.25)
        #expect(narrow.leavingNodePerStep == (numbers + matrices) * 3 / 4)
        let wide = plan(nodes: 4, cores: 16)
        #expect(!wide.sharesUpdate && wide.update == 0.8 / 16 && wide.sentPerStep == numbers * 3 / 4)
        #expect(plan(nodes: 4, cores: 16, gigabits: 100).sharesUpdate)
        // The exact sum takes the same either way.
        #expect(two.network == self.plan(nodes: 1, cores: 2, ranks: 2).network)
    }
}
