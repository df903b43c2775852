import Benchmarks
import DisentangledHead
import LinearProbing
import MessagePassing
import SystemFacts
public import Tensors

extension UnitCosts {
    /// Measures on this machine, with all threads of `team` busy: some images of the run through its backbone, and a few steps
    /// on random features. Seconds to a minute.
    /// - Throws: the error of an image that cannot be decoded, or of a head that cannot be trained as configured.
    public static func measure(_ run: PlannedRun, team: WorkerTeam) throws -> UnitCosts {
        let program = ProcessStatus().residentByteCount ?? 0
        let image = try imageSeconds(run, team: team)
        let worker = max(0, (ProcessStatus().peakByteCount ?? 0) - program) / team.workerCount
        let head = try HeadMeasurement(run, team: team)
        return UnitCosts(
            threadCount: team.workerCount, image: image, shardGradient: head.shardGradient,
            batchGradient: head.batchGradient, firstLeaf: head.firstLeaf, furtherLeaf: head.furtherLeaf,
            update: head.update, fitPass: try fitSeconds(run.workload, team: team), evaluation: head.evaluation,
            programBytes: program, workerBytes: worker,
            checkedShardCount: head.shardCount, checkedStep: head.step)
    }

    /// Core-seconds per image.
    private static func imageSeconds(_ run: PlannedRun, team: WorkerTeam) throws -> Double {
        let workspaces = WorkerLocal(team) { run.backbone.makeWorkspace() }
        let side = run.input.crop
        let perThread = 2
        let seconds = try best(of: 2) {
            _ = try team.map(team.workerCount * perThread) { worker, index in
                let image = Tensor(shape: [1, side, side, 3], values: run.input.normalised(try run.pixels(index)))
                return run.backbone.featureMaps(of: image, workspace: workspaces[worker]).values[0]
            }
        }
        return seconds / Double(perThread)
    }

    /// Core-seconds of a fit per sample and pass.
    private static func fitSeconds(_ workload: Workload, team: WorkerTeam) throws -> Double {
        guard workload.isClassifierFitted else { return 0 }
        return try LinearProbe.passSeconds(
            classCount: workload.classCount, channelCount: workload.featureMap.channelCount, team: team
        ) { try best(of: 2, $0) }
    }

    /// The shortest time of `body` in seconds, after a first time that touches the memory.
    fileprivate static func best(of count: Int, _ body: () throws -> Void) rethrows -> Double {
        try body()
        var shortest = Double.infinity
        for _ in 0..<count {
            let start = SuspendingClock.now
            try body()
            shortest = min(shortest, (SuspendingClock.now - start) / .seconds(1))
        }
        return shortest
    }
}

/// The times of the head's parts on random features.
private struct HeadMeasurement {
    let shardGradient, batchGradient, firstLeaf, furtherLeaf, update, evaluation, step: Double
    /// Logical shards of `step`.
    let shardCount: Int

    init(_ run: PlannedRun, team: WorkerTeam) throws {
        let workload = run.workload
        let map = workload.featureMap
        let single = WorkerTeam(workerCount: 1)
        let trainer = try HeadTrainer(
            rehearsing: run.head, channelCount: map.channelCount, classCount: workload.classCount,
            turnedCount: workload.turnedChannelCount)
        // As many shards as a step has, but not more than fit into any memory.
        shardCount = min(workload.logicalShards, 8)
        let shape = TrainingRehearsal.Shape(
            channelCount: map.channelCount, classCount: workload.classCount, pixelCount: map.pixelCount,
            samplesPerShard: workload.samplesPerShard, logicalShards: shardCount)

        let shard = TrainingRehearsal.randomFeatures(shape, sampleCount: workload.samplesPerShard)
        shardGradient = try UnitCosts.best(of: 2) {
            _ = try team.map(team.workerCount) { _, _ in try trainer.gradient(of: shard, team: single).sampleCount }
        }
        let batch = TrainingRehearsal.randomFeatures(
            shape, sampleCount: workload.samplesPerShard * workload.logicalShards)
        batchGradient = try UnitCosts.best(of: 1) {
            _ = try team.map(team.workerCount) { _, _ in try trainer.gradient(of: batch, team: single).sampleCount }
        }
        evaluation =
            try UnitCosts.best(of: 1) { [head = trainer.head] in
                _ = try head.forward(shard, team: single)
            } / Double(workload.samplesPerShard)

        let leaves = try (0..<max(2, shardCount)).map { index in
            let gradient = try trainer.gradient(of: shard, team: team)
            return ExactReduction.Leaf(shard: index, tensors: gradient.tensors)
        }
        func sum(_ count: Int) throws -> [[Float]] {
            let reduction = ExactReduction(
                tensorLengths: leaves[0].tensors.map(\.count), leafCount: count, over: SingleProcess())
            return try reduction.sum(Array(leaves.prefix(count)))
        }
        firstLeaf = try UnitCosts.best(of: 2) { _ = try sum(1) }
        furtherLeaf =
            max(0, try UnitCosts.best(of: 2) { _ = try sum(leaves.count) } - firstLeaf)
            / Double(leaves.count - 1)

        var rehearsal = try TrainingRehearsal(
            shape, configuration: run.head, turnedCount: workload.turnedChannelCount, team: team)
        let steps = try (0..<3).map { _ in try rehearsal.takeStep() }.dropFirst()
        update = steps.map(\.update).min()! * Double(team.workerCount)
        step = steps.map(\.step).min()!
    }
}
