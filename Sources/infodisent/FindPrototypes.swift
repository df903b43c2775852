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
    @OptionGroup var deployment: DeploymentOptions

    func run() throws {
        let model = try source.load()
        let table = try PrototypeTable.kept(for: model) {
            try PrototypeSearch.run(model, team: deployment.team, progress: Console.showProgress)
        }
        let pictures = PrototypePictures(model)
        let page = PrototypePage(
            table, classifier: model.head.classifier, classNames: model.experiment.dataset.classNames,
            picture: { try pictures($0) })
        try DurableFile.createDirectory(output)
        try DurableFile.write(table.json(), to: output.appending("prototypes.json"))
        try DurableFile.write(page.html(), to: output.appending("index.html"))
        try Console.result(output.appending("index.html").string)
    }
}
