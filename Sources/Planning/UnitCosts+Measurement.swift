import Benchmarks
import DisentangledHead
import DurableFiles
import FeatureCache
import Foundation
import Inference
import LinearProbing
import MessagePassing
import Synchronization
import SystemFacts
import SystemPackage
public import Tensors
import Training

extension UnitCosts {
    /// Measures on this machine, with all threads of `team` busy: some images of the run through its backbone, and a few steps
    /// on random features with the zeros of theirs. Seconds to a minute.
    /// - Parameter prepare: what a run does between extraction and training.
    /// - Throws: the error of an image that cannot be decoded, or of a head that cannot be trained as configured.
    public static func measure(
        _ run: PlannedRun, team: WorkerTeam, beforeHead prepare: () -> Void = {}
    ) throws -> UnitCosts {
        let program = ProcessStatus().residentByteCount ?? 0
        let files = residentFileByteCount
        let (image, maps) = try imageSeconds(run, team: team)
        let used = program + residentFileByteCount - files
        let worker = max(0, (ProcessStatus().peakByteCount ?? 0) - used) / team.workerCount
        prepare()
        let head = try HeadMeasurement(run, zerosOf: maps, team: team)
        let held = try heldReadingSeconds(run.workload, zerosOf: maps, team: team)
        return UnitCosts(
            threadCount: team.workerCount, image: image, read: try readingSeconds(run.workload, team: team),
            heldRead: held.seconds, heldBytes: held.byteCount,
            shardGradient: head.shardGradient,
            batchGradient: head.batchGradient, firstLeaf: head.firstLeaf, furtherLeaf: head.furtherLeaf,
            update: head.update, unsharedUpdate: head.unsharedUpdate, products: head.products,
            fitPass: try fitSeconds(run.workload, team: team), evaluation: head.evaluation,
            programBytes: program + max(0, residentFileByteCount - files), workerBytes: worker,
            checkedShardCount: head.shardCount, checkedStep: head.step)
    }

    /// Bytes in memory that are of files, so of the program as far as it has been used; 0 if the system does not say.
    private static var residentFileByteCount: Int {
        let words = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ") ?? []
        return words.count > 2 ? (Int(words[2]) ?? 0) * Int(getpagesize()) : 0
    }

    /// Core-seconds per image, with the digest that its features get in the cache; and the features of some of the images.
    private static func imageSeconds(
        _ run: PlannedRun, team: WorkerTeam
    ) throws -> (seconds: Double, maps: [Tensor]) {
        var maps: [Tensor] = []
        let workspaces = WorkerLocal(team) { run.backbone.makeWorkspace() }
        let side = run.input.crop
        let byteCount = run.workload.sampleByteCount
        let perThread = 2
        // Their mean: an extraction waits for what interrupts some of its images.
        let seconds = try times(of: 3, spending: 0.5) {
            let found = try team.map(team.workerCount * perThread) { worker, index in
                let image = Tensor(shape: [1, side, side, 3], values: run.input.normalised(try run.pixels(index)))
                let map = run.backbone.featureMaps(of: image, workspace: workspaces[worker])
                var hasher = ContentHasher()
                map.values.withUnsafeBytes {
                    hasher.update(UnsafeRawBufferPointer(rebasing: $0[..<min(byteCount, $0.count)]))
                }
                return (map: map, digest: hasher.finalize())
            }
            maps = found.prefix(8).map(\.map)
        }
        return (seconds.reduce(0, +) / Double(seconds.count * perThread), maps)
    }

    /// Core-seconds to read the features of a sample.
    private static func readingSeconds(_ workload: Workload, team: WorkerTeam) throws -> Double {
        try FeatureCache.readingSeconds(
            precision: workload.precision, featureMap: workload.featureMap, samplesPerRead: workload.samplesPerShard,
            in: FilePath(FileManager.default.temporaryDirectory.path), team: team
        ) { try usual(of: 3, $0) }
    }

