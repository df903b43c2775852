public import Datasets
public import DisentangledHead

// The sections in the terms of the targets that carry them out.

extension RunConfiguration.Dataset {
    /// The options of the data set's reader.
    public var options: DatasetOptions {
        DatasetOptions(
            kind: kind, split: split, testFraction: testFraction, splitSeed: UInt64(splitSeed), crop: crop,
            testShards: testShards, outsidePaths: outsidePaths ?? false)
    }
}

extension RunConfiguration {
    /// What the head is and how it is trained in `totalSteps` steps.
    public func headConfiguration(totalSteps: Int) -> HeadConfiguration {
        HeadConfiguration(
            channelMap: head.channelMap, pooling: head.pooling,
            temperature: TemperatureSchedule(start: head.temperature[0], end: head.temperature[1], steps: totalSteps),
            topK: head.topK, classifierL1: head.classifierL1,
            optimizer: OptimizerConfiguration(kind: training.optimizer, momentum: training.momentum))
    }
}

extension RunConfiguration.Training {
    public var learningRateSchedule: LearningRateSchedule {
        LearningRateSchedule(kind: schedule, warmupSteps: warmupSteps)
    }
}
