import ArgumentParser
import Datasets
import DeployedModels
import DisentangledHead
import DurableFiles
import Evaluation
import Extraction
import FeatureCache
import Foundation
import Inference
import MessagePassing
import Results
import Scorecard
import SystemPackage
import Tensors

/// `infodisent evaluate`: the accuracy of a checkpoint beside that of the black box.
struct Evaluate: CollectiveCommand {
    static let configuration = CommandConfiguration(
        abstract: "Evaluate a checkpoint on the test images, beside the plain linear classifier on the same features.",
        discussion: """
            With --metrics, a scorecard of its explanations beside Grad-CAM, CAM, random maps and a centred Gaussian on the same \
            images: completeness, sizes, budget (accuracy from few channels or cells), fidelity (deletion and insertion by \
            passes through the backbone), localisation and misalignment (where the dataset has boxes or parts), \
            disentanglement, sanity, and interventions (drawn birds and FunnyBirds without parts). \
            Sources/Scorecard/README.md says what each figure is.

            With --dataset, accuracy on the images of another dataset with the same class names, in whatever order: its test             images, or all of its images where it does not say which are for testing. Classes that only one side has are an             error, or are left out with --classes common. Neither the dataset of the training nor its cache is needed.
            """)

    @OptionGroup var source: CheckpointOptions
    @Flag(help: "Print JSON.") var json = false
    @Option(
        help: ArgumentHelp("Write one line per test image: path, class, prediction.", valueName: "FILE.csv"),
        transform: { FilePath($0) })
    var predictions: FilePath?
    @Option(
        help: ArgumentHelp("Measure its explanations: all, or some groups of metrics.", valueName: "all|GROUP,..."))
    var metrics: String?
    @Option(help: "The images that --metrics is about: test or train.") var split = Split.test
    @Option(
        help: ArgumentHelp(
            "Images for the metrics that need passes through the backbone, spread evenly over the split.",
            valueName: "count"))
    var passImages = ScorecardOptions.defaultPassImageLimit
    @Flag(help: "Say what --metrics will cost, and do nothing.") var dryRun = false
    @Option(
        help: ArgumentHelp("Evaluate on another dataset: its folder, or a list of images (.csv).", valueName: "DIR"),
        completion: .directory, transform: { FilePath($0) })
    var dataset: FilePath?
    @Option(
        help: "With --dataset: its images, test, train or all (default: test, or all where it has no such parts).")
    var images: EvaluatedImages?
    @Option(help: "With --dataset: all (it must have the same classes) or common (the images of classes both have).")
    var classes = DeployedModel.ClassMatch.all
    @OptionGroup var cacheOptions: CacheOptions
    @OptionGroup var deployment: DeploymentOptions
    @OptionGroup var ranks: RankOptions

    func validate() throws {
        if dataset == nil {
            for (name, isSet) in [("images", images != nil), ("classes", classes != .all)] where isSet {
                throw ValidationError("--\(name) belongs to --dataset.")
            }
        } else if metrics != nil {
            throw ValidationError(
                "--metrics is about the dataset of the training, not another one: leave --dataset out, or --metrics.")
        }
        guard metrics == nil else {
            if predictions != nil { throw ValidationError("--predictions is written without --metrics.") }
            guard passImages >= 0 else {
                throw ValidationError("--pass-images is \(passImages), but at least 0 is needed.")
            }
            return
        }
        for (name, isSet) in [
            ("split", split != .test), ("pass-images", passImages != ScorecardOptions.defaultPassImageLimit),
            ("dry-run", dryRun),
        ] where isSet {
            throw ValidationError("--\(name) belongs to --metrics.")
        }
    }

    func run(on communicator: any Communicator) throws {
        // A wrong name is found before anything is read.
        let groups = try metrics.map { try MetricGroup.list($0) }
        try communicator.together {
            if let path = self.predictions, communicator.rank == 0 { try OutputFolder.checkFile(path) }
        }
        let team = try deployment.team(on: communicator)
        if let dataset { return try evaluate(on: dataset, team: team, on: communicator) }
        let model = try source.load(on: communicator, team: team)
        // Batches of changed copies are as alike as the steps of training.
        MemoryLimit.keepReleasedMemory()
        if let groups { return try makeScorecard(groups, of: model, team: team, on: communicator) }
        let cache = try model.cache(
            on: communicator, team: team, progress: Console.showProgress, note: Console.notes(of: communicator))
        let (predictions, result) = try Self.figures(of: model, cache: cache, team: team, on: communicator)
        try cacheOptions.showTraffic(of: cache, on: communicator)
        try communicator.together {
            guard communicator.rank == 0 else { return }
            if let path = self.predictions {
                try DurableFile.write(Self.csv(predictions, classNames: cache.identity.classNames), to: path)
            }
            try Console.result(json ? try jsonText(result) : result.table)
        }
    }

