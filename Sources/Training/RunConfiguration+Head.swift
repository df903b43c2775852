import DisentangledHead
import RunConfiguration

extension RunConfiguration {
    /// The head's part of the configuration in the head's own terms.
    package func headConfiguration(totalSteps: Int) -> HeadConfiguration {
        HeadConfiguration(
            channelMap: ChannelMapKind(rawValue: head.channelMap.rawValue)!,
            pooling: Pooling(rawValue: head.pooling.rawValue)!,
            temperature: TemperatureSchedule(start: head.temperature[0], end: head.temperature[1], steps: totalSteps),
            topK: head.topK, classifierL1: head.classifierL1,
            optimizer: OptimizerConfiguration(
                kind: OptimizerConfiguration.Kind(rawValue: training.optimizer.rawValue)!,
                momentum: training.momentum))
    }
}

extension RunConfiguration.Training {
    var learningRateSchedule: LearningRateSchedule {
        LearningRateSchedule(
            kind: LearningRateSchedule.Kind(rawValue: schedule.rawValue)!, warmupSteps: warmupSteps)
    }
}

extension Experiment {
    /// Where the classifier starts, as `head.classifier_init` says.
    /// - Throws: `TrainingError.classifierNotInWeights` if it should be the backbone's own and that does not fit.
    func classifierInitialisation() throws -> ClassifierInitialisation {
        switch configuration.head.classifierInit {
        case .uniform:
            return .uniform
        case .backbone:
            guard let classifier = backbone.classifier else {
                throw TrainingError.classifierNotInWeights(
                    weights: weights.path, reason: "has no classifier that works on the mean of the feature map")
            }
            guard classifier.classCount == dataset.classNames.count else {
                throw TrainingError.classifierNotInWeights(
                    weights: weights.path,
                    reason: "has a classifier of \(classifier.classCount) classes, "
                        + "and the dataset has \(dataset.classNames.count)")
            }
            return .positivePart(of: classifier.weights)
        }
    }
}
