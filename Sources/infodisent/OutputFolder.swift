import DurableFiles
import Foundation
import SystemPackage

/// Checks of where results will go, before the work whose results they are.
enum OutputFolder {
    /// Checks that a folder can be made at `path`, or is there, and can be written to. Makes nothing.
    /// - Throws: `DurableFileError`.
    static func check(_ path: FilePath) throws {
        var folder = path.isEmpty ? "." : path
        if DurableFile.exists(folder) { throw DurableFileError.notADirectory(path: folder) }
        while !DurableDirectory.exists(folder) {
            if DurableFile.exists(folder) { throw DurableFileError.notADirectory(path: folder) }
            let parent = folder.removingLastComponent()
            folder = parent.isEmpty ? "." : parent
        }
        guard access(folder.string, W_OK) == 0 else {
            throw DurableFileError.failed(operation: "write to", path: folder, code: errno)
        }
    }

    /// Checks that results may go to `path`: that it can be written to, does not lie inside `dataset`, and holds none of the
    /// files `names` yet, unless they may be overwritten.
    /// - Throws: `OutputError`, `DurableFileError`.
    static func check(_ path: FilePath, holding names: [String], overwriting: Bool, outside dataset: FilePath) throws {
        try check(path)
        if path.resolved.starts(with: dataset.resolved) { throw OutputError.insideDataset(path, dataset: dataset) }
        guard !overwriting, let name = names.first(where: { DurableFile.exists(path.appending($0)) }) else { return }
        throw OutputError.exists(path.appending(name))
    }

    /// Checks that a file can be written at `path`.
    /// - Throws: `DurableFileError`.
    static func checkFile(_ path: FilePath) throws {
        if DurableDirectory.exists(path) { throw DurableFileError.notAFile(path: path) }
        let folder = path.removingLastComponent()
        guard folder.isEmpty || DurableDirectory.exists(folder) else { throw DurableFileError.missing(path: folder) }
        try check(folder)
    }
}

/// Why results may not go where they were to go.
enum OutputError: Error, CustomStringConvertible {
    /// Results are there already.
    case exists(FilePath)
    /// The folder of a new run holds one.
    case holdsRun(FilePath, found: FilePath)
    /// A file is there already that an option names.
    case fileExists(FilePath, option: String)
    /// The folder lies inside the dataset, whose images the results would be mixed with.
    case insideDataset(FilePath, dataset: FilePath)

    var description: String {
        switch self {
        case .exists(let path):
            "\(path) is there already. Choose another folder with --output, or overwrite it with --force."
        case .holdsRun(let path, let found):
            "\(path) holds a run already (\(found)), which is not overwritten. Choose another folder with --output."
        case .fileExists(let path, let option):
            "\(path) is there already. Choose another file with --\(option), or overwrite it with --force."
        case .insideDataset(let path, let dataset):
            "--output (\(path)) lies inside the dataset (\(dataset)), whose images it would be mixed with. "
                + "Choose a folder outside."
        }
    }
}
