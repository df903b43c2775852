import DurableFiles
import Foundation
import SystemPackage

/// The page itself as it lies beside the program.
struct PageFiles {
    let html: String
    let script: String
    let style: String

    /// - Throws: `ExplorerError.missingResource`.
    init() throws {
        html = try Self.text("index.html")
        script = try Self.text("app.js")
        style = try Self.text("style.css")
    }

    private static func text(_ name: String) throws -> String {
        // As the demo backbone's weights are found: `Bundle.module` would end the program where they are missing.
        let program = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let path = FilePath(program).removingLastComponent().pushing(
            FilePath("infodisent_Explorer.resources/Explorer/\(name)"))
        do {
            return String(decoding: try DurableFile.read(path), as: UTF8.self)
        } catch DurableFileError.missing {
            throw ExplorerError.missingResource(path: path)
        }
    }
}
