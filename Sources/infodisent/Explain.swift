import ArgumentParser
import DurableFiles
import Explanations
import Foundation
import Reports
import SystemPackage

/// `infodisent explain`: why the head gives an image its score.
struct Explain: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Explain the scores of images: which channels add what, where, and what they stand for.",
        discussion: "Writes one self-contained page, index.html, and explanations.json into the output folder.")

    @OptionGroup var source: CheckpointOptions
    @Option(help: "The folder to write to; made if it is not there.", transform: { FilePath($0) }) var output: FilePath
    @Option(name: .customLong("class"), help: "Explain this class instead of the predicted one.") var className: String?
    @Option(help: "Channels shown for each image.") var channels = 8
    @OptionGroup var deployment: DeploymentOptions
    @Argument(help: "JPEG or PNG files.", transform: { FilePath($0) }) var images: [FilePath]

    func validate() throws {
        if channels < 1 { throw ValidationError("--channels is \(channels), but at least 1 is needed.") }
    }

    func run() throws {
        try OutputFolder.check(output)
        let model = try source.load()
        let team = deployment.team
        let found = try PrototypeTable.kept(for: model) {
            try PrototypeSearch.run(model, team: team, progress: Console.showProgress)
        }
        guard let table = found else { preconditionFailure("a single process is rank 0") }
        let explainer = Explainer(model, shownCount: channels, team: team)
        let label = try className.map { try explainer.label(ofClass: $0) }
        let explanations = try images.enumerated().map { index, image in
            let explanation = try explainer.explain(image, label: label)
            Console.showProgress(
                .init(activity: "explain", completed: index + 1, total: images.count, unit: "images"))
            return explanation
        }
        let pictures = PrototypePictures(model)
        let classNames = model.experiment.dataset.displayNames
        let page = ExplanationPage(
            explanations, prototypes: table, classNames: classNames, channelCount: channels,
            picture: { try pictures($0) })
        try DurableFile.createDirectory(output)
        try DurableFile.write(
            jsonText(explanations.map(ExplanationRecord.init)) + "\n", to: output.appending("explanations.json"))
        try DurableFile.write(page.html(), to: output.appending("index.html"))
        for explanation in explanations {
            Console.note(
                "\(explanation.path): \(classNames[explanation.scores[0].label]) "
                    + String(format: "(%.1f %%)", explanation.scores[0].probability * 100))
        }
        try Console.result(output.appending("index.html").string)
    }
}

/// An explanation as JSON: the numbers, without the pictures.
struct ExplanationRecord: Encodable {
    struct Channel: Encodable {
        let channel: Int
        let weight: Float
        let positiveActivation: Float
        let positivePosition: MapPosition
        let negativeActivation: Float
        let negativePosition: MapPosition
        let contribution: Float
    }

    let path: String
    let explainedClass: String
    let logit: Float
    let probability: Float
    let contributionSum: Double
    let additivityError: Double
    let explanationSize: Int
    /// Every channel with a contribution, largest first.
    let contributions: [Channel]

    init(_ explanation: ImageExplanation) {
        path = explanation.path
        explainedClass = explanation.explained.className
        logit = explanation.explained.logit
        probability = explanation.explained.probability
        contributionSum = explanation.contributionSum
        additivityError = explanation.additivityError
        explanationSize = explanation.explanationSize
        contributions = explanation.contributions.map {
            Channel(
                channel: $0.channel, weight: $0.weight, positiveActivation: $0.positiveActivation,
                positivePosition: $0.positivePosition, negativeActivation: $0.negativeActivation,
                negativePosition: $0.negativePosition, contribution: $0.contribution)
        }
    }
}
