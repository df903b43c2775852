import Backbones
import DisentangledHead
import Evaluation
import FeatureCache
import Inference
import MessagePassing
import RunConfiguration
import Tensors

extension Experiment {
    /// Where a head's training starts, as `head.classifier_init` says, and what it learns from, as `training.distillation` says;
    /// nil for no teacher. Collective: a linear classifier is fitted once for both.
    ///
    /// - Parameter trained: the head that the training begins with, if there is one.
    /// - Throws: `TrainingError.classifierNotInWeights` if the backbone's own classifier is asked for and does not fit, and the
    ///   errors of the fit.
    func start(
        cache: FeatureCache, trained: Head?, team: WorkerTeam, communicator: any Communicator
    ) throws -> (classifier: ClassifierInitialisation, teacher: DistillationTeacher?) {
        if configuration.head.mode == .posthoc {
            return (.uniform, try keptClassifier(cache: cache, team: team, communicator: communicator))
        }
        let teacherKind = configuration.training.distillation.weight.map { _ in
            configuration.training.distillation.teacher
        }
        let initialisation = configuration.head.classifierInit
        var blackBox: Classifier?
        if configuration.needsFittedClassifier {
            blackBox = try fittedClassifier(cache: cache, team: team, communicator: communicator)
        }
        let isSigned = [.backboneSigned, .blackBoxSigned].contains(initialisation)
        func begin(at weights: [Float], bias: [Float]?) -> ClassifierInitialisation {
            isSigned ? .signed(weights, bias: bias) : .positivePart(of: weights, bias: bias)
        }
        let classifier: ClassifierInitialisation
        switch initialisation {
        case .uniform: classifier = .uniform
        case .backbone, .backboneSigned:
            let own = try ownClassifier(
                for: "head.classifier_init", value: initialisation.rawValue,
                instead: isSigned ? "uniform or black_box_signed" : "uniform or black_box")
            classifier = begin(at: own.weights, bias: own.biases)
        case .blackBox, .blackBoxSigned:
            guard let blackBox else { preconditionFailure("it was fitted above") }
            classifier = begin(at: blackBox.weights, bias: blackBox.bias)
        }
        switch teacherKind {
        case nil: return (classifier, nil)
        case .start: return (classifier, trained.map { .head($0) })
        case .blackBox: return (classifier, blackBox.map { DistillationTeacher($0) })
        case .backbone:
            let own = try ownClassifier(
                for: "training.distillation.teacher", value: "backbone", instead: "black_box")
            return (classifier, try DistillationTeacher(own))
        }
    }

    /// The linear classifier that a head with `head.mode` posthoc keeps, as `head.classifier_init` says.
    private func keptClassifier(
        cache: FeatureCache, team: WorkerTeam, communicator: any Communicator
    ) throws -> DistillationTeacher {
        guard configuration.head.classifierInit == .backbone else {
            return DistillationTeacher(try fittedClassifier(cache: cache, team: team, communicator: communicator))
        }
        return try DistillationTeacher(
            ownClassifier(for: "head.classifier_init", value: "backbone", instead: "black_box"))
    }

    /// The last layer of the weight file, for the dataset's classes.
    private func ownClassifier(
        for key: String, value: String, instead: String
    ) throws -> LinearClassifierWeights {
        guard let classifier = backbone.classifier else {
            throw TrainingError.classifierNotInWeights(
                key: key, value: value, weights: weights.path,
                reason: "has no classifier that works on the mean of the feature map",
                instead: instead)
        }
        guard classifier.classCount == dataset.classNames.count else {
            throw TrainingError.classifierNotInWeights(
                key: key, value: value, weights: weights.path,
                reason: "has a classifier of \(classifier.classCount) classes, "
                    + "and the dataset has \(dataset.classNames.count)", instead: instead)
        }
        return classifier
    }

    /// The linear classifier fitted on the average-pooled training features, the same on all ranks.
    private func fittedClassifier(
        cache: FeatureCache, team: WorkerTeam, communicator: any Communicator
    ) throws -> Classifier {
        communicator.activity.begin(step: 0, "fitting the linear classifier on the average-pooled features")
        return try BlackBox.fitted(
            to: cache, shardCount: configuration.training.logicalShards, seed: UInt64(configuration.run.seed),
            team: team,
            communicator: communicator
        ).classifier.foldingStandardisation()
    }
}

extension DistillationTeacher {
    /// A network's own last layer.
    fileprivate init(_ own: LinearClassifierWeights) throws {
        let classifier = try Classifier(
            weights: own.weights, bias: own.biases, signs: .any, classCount: own.classCount,
            channelCount: own.channelCount)
        self.init(classifier, epsilon: own.standardisationEpsilon.map { Float($0) })
    }
}
