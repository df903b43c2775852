import Datasets
import Foundation
import ImageCoding

/// What an audit of a data set found, as one self-contained HTML page with small pictures.
public struct AuditPage {
    private let report: AuditReport
    private let dataset: Dataset
    /// Pictures of one finding, at most.
    private let pictureLimit: Int

    public init(_ report: AuditReport, dataset: Dataset, pictureLimit: Int = 24) {
        self.report = report
        self.dataset = dataset
        self.pictureLimit = pictureLimit
    }

    /// The page's text. Images that cannot be decoded are shown as their paths.
    public func html() -> String {
        HTML.page(
            title: "Audit of \(report.root)",
            body: """
                <h1>Audit of a data set</h1>
                <p class="quiet">\(HTML.escaped(report.root)): \(HTML.escaped(report.recognition))</p>
                \(report.notes.map { "<p>\(HTML.escaped($0))</p>" }.joined(separator: "\n"))
                \(counts())
                \(report.findings.map(section).joined(separator: "\n"))
                \(classes())
                <p class="small quiet">Fingerprint (names, labels, sizes) \(report.fingerprint)<br>Contents (every byte)
                \(report.contents)</p>
                """)
    }

    // MARK: - Counts

    private func counts() -> String {
        let splits = report.splits.map { split in
            """
            <tr><td>\(split.split.rawValue)</td><td class="number">\(split.imageCount)</td>
            <td class="number">\(split.classCount)</td><td class="number">\(split.smallestClass) to \(split.largestClass)</td>
            <td class="number">\(String(format: "%.1f MB", Double(split.byteCount) / 1e6))</td></tr>
            """
        }
        return """
            <table><tr><th>split</th><th>images</th><th>classes</th><th>images of a class</th><th>size</th></tr>
            \(splits.joined(separator: "\n"))</table>
            <div class="row">
            \(table("formats", report.formats.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }))
            \(table("colours", report.colours.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }))
            \(table("shorter side", sides()))
            </div>
            """
    }

    private func sides() -> [(String, Int)] {
        let limits = AuditReport.Sizes.limits
        return report.sizes.shorterSides.enumerated().filter { $0.element > 0 }.map { index, count in
            let name =
                index == 0
                ? "below \(limits[0])"
                : index == limits.count
                    ? "\(limits[index - 1]) and more" : "\(limits[index - 1]) to \(limits[index] - 1)"
            return (name, count)
        }
    }

    private func table(_ title: String, _ rows: [(String, Int)]) -> String {
        let largest = max(1, rows.map(\.1).max() ?? 1)
        let lines = rows.map { name, count in
            """
            <tr><td>\(HTML.escaped(name))</td><td class="number">\(count)</td>
            <td style="width:120px"><div class="bar" style="width:\(100 * count / largest)%"></div></td></tr>
            """
        }
        return "<table><tr><th>\(title)</th><th></th><th></th></tr>\(lines.joined(separator: "\n"))</table>"
    }

    private func classes() -> String {
        let rows = report.classes.enumerated().map { label, counts in
            let title = counts.title == counts.name ? "" : " \(counts.title)"
            return """
                <tr><td class="number">\(label)</td><td>\(HTML.escaped(counts.name + title))</td>
                <td class="number">\(counts.train)</td><td class="number">\(counts.test)</td></tr>
                """
        }
        return """
            <h2>Classes</h2>
            <table><tr><th>label</th><th>class</th><th>train</th><th>test</th></tr>
            \(rows.joined(separator: "\n"))</table>
            """
    }

    // MARK: - Findings

    private func section(_ finding: AuditReport.Finding) -> String {
        let shown = finding.examples.prefix(pictureLimit).map(example)
        let rest = finding.count - shown.count
        return """
            <h2>\(finding.severity.rawValue.capitalized): \(HTML.escaped(finding.text))</h2>
            <div class="row">\(shown.joined(separator: "\n"))</div>
            \(rest > 0 ? "<p class=\"quiet\">and \(rest) more</p>" : "")
            """
    }

    private func example(_ example: AuditReport.Example) -> String {
        guard !example.images.isEmpty else { return "<p>\(HTML.escaped(example.detail))</p>" }
        let figures = example.images.map { index in
            let path = dataset[index].path
            let picture = picture(of: dataset[index]).map { HTML.picture($0, width: 150, description: path) }
            return """
                <figure>\(picture ?? "<p class=\"against\">no picture</p>")
                <figcaption style="max-width:150px" title="\(HTML.escaped(path))">\(index < dataset.train.count ? "train" : "test"):
                \(HTML.escaped(path))</figcaption></figure>
                """
        }
        return """
            <div style="max-width:660px"><div class="prototypes">\(figures.joined(separator: "\n"))</div>
            <p class="small">\(HTML.escaped(example.detail))</p></div>
            """
    }

    /// A small picture of a sample's whole file with its boxes; nil if it cannot be decoded.
    private func picture(of sample: Sample) -> PixelImage? {
        guard let bytes = try? dataset.bytes(of: sample),
            let image = try? ImageDecoder.decode(bytes, path: dataset.path(of: sample))
        else { return nil }
        // Very long images would be as long as a page.
        let (width, height) = (300, max(1, min(600, 300 * image.height / image.width)))
        var small = image.resized(width: width, height: height, interpolation: .bilinear)
        for box in (try? dataset.boxes(of: sample)) ?? [] {
            let (horizontal, vertical) = (Double(width) / Double(image.width), Double(height) / Double(image.height))
            small = small.outliningRectangle(
                x: Int(box.x * horizontal), y: Int(box.y * vertical), width: max(1, Int(box.width * horizontal)),
                height: max(1, Int(box.height * vertical)), colour: .vermilion)
        }
        return small
    }
}
