import ArgumentParser
import DeployedModels
import Foundation
import MessagePassing
import PrintableText
import Results
import SystemPackage
import Tensors

/// `infodisent predict`: what a trained head says about any images.
struct Predict: CollectiveCommand {
    static let configuration = CommandConfiguration(
        abstract: "Predict the classes of any images: files, folders of them, or a list.",
        discussion: """
            Prints a line for each image as soon as it is known, in the order they are named in; memory does not grow with their \
            number. Only the checkpoint and the weights are needed, not the dataset. A folder is walked in sorted order. A list is \
            a text file with one path a line (its name ends in .txt, .lst or .list), a pipe, or - for standard input. An image that \
            cannot be read gets a line with the reason, and the exit code at the end is 65. With --json, each line is an object.
            """)

    @OptionGroup var source: CheckpointOptions
    @Flag(help: "Print comma-separated values with a header line.") var csv = false
    @Flag(help: "Print JSON, an object a line.") var json = false
    @Option(help: ArgumentHelp("Classes for each image, the most probable first.", valueName: "count")) var top = 5
    @Option(
        help: ArgumentHelp(
            "Channels for each image: those with the largest contributions to the predicted class, and where they are.",
            valueName: "count"))
    var explain = 0
    @OptionGroup var names: NameOptions
    @OptionGroup var deployment: DeploymentOptions
    @OptionGroup var ranks: RankOptions
    @Argument(
        help: "Image files, folders of them, lists of them, or - for a list on standard input.", completion: .image,
        transform: { FilePath($0) })
    var images: [FilePath]

    func validate() throws {
        if csv && json { throw ValidationError("--csv and --json are two forms of the same: give one of them.") }
        for (name, value, least) in [("top", top, 1), ("explain", explain, 0)]
        where !(least...1_000_000).contains(value) {
            throw ValidationError("--\(name) is \(value), but it takes a number from \(least) to 1000000.")
        }
        if images.count(where: { $0 == ImagePaths.standardInput }) > 1 {
            throw ValidationError("- stands for standard input, which can be read once only.")
        }
    }

    func run(on communicator: any Communicator) throws {
        let team = try deployment.team(on: communicator)
        // Found out before a model is loaded.
        let paths = try communicator.together {
            try communicator.activity.allowing(.seconds(3600)) {
                communicator.rank == 0 ? try ImagePaths(images) : nil
            }
        }
        paths?.notes.forEach(Console.note)
        let model = try source.deploy(on: communicator)
        if let crop = model.configuration.dataset.crop {
            Console.note(
                "The head was trained on images cropped to boxes (dataset.crop: \(crop.rawValue)); these are taken whole, so "
                    + "they should be crops.")
        }
        let channelNames = try communicator.fromRank0(allowing: .seconds(60)) {
            try Array(JSONEncoder().encode(names.load(run: model.runDirectory, of: model.checkpoint)))
        }
        let options = try DeployedModel.PredictionOptions(
            classCount: min(top, model.head.classCount), channelCount: min(explain, model.head.channelCount),
            names: JSONDecoder().decode(ChannelNames.self, from: Data(channelNames)))
        // What mpirun forwards looks like a terminal, and may go into a file.
        let isRaw = isatty(STDOUT_FILENO) == 0 || ((csv || json) && !(communicator is SingleProcess))
        let form = PredictionForm(kind: json ? .json : csv ? .csv : .text, isRaw: isRaw, options)
        try communicator.together {
            if communicator.rank == 0, let header = form.header { try Console.result(header, isRaw: isRaw) }
        }
        // On a terminal the lines themselves are the progress.
        let total = isatty(STDOUT_FILENO) == 0 ? paths?.count : nil
        let counts = try model.predict(
            paths, options: options, team: team, communicator: communicator,
            progress: { done in
                guard let total else { return }
                Console.showProgress(.init(activity: "predict", completed: done, total: total, unit: "images"))
            },
            format: form.text, emit: { try Console.result($0, isRaw: isRaw) })
        guard counts.unreadable > 0 else { return }
        Console.note("\(counts.unreadable) of \(counts.images) images could not be read; their lines say why.")
        throw ArgumentParser.ExitCode(ExitCode.badData.rawValue)
    }
}

/// How a prediction is written on a line.
private struct PredictionForm: Sendable {
    enum Kind { case text, csv, json }

    let kind: Kind
    private let options: DeployedModel.PredictionOptions

    init(kind: Kind, isRaw: Bool, _ options: DeployedModel.PredictionOptions) {
        self.kind = kind
        lineEnd = isRaw ? "\r" : ""
        self.options = options
    }

    /// What stands above the lines.
    var header: String? {
        guard kind == .csv else { return nil }
        var names = ["path", "error"]
        for number in 1...options.classCount {
            names += ["class_\(number)", "probability_\(number)", "logit_\(number)"]
        }
        for number in 0..<options.channelCount {
            names += channelColumns.map { "\($0)_\(number + 1)" }
        }
        return CommaSeparated.record(names) + lineEnd
    }

    /// What is said of a channel; the last only where channels have names.
    private var channelColumns: [String] {
        ["channel", "contribution", "side", "row", "column", "x", "y", "width", "height"]
            + (options.names.names.isEmpty ? [] : ["channel_name"])
    }

    /// RFC 4180 wants two characters; a terminal would show one of them.
    private let lineEnd: String

    @Sendable func text(_ prediction: ImagePrediction) throws -> String {
        switch kind {
        case .json: return try Self.json(prediction)
        case .csv: return CommaSeparated.record(fields(prediction)) + lineEnd
        case .text: return Self.lines(prediction)
        }
    }

    private static func json(_ prediction: ImagePrediction) throws -> String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(prediction), as: UTF8.self)
    }

    /// As many as the header has names.
    private func fields(_ prediction: ImagePrediction) -> [String] {
        func padded(_ fields: [String], _ count: Int) -> [String] {
            fields + [String](repeating: "", count: max(0, count - fields.count))
        }
        let classes = prediction.classes.flatMap { score in
            [score.className, String(format: "%.6f", score.probability), "\(score.logit)"]
        }
        let channels = prediction.channels.flatMap { channel in
            ["\(channel.channel)", "\(channel.contribution)", channel.side.rawValue]
                + ["\(channel.cell.row)", "\(channel.cell.column)"]
                + padded(channel.box.map { ["\($0.x)", "\($0.y)", "\($0.width)", "\($0.height)"] } ?? [], 4)
                + (options.names.names.isEmpty ? [] : [channel.name ?? ""])
        }
        return [prediction.path, prediction.error ?? ""] + padded(classes, 3 * options.classCount)
            + padded(channels, channelColumns.count * options.channelCount)
    }

    /// For people: a line for the image, and one for each channel.
    private static func lines(_ prediction: ImagePrediction) -> String {
        if let error = prediction.error { return "\(prediction.path.printable): not read: \(error.printable)" }
        let classes = prediction.classes.map {
            $0.className.printable + String(format: " (%.1f %%)", $0.probability * 100)
        }
        let channels = prediction.channels.map { channel in
            let place = channel.box.map { "x \($0.x)-\($0.x + $0.width), y \($0.y)-\($0.y + $0.height)" }
            let name = channel.name.map { " (\($0.printable(limit: 80)))" } ?? ""
            return "    channel \(channel.channel)\(name)" + String(format: " %+.3f", channel.contribution)
                + " at \(place ?? "the padding around the image")"
        }
        return (["\(prediction.path.printable): \(classes.joined(separator: ", "))"] + channels).joined(separator: "\n")
    }
}
