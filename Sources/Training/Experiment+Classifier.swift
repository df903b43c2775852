import Backbones
import DisentangledHead
import Inference
import RunConfiguration

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