    /// Core-seconds to take the features of a sample from memory, and the bytes that they take there.
    private static func heldReadingSeconds(
        _ workload: Workload, zerosOf maps: [Tensor], team: WorkerTeam
    ) throws -> (seconds: Double, byteCount: Int) {
        let map = workload.featureMap
        let shape = TrainingRehearsal.Shape(
            channelCount: map.channelCount, classCount: workload.classCount, pixelCount: map.pixelCount,
            samplesPerShard: 1, logicalShards: 1)
        return try FeatureCache.heldReadingSeconds(
            of: TrainingRehearsal.randomFeatures(shape, sampleCount: 4 * max(1, maps.count), zerosOf: maps),
            precision: workload.precision, featureMap: map, samplesPerRead: workload.samplesPerShard, team: team
        ) { try usual(of: 3, $0) }
    }

    /// Core-seconds of a fit per sample and pass.
    private static func fitSeconds(_ workload: Workload, team: WorkerTeam) throws -> Double {
        guard workload.isClassifierFitted else { return 0 }
        return try LinearProbe.passSeconds(
            classCount: workload.classCount, channelCount: workload.featureMap.channelCount, team: team
        ) { try usual(of: 3, $0) }
    }

    /// The median of `times`. A run has to do with all times, not with the shortest.
    fileprivate static func usual(
        of count: Int, spending spent: Double = 0.02, _ body: () throws -> Void
    ) rethrows -> Double {
        Durations(try times(of: count, spending: spent, body)).median
    }

    /// How long `body` takes in seconds, after a first time that touches the memory: `count` times, and more as long as they take less
    /// than `spent` seconds together.
    private static func times(
        of count: Int, spending spent: Double, _ body: () throws -> Void
    ) rethrows -> [Double] {
        try body()
        var (times, total) = ([Double](), 0.0)
        while times.count < count || total < spent {
            let start = SuspendingClock.now
            try body()
            times.append((SuspendingClock.now - start) / .seconds(1))
            total += times.last!
        }
        return times
    }
}

/// The times of the head's parts on random features, zero where those of some images are: products with zeros take less time.
private struct HeadMeasurement {
    let shardGradient, batchGradient, firstLeaf, furtherLeaf, update, unsharedUpdate, evaluation, step: Double
    let products: UpdateProducts
    /// Logical shards of `step`.
    let shardCount: Int

