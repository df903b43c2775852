import ArgumentParser
import Datasets
import DurableFiles
import Foundation
import PrintableText
import Reports
import RunConfiguration
import SystemPackage

/// `infodisent audit`: what is in a dataset, and what is wrong with it.
struct Audit: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look at every image of a dataset: counts, sizes, colour modes, damage, duplicates, leaks, boxes.",
        discussion: """
            Give either --config, or --dataset with a folder (or a .csv file) whose layout is recognised. Nothing is changed. \
            With --strict the exit code is 65 if something spoils results: images that cannot be read, or that are in both \
            the training and the test images.
            """)

    @OptionGroup var source: OptionalConfigurationOptions
    @Option(help: "The dataset's folder.", completion: .directory, transform: { FilePath($0) }) var dataset: FilePath?
    @Flag(help: "Print JSON.") var json = false
    @Option(
        help: ArgumentHelp("Write a page with pictures, index.html, into this folder.", valueName: "DIR"),
        completion: .directory,
        transform: { FilePath($0) })
    var output: FilePath?
    @Option(help: "Examples shown of each finding.") var examples = 20
    @Flag(help: "Read the images' headers only: quicker, but damage behind them is not found.") var headersOnly = false
    @Flag(help: "Exit with 65 if something spoils results.") var strict = false
    @OptionGroup var deployment: DeploymentOptions

    func validate() throws {
        if (source.path == nil) == (dataset == nil) { throw ValidationError("Give one of --config and --dataset.") }
        if !(1...100_000).contains(examples) {
            throw ValidationError("--examples is \(examples), but it takes a number from 1 to 100000.")
        }
    }

    func run() throws {
        if let output { try OutputFolder.check(output) }
        let team = deployment.team
        let configuration = try runConfiguration()
        let dataset = try Dataset.load(
            root: configuration.dataset.root, options: configuration.dataset.options, team: team)
        if !json { Console.note(dataset.recognition) }
        let report = DatasetAudit(dataset, exampleLimit: examples, decodes: !headersOnly).run(team: team) {
            Console.showProgress(.init(activity: "audit", completed: $0, total: $1, unit: "images"))
        }
        if let output {
            try DurableFile.createDirectory(output)
            try DurableFile.write(AuditPage(report, dataset: dataset).html(), to: output.appending("index.html"))
            try DurableFile.write(jsonText(report) + "\n", to: output.appending("audit.json"))
            Console.note("The page is \(output.appending("index.html")).")
        }
        try Console.result(json ? jsonText(report) : AuditText(report).text)
        if strict && report.hasErrors { throw ArgumentParser.ExitCode(ExitCode.badData.rawValue) }
    }

    /// The configuration of the file, or of the defaults, with what the options set.
    private func runConfiguration() throws -> RunConfiguration {
        try source.load(
            dataset.map { ["dataset.root=\($0)"] } ?? [], unused: ["run.directory", "cache.directory"])
    }
}

/// The report as text for a terminal.
struct AuditText {
    private let report: AuditReport

    init(_ report: AuditReport) { self.report = report }

    /// Examples of one finding on the terminal; `--json` and the page have more.
    private static let exampleLimit = 5

    var text: String {
        var lines = [report.root.printable, report.recognition, ""]
        lines.append(row("split", "images", "classes", "per class", "MB"))
        for split in report.splits {
            lines.append(
                row(
                    split.split.rawValue, "\(split.imageCount)", "\(split.classCount)",
                    "\(split.smallestClass)-\(split.largestClass)",
                    String(format: "%.1f", Double(split.byteCount) / 1e6)))
        }
        lines.append("")
        // The formats add up to the images of the table.
        let imageCount = report.splits.reduce(0) { $0 + $1.imageCount }
        let recognised = report.formats.values.reduce(0, +)
        var formats = report.formats
        if recognised < imageCount { formats["of no format that is read"] = imageCount - recognised }
        lines.append("formats: " + list(formats))
        if recognised > 0 {
            let sizes = report.sizes
            lines.append("colours: " + list(report.colours))
            lines.append(
                "width \(sizes.smallestWidth)-\(sizes.largestWidth), height \(sizes.smallestHeight)-\(sizes.largestHeight) pixels"
            )
        }
        if report.boxes.boxCount > 0 {
            lines.append(
                "\(report.boxes.boxCount) boxes in \(report.boxes.imageCount) images"
                    + (report.boxes.visiblePartCount > 0 ? ", \(report.boxes.visiblePartCount) visible parts" : ""))
        }
        lines += report.notes.map { "note: \($0)" }
        for finding in report.findings {
            lines.append("\(finding.severity.rawValue): \(finding.text)")
            for example in finding.examples.prefix(Self.exampleLimit) {
                lines.append("    " + (example.paths.prefix(3) + [example.detail]).joined(separator: "  ").printable)
            }
            if finding.count > Self.exampleLimit { lines.append("    and \(finding.count - Self.exampleLimit) more") }
        }
        if report.findings.isEmpty { lines.append("Nothing is wrong with it.") }
        lines += ["", "fingerprint  \(report.fingerprint)", "contents     \(report.contents)"]
        return lines.joined(separator: "\n")
    }

    private func row(_ columns: String...) -> String {
        columns.enumerated().map { index, text in
            let padding = String(repeating: " ", count: max(0, (index == 0 ? 8 : 11) - text.count))
            return index == 0 ? text + padding : padding + text
        }.joined()
    }

    private func list(_ counts: [String: Int]) -> String {
        counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.value) \($0.key)" }.joined(
            separator: ", ")
    }
}