    /// The predictions for the test images, on rank 0, and the figures beside those of other classifiers. Collective.
    ///
    /// - Parameter keepsBlackBox: whether the figures of the black box are kept in the model's run, where they are found again.
    static func figures(
        of model: TrainedModel, cache: FeatureCache, keepsBlackBox: Bool = false, team: WorkerTeam,
        on communicator: any Communicator
    ) throws -> (predictions: [Prediction], result: EvaluationResult) {
        communicator.activity.begin(step: 0, "looking whether the test images are those of the cache")
        try communicator.together {
            try model.experiment.requireKnownImages(
                of: cache.share(of: Split.test.rawValue, on: communicator), in: cache, team: team
            ) { communicator.activity.progress() }
        }
        communicator.activity.begin(step: 0, "evaluating")
        let predictions = try HeadEvaluation.predictions(
            model.head, cache: cache, split: .test, team: team, communicator: communicator,
            progress: Console.showProgress)
        let ownLastLayer = try NetworkClassifier(
            of: model.experiment.backbone, classCount: model.head.classCount
        )?.score(cache, split: .test, team: team, communicator: communicator)
        var blackBox: ClassificationScore?
        if model.configuration.evaluation.blackBox {
            let shardCount = model.experiment.configuration.training.logicalShards
            let seed = UInt64(model.configuration.run.seed)
            blackBox = try BlackBox.keptScore(
                in: model.runDirectory, keeps: keepsBlackBox, cache: cache, shardCount: shardCount, seed: seed,
                communicator: communicator
            ) {
                Console.note("Fitting the plain linear classifier on the same features...")
                return try BlackBox.fitted(
                    to: cache, shardCount: shardCount, seed: seed, team: team, communicator: communicator
                ).score(cache, split: .test, team: team, communicator: communicator)
            }
        }
        return (
            predictions,
            EvaluationResult(
                checkpoint: model.checkpointName, backbone: model.experiment.backbone.name, head: model.head,
                predictions: predictions, ownLastLayer: ownLastLayer, blackBox: blackBox, team: team)
        )
    }

    /// A line for each image, with a header line.
    static func csv(_ predictions: [Prediction], classNames: [String]) -> String {
        CommaSeparated.line(["path", "class", "predicted_class", "probability", "correct", "explanation_size"])
            + predictions.map { prediction in
                CommaSeparated.line([
                    prediction.path, classNames[prediction.label], classNames[prediction.topClasses[0]],
                    String(format: "%.6f", prediction.probability),
                    String(prediction.topClasses[0] == prediction.label), String(prediction.explanationSize),
                ])
            }.joined()
    }
}

extension EvaluationResult {
    /// - Parameter dataset: where the images are, if they are another dataset's.
    init(
        checkpoint: String, backbone: String, head: Head, predictions: [Prediction],
        ownLastLayer: ClassificationScore?, blackBox: ClassificationScore?, team: WorkerTeam, dataset: String? = nil,
        evaluatedClassCount: Int? = nil
    ) {
        let count = Double(max(predictions.count, 1))
        func accuracy(_ score: ClassificationScore) -> Accuracy {
            Accuracy(top1: score.top1, top5: score.top5, classCount: head.classCount)
        }
        self.init(
            checkpoint: checkpoint, backbone: backbone, classCount: head.classCount,
            testImageCount: predictions.count,
            head: Accuracy(
                top1: Double(predictions.count { $0.topClasses[0] == $0.label }) / count,
                top5: Double(predictions.count { $0.topClasses.contains($0.label) }) / count,
                classCount: head.classCount),
            ownLastLayer: ownLastLayer.map(accuracy), blackBox: blackBox.map(accuracy),
            meanExplanationSize: Double(predictions.reduce(0) { $0 + $1.explanationSize }) / count,
            orthogonalityError: head.orthogonalityError(team: team), dataset: dataset,
            evaluatedClassCount: evaluatedClassCount)
    }

    /// The figures for people.
    var table: String {
        func row(_ name: String, _ accuracy: Accuracy) -> String {
            name.padding(toLength: 42, withPad: " ", startingAt: 0)
                + String(format: "%8.2f %%", accuracy.top1 * 100)
                + (accuracy.top5.map { String(format: " %8.2f %%", $0 * 100) } ?? "")
        }
        let images =
            dataset.map { "\(testImageCount) images in \($0) of \(evaluatedClassCount ?? classCount) of " }
            ?? "\(testImageCount) test images of "
        var lines = [
            "\(images)\(classCount) classes, backbone \(backbone), \(checkpoint)",
            "".padding(toLength: 42, withPad: " ", startingAt: 0) + "     top-1"
                + (head.top5 == nil ? "" : "      top-5"),
            row("InfoDisent head", head),
        ]
        if let ownLastLayer { lines.append(row("the network's own last layer", ownLastLayer)) }
        if let blackBox, let gapInPoints {
            lines.append(row("black box (linear on pooled features)", blackBox))
            lines.append(
                "gap".padding(toLength: 42, withPad: " ", startingAt: 0) + String(format: "%+8.2f points", gapInPoints))
        }
        lines.append(
            String(
                format: "explanation size: %.1f channels on average contribute at least 0.2 of the largest",
                meanExplanationSize))
        lines.append(String(format: "max|U^T U - I| = %.1e", orthogonalityError))
        return lines.joined(separator: "\n")
    }
}

extension Split: ExpressibleByArgument {}