    init(_ run: PlannedRun, zerosOf maps: [Tensor], team: WorkerTeam) throws {
        let workload = run.workload
        let map = workload.featureMap
        let single = WorkerTeam(workerCount: 1)
        // As many shards as a step has, but not more than fit into any memory.
        let shardCount = min(workload.logicalShards, 8)
        let shape = TrainingRehearsal.Shape(
            channelCount: map.channelCount, classCount: workload.classCount, pixelCount: map.pixelCount,
            samplesPerShard: workload.samplesPerShard, logicalShards: shardCount)
        func trainer(_ configuration: HeadConfiguration) throws -> HeadTrainer {
            try HeadTrainer(
                rehearsing: configuration, channelCount: map.channelCount, classCount: workload.classCount,
                turnedCount: workload.turnedChannelCount)
        }
        // Each thread computes some, as in a step: the threads have to be woken up once.
        func gradientSeconds(
            of features: Tensor, _ trainer: HeadTrainer, ofEach gradientCount: Int, repetitions count: Int
        ) throws -> Double {
            try UnitCosts.usual(of: count) {
                _ = try team.map(team.workerCount * gradientCount) { _, _ in
                    try trainer.gradient(of: features, team: single).sampleCount
                }
            } / Double(gradientCount)
        }
        func rehearse(
            _ configuration: HeadConfiguration, on team: WorkerTeam
        ) throws -> (steps: ArraySlice<TrainingRehearsal.Times>, head: Head, products: ProductCount) {
            var rehearsal = try TrainingRehearsal(
                shape, zerosOf: maps, configuration: configuration, turnedCount: workload.turnedChannelCount,
                channelMapLearningRate: run.channelMapLearningRate, team: team)
            let steps = try (0..<5).map { _ in try rehearsal.takeStep() }
            let products = ProductCount()
            rehearsal.sharing = products
            return ((steps + [try rehearsal.takeStep()]).dropFirst(), rehearsal.head, products)
        }

        let (lateConfiguration, earlyShare) = run.annealing
        let shard = TrainingRehearsal.randomFeatures(
            shape, sampleCount: workload.samplesPerShard, zerosOf: maps)
        let late = try trainer(lateConfiguration)
        let lateGradient = try gradientSeconds(of: shard, late, ofEach: shardCount, repetitions: 3)
        let (steps, head, found) = try rehearse(lateConfiguration, on: team)
        var (gradient, step) = (lateGradient, Durations(steps.map(\.step)).median)
        if earlyShare > 0 {
            let earlyGradient = try gradientSeconds(of: shard, trainer(run.head), ofEach: shardCount, repetitions: 3)
            gradient += earlyShare * (earlyGradient - lateGradient)
            step += earlyShare * (try Durations(rehearse(run.head, on: team).steps.map(\.step)).median - step)
        }
        self.shardCount = shardCount
        self.step = step
        shardGradient = gradient
        // T(t) = unshared + shared / t, from one thread and from all. Where others keep the machine busy, all threads can take as long as
        // one; that more than half could not be shared is not believed.
        let together = Durations(steps.map(\.update)).median
        var alone = together
        if team.workerCount > 1 {
            alone = max(together, Durations(try rehearse(lateConfiguration, on: single).steps.map(\.update)).median)
        }
        let count = Double(team.workerCount)
        unsharedUpdate = count > 1 ? min(alone / 2, max(0, (together * count - alone) / (count - 1))) : 0
        update = alone - unsharedUpdate

        products = found.costs(of: late.channelMapSize)

        let batch = TrainingRehearsal.randomFeatures(
            shape, sampleCount: workload.samplesPerShard * workload.logicalShards, zerosOf: maps)
        batchGradient = try gradientSeconds(of: batch, late, ofEach: 1, repetitions: 1) * gradient / lateGradient

        let leaves = try (0..<max(2, shardCount)).map { index in
            let gradient = try late.gradient(of: shard, team: team)
            return ExactReduction.Leaf(shard: index, tensors: gradient.tensors)
        }
        func sum(_ count: Int) throws -> [[Float]] {
            let reduction = ExactReduction(
                tensorLengths: leaves[0].tensors.map(\.count), leafCount: count, over: SingleProcess(),
                threadCount: team.workerCount)
            return try reduction.sum(Array(leaves.prefix(count)))
        }
        firstLeaf = try UnitCosts.usual(of: 3) { _ = try sum(1) }
        furtherLeaf =
            max(0, try UnitCosts.usual(of: 3) { _ = try sum(leaves.count) } - firstLeaf)
            / Double(leaves.count - 1)

        // The head of the rehearsal: at the start U = I, and the product with it would be left out.
        let images = TrainingRehearsal.randomFeatures(
            shape, sampleCount: FeatureCache.batchSize, zerosOf: maps)
        evaluation =
            try UnitCosts.usual(of: 3) {
                _ = try team.map(team.workerCount) { _, _ in try head.forward(images, team: single).logits.count }
            } / Double(FeatureCache.batchSize)
    }
}

extension PlannedRun {
    /// How the head is trained once the pooling is no longer annealed, and the share of the steps before.
    fileprivate var annealing: (configuration: HeadConfiguration, earlyShare: Double) {
        guard head.pooling == .annealed else { return (head, 0) }
        var late = head
        late.pooling = .argmax
        return (late, min(1, head.annealing.steps / Double(max(1, workload.stepCount))))
    }
}

/// Counts the products of an update that ranks may share, and shares none.
private final class ProductCount: ProductSharing {
    private let found = Mutex(UpdateProducts.none)

    func share(multiplications: Int, elementCount: Int) -> (index: Int, count: Int)? {
        guard multiplications >= RankSharing.Costs.leastMultiplications else { return nil }
        found.withLock {
            $0.count += 1
            $0.multiplications += multiplications
            $0.elementCount += elementCount
        }
        return nil
    }

    func allGather(
        blockLength: Int, give: (UnsafeMutablePointer<Float>) -> Void, take: (UnsafePointer<Float>) -> Void
    ) throws { preconditionFailure("nothing is shared") }

    /// With what a multiplication takes one thread in a product of matrices of `size`.
    func costs(of size: Int) -> UpdateProducts {
        var products = found.withLock { $0 }
        guard products.count > 0 else { return products }
        let matrix = RankSharing.sampleMatrix(size: size)
        let seconds = UnitCosts.usual(of: 3) {
            _ = SquareMatrix.product(matrix, matrix, team: WorkerTeam(workerCount: 1))
        }
        products.multiplication = seconds / Double(size * size * size)
        return products
    }
}
