import ArgumentParser
import Datasets
import DurableFiles
import Explanations
import Explorer
import Extraction
import Foundation
import ImageCoding
import Inference
import MessagePassing
import Results
import SystemPackage

/// `infodisent explain`: why the head gives an image its score.
struct Explain: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Explain the scores of images: which channels add what, where, and what they stand for.",
        discussion: """
            Writes one self-contained page, index.html, with an index of the images, and explanations.json into the output \
            folder. On the page any other class can be asked for, and what would be without a channel.
            """)

    @OptionGroup var source: CheckpointOptions
    @Option(
        help: "The folder to write to; made if it is not there.", completion: .directory, transform: { FilePath($0) })
    var output: FilePath
    @Flag(help: "Overwrite results that are there already.") var force = false
    @Option(name: .customLong("class"), help: "Explain this class, by name or label, instead of the predicted one.")
    var className: String?
    @Option(
        name: .customLong("versus"),
        help: "Open the page with why that class and not this one, by name or label; the page offers all classes.")
    var versusName: String?
    @Option(help: "Channels of each image whose prototypes are shown, beside those of its first places.") var channels =
        24
    @OptionGroup var names: NameOptions
    @OptionGroup var deployment: DeploymentOptions
    @Argument(
        help: "Image files, or folders of them. Files that are no images are skipped and listed.", completion: .image,
        transform: { FilePath($0) })
    var images: [FilePath]

    func validate() throws {
        if channels < 1 { throw ValidationError("--channels is \(channels), but at least 1 is needed.") }
    }

    func run() throws {
        try OutputFolder.check(output)
        let team = deployment.team
        // Found out before a model is loaded.
        let files = try ImageFiles(at: images, team: team)
        files.notes.forEach(Console.note)
        let model = try source.load(team: team)
        try OutputFolder.check(
            output, holding: ["explanations.json", "index.html"], overwriting: force,
            outside: model.experiment.dataset.root)
        try model.requireKnownImages(at: files.paths)
        let channelNames = try names.load(for: model)
        let found = try PrototypeTable.kept(for: model) {
            try PrototypeSearch.run(
                model,
                cache: model.cache(
                    team: team, progress: Console.showProgress, note: Console.notes(of: SingleProcess())),
                team: team, progress: Console.showProgress)
        }
        guard let table = found else { preconditionFailure("a single process is rank 0") }
        let explainer = Explainer(model, shownCount: channels, team: team)
        let label = try className.map { try explainer.label(ofClass: $0) }
        let versus = try versusName.map { try explainer.label(ofClass: $0) }
        let trueLabels = model.experiment.dataset.labels(of: files.paths)
        var skipped = files.bad
        var explanations: [ImageExplanation] = []
        for (index, path) in files.paths.enumerated() {
            do {
                explanations.append(
                    try explainer.explain(
                        path, label: label, versus: versus, id: "\(index)", trueLabel: trueLabels[path]))
            } catch let error as ImageCodingError {
                skipped.append((path, "\(error)"))
                if skipped.count == files.bad.count + files.paths.count { throw error }
            }
            Console.showProgress(
                .init(activity: "explain", completed: index + 1, total: files.paths.count, unit: "images"))
        }
        let classNames = model.experiment.dataset.displayNames
        let report = ModelReport(
            of: explanations, model: model, prototypes: table, names: channelNames, channelCount: channels)
        let pages = try ExplorerPages(
            report,
            pictures: report.pictures(
                of: explanations, model: model, prototypes: table, isSingleFile: true, team: team))
        try DurableFile.createDirectory(output)
        try DurableFile.write(
            jsonText(explanations.map { $0.result.named(channelNames) }) + "\n",
            to: output.appending("explanations.json"))
        try DurableFile.write(pages.singleFile(), to: output.appending("index.html"))
        for explanation in explanations {
            Console.note(summary(of: explanation, classNames))
        }
        for (_, reason) in skipped { Console.note("Skipped: \(reason)") }
        if !skipped.isEmpty {
            let count = skipped.count + explanations.count
            Console.note("\(skipped.count) of \(count) files were skipped; the page shows the others.")
        }
        try Console.result(output.appending("index.html").string)
    }

    /// "a.jpg: cat (91.2 %)", and which class is explained if that is another.
    private func summary(of explanation: ImageExplanation, _ classNames: [String]) -> String {
        func text(_ score: ClassScore) -> String {
            classNames[score.label] + String(format: " (%.1f %%)", score.probability * 100)
        }
        let predicted = explanation.scores[0]
        let line = "\(explanation.result.path): \(text(predicted))"
        guard let explained = explanation.scores.first(where: { $0.label == explanation.result.label }),
            explained.label != predicted.label
        else { return line }
        return line + "; explained: \(text(explained))"
    }
}

extension Dataset {
    /// The labels of those of some files that are images of the dataset.
    fileprivate func labels(of paths: [FilePath]) -> [FilePath: Int] {
        let folder = root.absolute
        let places = Dictionary(
            paths.filter { $0.absolute.starts(with: folder) }.map { ($0.absolute, $0) },
            uniquingKeysWith: { first, _ in first })
        guard !places.isEmpty else { return [:] }
        var labels: [FilePath: Int] = [:]
        for index in 0..<count {
            if let path = places[self.path(of: self[index]).absolute] { labels[path] = self[index].label }
        }
        return labels
    }
}
