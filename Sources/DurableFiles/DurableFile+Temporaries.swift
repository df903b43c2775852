import Glibc
public import SystemPackage

extension DurableFile {
    /// Removes the temporaries in `directory` whose writers are dead, and says which; a missing folder has none.
    ///
    /// A writer on this machine is asked for by process number and start time. A temporary of another machine (or
    /// container) on a shared disk is removed when nothing was written to it for an hour.
    @discardableResult
    public static func removeStaleTemporaries(in directory: FilePath) throws -> [FilePath] {
        let names: [String]
        do {
            names = try DurableDirectory.names(in: directory)
        } catch DurableFileError.missing {
            return []
        }
        var removed: [FilePath] = []
        for name in names {
            guard let temporary = TemporaryName(name) else { continue }
            let path = directory.appending(name)
            guard try isStale(temporary, at: path) else { continue }
            try DurableDirectory.removeTree(path)
            removed.append(path)
        }
        if !removed.isEmpty { try synchroniseDirectory(directory) }
        return removed
    }

    private static func isStale(_ temporary: TemporaryName, at path: FilePath) throws -> Bool {
        if let alive = temporary.writer.isAlive { return !alive }
        do {
            let written = try status(of: path, followingLinks: false).st_mtim.tv_sec
            return time(nil) - written > TemporaryName.foreignAge
        } catch DurableFileError.missing {
            return false  // its writer has just finished
        }
    }
}
