import DataSharding
import FeatureCache
import Synchronization
import SystemFacts

extension TrainingRun {
    /// Leaves to the disk what this rank's share of the memory does not hold of its part of the cache.
    func divideMemory() {
        guard let available = AvailableMemory.byteCount() else { return }
        // No shard has more samples than the first.
        let viewsPerShard = shards.assignment.count(ofShard: 0, of: shards.sampleCount) * schedule.viewCount
        let ofTeacher =
            teacherMemory == nil
            ? 0
            : TeacherMemory.byteCount(
                imageCount: hostedShards.count * viewsPerShard, classCount: trainer.classCount)
        // A quarter for what the training still asks for, beside the features that are read ahead for a step and an evaluation.
        let share = (available / communicator.localSize - 2 * FeatureReader.byteCountLimit - ofTeacher) / 4 * 3
        cache.keepInMemory(byteCount: max(0, share))
    }

    /// A reader of the features that this rank needs in each step from the next one on, step by step.
    func featureReader() -> FeatureReader {
        let plan = ReadingPlan(
            shards: shards, hostedShards: hostedShards, schedule: schedule, trainingSamples: trainingSamples)
        let firstStep = trainer.step
        return FeatureReader(cache) { plan.batch(ofStep: firstStep + $0) }
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
