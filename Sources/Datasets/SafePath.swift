import Foundation
import SystemPackage

/// Paths that come from lists and archives.
enum SafePath {
    /// The longest path that is believed, in bytes.
    static let byteLimit = 4096

    /// Whether `path` stays below the folder it starts from, and can be a path at all.
    static func isSafe(_ path: some StringProtocol) -> Bool {
        guard !path.isEmpty, path.utf8.count <= byteLimit, !path.utf8.contains(0) else { return false }
        return path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy { component in
            !component.isEmpty && !component.elementsEqual(".".utf8) && !component.elementsEqual("..".utf8)
        }
    }
}

/// Paths as the system knows them.
enum AbsolutePath {
    /// The absolute path of a folder as it is called, and, where that is another, with its links resolved.
    static func spellings(of folder: FilePath) -> [FilePath] {
        let current = FilePath(FileManager.default.currentDirectoryPath)
        let called = current.pushing(folder).lexicallyNormalized()
        let resolved = FilePath(URL(fileURLWithPath: called.string).resolvingSymlinksInPath().path)
        return resolved == called ? [called] : [called, resolved]
    }
}
