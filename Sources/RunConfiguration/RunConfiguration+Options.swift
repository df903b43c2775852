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
    /// Whether a linear classifier is fitted on the features before the training: to start from, or to learn from.
    public var needsFittedClassifier: Bool {
        [.blackBox, .blackBoxSigned].contains(head.classifierInit)
            || head.mode == .infodisent && training.distillation.weight != nil
                && training.distillation.teacher == .blackBox
    }

    /// What the head is and how it is trained in `totalSteps` steps.
    public func headConfiguration(totalSteps: Int) -> HeadConfiguration {
        let optimizer = OptimizerConfiguration(kind: training.optimizer, momentum: training.momentum)
        if head.mode == .posthoc {
            return HeadConfiguration(
                channelMap: head.channelMap,
                prototypePurity: PrototypePurity(firstCount: head.prototypesBegin, lastCount: head.prototypesEnd),
                optimizer: optimizer)
        }
        let begin = Int((head.budgetBegin * Double(totalSteps)).rounded())
        let end = max(1, Int((head.budgetEnd * Double(totalSteps)).rounded()))
        let budget = head.channelsPerClass.map {
            ChannelBudget(
                channelsPerClass: $0, begin: begin, end: end, interval: max(1, totalSteps / 50),
                score: head.budgetScore, regrowth: head.budgetRegrowth)
        }
        return HeadConfiguration(
            channelMap: head.channelMap, pooling: head.pooling,
            temperature: TemperatureSchedule(start: head.temperature[0], end: head.temperature[1], steps: totalSteps),
            topK: head.topK,
            annealing: AnnealingSchedule(sharpness: head.sharpness, steps: head.annealing * Double(totalSteps)),
            hasBias: head.bias, sides: head.signs,
            distillation: training.distillation.weight.map {
                Distillation(weight: $0, temperature: training.distillation.temperature)
            }, purity: training.purity.terms, loss: head.loss, budget: budget,
            imageBudget: head.channelsPerImage.map { ImageBudget(channelsPerImage: $0, begin: begin, end: end) },
            startsFromHead: head.start != nil || head.startDigest != nil,
            classifierL1: head.classifierL1, lastGaugeStep: head.gauge ? totalSteps : nil,
            optimizer: optimizer)
    }
}

extension RunConfiguration.Training.Purity {
    /// nil where both are off.
    var terms: ChannelPurity? {
        self == Self() ? nil : ChannelPurity(spatialEntropy: spatialEntropy, decorrelation: decorrelation)
    }
}

extension RunConfiguration.Training {
    public var learningRateSchedule: LearningRateSchedule {
        LearningRateSchedule(kind: schedule, warmupSteps: warmupSteps)
    }
}
