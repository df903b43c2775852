import Datasets
import DurableFiles
import ImageCoding
public import SystemPackage
public import Tensors

/// Image files that a user names one by one or by their folders.
public struct ImageFiles: Sendable {
    /// Those whose headers can be read, in the order they were named in.
    public let paths: [FilePath]
    /// The others, each with what is wrong with it.
    public let bad: [(path: FilePath, reason: String)]
    /// What was passed over in folders, a sentence each.
    public let notes: [String]

    /// Finds the files, and reads the header of each.
    /// - Throws: `DatasetError` for a folder without images; the error of the first bad file if all are bad.
    public init(at named: [FilePath], team: WorkerTeam) throws {
        var (found, notes): ([FilePath], [String]) = ([], [])
        for path in named {
            guard DurableDirectory.exists(path) else {
                found.append(path)
                continue
            }
            let images = try ImageFolder.images(below: path)
            found += images.paths
            notes += images.notes
        }
        let errors = try team.map(found.count) { [found] _, index in Self.error(of: found[index]) }
        if let first = errors.first, let error = first, !errors.contains(where: { $0 == nil }) { throw error }
        var bad: [(FilePath, String)] = []
        for (path, error) in zip(found, errors) {
            if let error { bad.append((path, "\(error)")) }
        }
        paths = zip(found, errors).filter { $0.1 == nil }.map(\.0)
        self.bad = bad
        self.notes = notes
    }

    /// Why a file is no image; nil if it begins like one.
    private static func error(of path: FilePath) -> (any Error)? {
        do {
            let bytes = try DurableFile.read(path)
            // The decoder has the words for what is wrong.
            if ImageHeader(of: bytes) == nil { _ = try ImageDecoder.decode(bytes, path: path) }
            return nil
        } catch {
            return error
        }
    }
}
