import DurableFiles
import Foundation
public import Results
public import SystemPackage

/// A report as pages that a browser opens from disk: an `index.html` and what it loads, or all in one file.
///
///     index.html             a page of a few lines
///     files/app.js style.css the page's program, the same for every report
///     files/data/NAME.js     the report's records in pieces, as the page asks for them
///     files/images/N.webp    each picture once
///
/// The same report and pictures give the same bytes. Records are JSON with `<` written as an escape, texts reach the page as text
/// nodes alone, and the page's policy forbids it to load anything that is not its own.
public struct ExplorerPages {
    /// What the page is called, and the folder beside it.
    public static let indexName = "index.html"
    public static let folderName = "files"

    private let report: ModelReport
    /// Files of pictures by name.
    private let pictures: [String: [UInt8]]
    private let page: PageFiles

    /// - Throws: `ExplorerError.missingResource`.
    public init(_ report: ModelReport, pictures: [String: [UInt8]]) throws {
        self.report = report
        self.pictures = pictures
        page = try PageFiles()
    }

    /// Writes the page and its folder into `output`, which is made if it is not there. The folder appears whole or not at all, the
    /// page after it.
    ///
    /// - Parameter replacing: whether those of an older report may be replaced.
    /// - Throws: `ExplorerError.foreignFolder`, `DurableFileError`.
    public func write(into output: FilePath, replacing: Bool) throws {
        try DurableFile.createDirectory(output)
        let folder = output.appending(Self.folderName)
        try Self.check(folder)
        try DurableDirectory.write(to: folder, replacing: replacing) { staging in
            for name in ["data", "images"] { try DurableFile.createDirectory(staging.appending(name)) }
            func put(_ bytes: [UInt8], _ name: String) throws {
                // The whole folder is synced before it gets its name.
                try Data(bytes).write(to: URL(fileURLWithPath: staging.pushing(FilePath(name)).string))
            }
            try put(Array(page.script.utf8), "app.js")
            try put(Array(page.style.utf8), "style.css")
            for piece in try DataPiece.pieces(of: report) {
                try put(Array("infodisent(\"\(piece.name)\",\(piece.json));\n".utf8), "data/\(piece.name).js")
            }
            for (name, bytes) in pictures { try put(bytes, "images/\(name).webp") }
        }
        try DurableFile.write(folderPage, to: output.appending(Self.indexName))
    }

    /// Checks that a folder that is there may be replaced: that it is one of a report.
    /// - Throws: `ExplorerError.foreignFolder`.
    public static func check(_ folder: FilePath) throws {
        guard DurableDirectory.exists(folder), !DurableFile.exists(folder.appending("app.js")) else { return }
        throw ExplorerError.foreignFolder(path: folder)
    }

    /// Everything in one file.
    /// - Throws: the errors of encoding.
    public func singleFile() throws -> String {
        let blocks = try DataPiece.pieces(of: report).map { Self.block($0.name, $0.json) }
        let images = pictures.sorted { $0.key < $1.key }.map { name, bytes in
            Self.block("picture-\(name)", "\"\(Data(bytes).base64EncodedString())\"")
        }
        return filled(
            policy: """
                default-src 'none'; img-src data:; script-src 'sha256-\(Self.digest(page.script))'; \
                style-src 'sha256-\(Self.digest(page.style))'; base-uri 'none'; form-action 'none'
                """,
            style: "<style>\(page.style)</style>", script: "<script>\(page.script)</script>",
            data: (blocks + images).joined(separator: "\n"))
    }

    private var folderPage: String {
        filled(
            policy: """
                default-src 'none'; img-src 'self' file:; script-src 'self' file:; style-src 'self' file:; base-uri 'none'; \
                form-action 'none'
                """,
            style: "<link rel=\"stylesheet\" href=\"\(Self.folderName)/style.css\">",
            script: "<script src=\"\(Self.folderName)/app.js\"></script>", data: "")
    }

    private func filled(policy: String, style: String, script: String, data: String) -> String {
        let values = ["policy": policy, "style": style, "data": data, "script": script]
        // Only the page's own marks count: what is put in their places may hold anything.
        var text = ""
        for (number, piece) in page.html.components(separatedBy: "{{").enumerated() {
            guard number > 0 else {
                text += piece
                continue
            }
            let parts = piece.components(separatedBy: "}}")
            guard parts.count == 2, let value = values[parts[0]] else {
                preconditionFailure("the page has a mark that nothing is known of: \(piece.prefix(20))")
            }
            text += value + parts[1]
        }
        return text
    }

    private static func block(_ name: String, _ json: String) -> String {
        "<script type=\"application/json\" data-name=\"\(name)\">\(json)</script>"
    }

    /// SHA-256 in base64, as a content security policy states it.
    private static func digest(_ text: String) -> String {
        let digits = Array(ContentDigest(of: text).hexadecimal)
        let bytes = stride(from: 0, to: digits.count, by: 2).compactMap {
            UInt8(String(digits[$0...$0 + 1]), radix: 16)
        }
        return Data(bytes).base64EncodedString()
    }
}
