import ArgumentParser
import DurableFiles
import Explanations
import Foundation
import Reports
import SystemPackage

/// `infodisent prototypes`: what each channel stands for.
struct FindPrototypes: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prototypes", abstract: "Find the training images that stand for each channel.",
        discussion: "Writes prototypes.json and a page to look at, index.html, into the output folder.")

    @OptionGroup var source: CheckpointOptions
    @Option(help: "The folder to write to; made if it is not there.", transform: { FilePath($0) }) var output: FilePath
    @Option(help: "Channels on the page, at most: those that the classifier uses most.") var channels = 200
    @OptionGroup var deployment: DeploymentOptions

    func validate() throws {
        if channels < 1 { throw ValidationError("--channels is \(channels), but at least 1 is needed.") }
    }

    func run() throws {
        try OutputFolder.check(output)
        let model = try source.load()
        let table = try PrototypeTable.kept(for: model) {
            try PrototypeSearch.run(model, team: deployment.team, progress: Console.showProgress)
        }
        let pictures = PrototypePictures(model)
        let page = PrototypePage(
            table, classifier: model.head.classifier, classNames: model.experiment.dataset.classNames,
            channelLimit: channels, picture: { try pictures($0) })
        try DurableFile.createDirectory(output)
        try DurableFile.write(table.json(), to: output.appending("prototypes.json"))
        try DurableFile.write(page.html(), to: output.appending("index.html"))
        try Console.result(output.appending("index.html").string)
    }
}
