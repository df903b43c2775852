import CProcessShim
import DataSharding
import FeatureCache
import Synchronization
import SystemFacts

extension TrainingRun {
    /// A reader of the features that this rank needs in each step from the next one on, step by step. It holds as many as this rank's
    /// share of the memory has room for; what the system could not keep of the cache's files beside is read past its memory.
    func featureReader() -> FeatureReader {
        let plan = ReadingPlan(
            shards: shards, hostedShards: hostedShards, schedule: schedule, trainingSamples: trainingSamples)
        let firstStep = trainer.step
        // What the linear classifier's fit had is of more use here.
        cprocess_give_back_released_memory()
        let holding = AvailableMemory.byteCount().map { available in
            FeatureReader.Holding(byteCountLimit: max(0, featureShare(ofAvailable: available))) {
                AvailableMemory.byteCount().map { $0 < available / 16 } ?? false
            }
        }
        if let holding { cache.keepInMemory(ifWithin: holding.byteCountLimit) }
        return FeatureReader(cache, holding: holding) { plan.batch(ofStep: firstStep + $0) }
    }

    /// What this rank may use for features of the bytes that are available to all on its node.
    private func featureShare(ofAvailable available: Int) -> Int {
        // No shard has more samples than the first.
        let viewsPerShard = shards.assignment.count(ofShard: 0, of: shards.sampleCount) * schedule.viewCount
        let ofTeacher =
            teacherMemory == nil
            ? 0
            : TeacherMemory.byteCount(
                imageCount: hostedShards.count * viewsPerShard, classCount: trainer.classCount)
        // A quarter for what the training still asks for, beside the features that are read ahead for a step and an evaluation.
        return (available / communicator.localSize - 2 * FeatureReader.byteCountLimit - ofTeacher) / 4 * 3
    }
}

/// Which samples a rank needs in which step: a pure function of the step. It keeps the order of one epoch in mind.
private final class ReadingPlan: Sendable {
    private let shards: LogicalShards
    private let hostedShards: Range<Int>
    private let schedule: RunSchedule
    private let trainingSamples: [Int]
    private let orders = Mutex<(epoch: Int, orders: [[Int]])?>(nil)

    init(shards: LogicalShards, hostedShards: Range<Int>, schedule: RunSchedule, trainingSamples: [Int]) {
        self.shards = shards
        self.hostedShards = hostedShards
        self.schedule = schedule
        self.trainingSamples = trainingSamples
    }

    /// Nil behind the last step.
    func batch(ofStep step: Int) -> FeatureReader.Batch? {
        guard step < schedule.totalSteps else { return nil }
        let epoch = schedule.epoch(ofStep: step)
        let ownOrders = orders.withLock { orders in
            if let orders, orders.epoch == epoch { return orders.orders }
            let made = hostedShards.map { shards.order(epoch: epoch, shard: $0) }
            orders = (epoch, made)
            return made
        }
        let batches = shards.batch(ofStep: schedule.place(ofStep: step), from: ownOrders)
        return FeatureReader.Batch(
            samples: batches.flatMap { batch in batch.map { trainingSamples[$0] } }, view: schedule.view(ofStep: step))
    }
}
