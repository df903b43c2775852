import Datasets
import Evaluation
import Explanations
import Explorer
import Extraction
import FeatureCache
import Foundation
import Inference
import Results
import SmallModel
import SystemPackage
import TemporaryFolders
import Tensors
import Testing

/// A report of a model trained for a moment.
struct SmallReport {
    let model: TrainedModel
    let cache: FeatureCache
    let report: ModelReport
    let pictures: [String: [UInt8]]

    init(_ model: TrainedModel, imageCount: Int = 4, names: ChannelNames = ChannelNames()) throws {
        self.model = model
        cache = try model.cache()
        let team = WorkerTeam()
        let predictions = try HeadEvaluation.predictions(model.head, cache: cache, split: .test, team: team)
        var findings = ReportBuilder.Findings()
        findings.names = names
        let builder = ReportBuilder(model, cache: cache, team: team)
        let built = try #require(
            try builder.build(predictions: predictions, imageCount: imageCount, findings: findings))
        (report, pictures) = (built.report, built.pictures)
    }

    /// Runs `body` with the report of a model whose configuration is changed before it is trained.
    static func with(
        _ change: (inout SmallRun) -> Void = { _ in }, _ body: (SmallReport, FilePath) throws -> Void
    ) throws {
        try withTemporaryFolder { folder in
            var run = try SmallRun(in: folder)
            change(&run)
            try run.train()
            try body(SmallReport(TrainedModel(folder.appending("run"))), folder)
        }
    }
}

/// The same report with other texts.
func renamed(_ report: ModelReport, classNames: [String], channelName: String) throws -> ModelReport {
    var object = try #require(
        JSONSerialization.jsonObject(with: JSONEncoder().encode(report)) as? [String: Any])
    object["classNames"] = classNames
    object["channelNames"] = ["0": channelName, "1": channelName]
    return try JSONDecoder().decode(ModelReport.self, from: JSONSerialization.data(withJSONObject: object))
}

/// A browser without a window.
enum Chromium {
    static let path = ["chromium", "chromium-browser", "google-chrome"].flatMap { name in
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(name)" }
    }.first { FileManager.default.isExecutableFile(atPath: $0) }

    /// The page at an address of a file once its scripts have run, as HTML, and what the browser has written of errors.
    static func page(_ file: FilePath, _ address: String) throws -> (html: String, errors: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(path))
        let profile = NSTemporaryDirectory() + "/chromium-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: profile) }
        process.arguments = [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--user-data-dir=\(profile)", "--enable-logging=stderr",
            "--virtual-time-budget=20000", "--dump-dom", "file://\(file)#\(address)",
        ]
        // Into a file: two pipes that nobody reads at the same time could wait for each other.
        let log = profile + ".log"
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        defer { try? FileManager.default.removeItem(atPath: log) }
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle(forWritingAtPath: log)
        try process.run()
        let html = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let errors = String(decoding: FileManager.default.contents(atPath: log) ?? Data(), as: UTF8.self)
        return (
            String(decoding: html, as: UTF8.self),
            errors.split(separator: "\n").filter { $0.contains("CONSOLE") }.joined(separator: "\n")
        )
    }
}
