import ArgumentParser
import Datasets
import SystemPackage
import Tensors

/// `infodisent generate`: draws the built-in part dataset.
struct Generate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Draw the built-in part dataset: birds whose class is a combination of parts.",
        discussion: "The same options give the same bytes. DIR must not exist yet.")

    @Option(help: "The folder to make.", completion: .directory, transform: { FilePath($0) }) var output: FilePath
    @Option(help: "Number of classes.") var classes = 50
    @Option(help: "Number of the first class; classes from 50 on share none with the default 50.") var firstClass = 0
    @Option(help: "How hard the classes are to tell apart: \(PartDataset.Level.allNames).")
    var level = PartDataset.Level.easy
    @Option(help: "Training images of each class. (default: \(PartDataset.Level.allTrainCounts))") var train: Int?
    @Option(help: "Test images of each class.") var test = 20
    @Option(help: "Seed of everything that varies between images of a class.") var seed = 0
    @Option(help: "Side of the square images, in pixels.") var side = 160
    @OptionGroup var deployment: DeploymentOptions

    func run() throws {
        let options = PartDataset.Options(
            classCount: classes, firstClass: firstClass, trainPerClass: train, testPerClass: test,
            seed: UInt64(max(0, seed)), imageSide: side,
            level: level)
        try PartDataset.generate(options, into: output, team: deployment.team) { completed, total in
            Console.showProgress(
                .init(activity: "generate", completed: completed, total: total, unit: "images"))
        }
        Console.note(
            """
            \(classes) classes with \(options.trainPerClass) training and \(test) test images each are in \(output)\
            \(level == .easy ? "" : ", \(level.rawValue)").
            """)
    }
}

extension PartDataset.Level: ExpressibleByArgument {
    fileprivate static var allNames: String { allCases.map(\.rawValue).joined(separator: " or ") }
    fileprivate static var allTrainCounts: String {
        allCases.map { "\($0.trainPerClass) at level \($0.rawValue)" }.joined(separator: ", ")
    }
}
