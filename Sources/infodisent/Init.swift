import ArgumentParser
import Datasets
import DurableFiles
import Foundation
import RunConfiguration
import SystemPackage
import Tensors

/// `infodisent init`: a configuration to begin with.
struct Initialise: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Write a configuration with every key explained, for people to change.",
        discussion: """
            With a dataset and weights, it is complete: the dataset is looked at, and the network is found out from the weight \
            file. Keys that are at their defaults stand behind a #.
            """)

    @Argument(
        help: "The dataset: a folder, or a list of images (.csv).", completion: .directory, transform: { FilePath($0) })
    var photos: FilePath?
    @Option(help: "The backbone's weight file.", completion: .file(), transform: { FilePath($0) })
    var weights: FilePath?
    @Option(help: "The file to write.", completion: .file(), transform: { FilePath($0) })
    var output: FilePath = "config.yaml"
    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp("Set a key; may be repeated.", valueName: "key.path=value"), completion: .configurationKey)
    var overrides: [String] = []
    @Flag(help: "Overwrite the file if it is there already.") var force = false
    @OptionGroup var deployment: DeploymentOptions

    func run() throws {
        try OutputFolder.checkFile(output)
        guard force || !DurableFile.exists(output) else { throw OutputError.fileExists(output, option: "output") }
        let configuration = try SimpleStart(photos: photos, weights: weights).configuration(overrides)
        var lines = [
            "A configuration of infodisent. Paths mean the same from every folder if they begin with /. Train with",
            "    infodisent train --config \(output.string.contains(" ") ? "'\(output)'" : output.string)",
        ]
        if photos != nil {
            let dataset = try Dataset.load(
                root: configuration.dataset.root, options: configuration.dataset.options, team: deployment.team)
            lines += [
                "", dataset.recognition,
                "\(dataset.classNames.count) classes, \(dataset.train.count) training and \(dataset.test.count) test images.",
            ]
            Console.note(dataset.recognition)
            dataset.notes.forEach(Console.note)
        } else {
            lines += ["", "Set dataset.root first: PHOTOS stands for the folder of the images."]
        }
        if weights == nil {
            lines += ["Set backbone.name and backbone.weights too, unless the dataset is the built-in part dataset."]
        }
        try DurableFile.write(
            configuration.commentedYAML(introduction: lines.map { $0.replacingOccurrences(of: "\n", with: " ") }),
            to: output)
        try Console.result(output.string)
    }
}
