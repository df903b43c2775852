import Glibc
import Synchronization
import SystemPackage

/// The folders that this process has claimed (`FolderClaim`), and how writes below them end with the claim.
///
/// What is written below a claimed folder is prepared in the claim's own folder, and gets its place by a rename out of
/// it. Who takes the folder over removes the claim's folder first. So each write of the former owner is either complete
/// before that moment, or fails; whatever it was doing, and however long it was frozen in between.
enum ClaimedFolders {
    /// A claimed folder and the claim's own folder in it.
    final class Entry: Sendable {
        let folder: FilePath
        let claim: FilePath
        /// Whether a rename from the claim's folder can reach another folder: a link may lead to another file system.
        private let canReach = Mutex<[FilePath: Bool]>([:])

        init(folder: FilePath, claim: FilePath) {
            self.folder = folder
            self.claim = claim
        }

        /// Whether what is prepared in the claim's folder can be given a name in `directory` by a rename.
        fileprivate func reaches(_ directory: FilePath) throws -> Bool {
            if let known = canReach.withLock({ $0[directory] }) { return known }
            let (source, target) = (
                claim.appending(TemporaryName.make().text), directory.appending(TemporaryName.make().text)
            )
            // A folder that is not there, or may not be written to, is for the write itself to report.
            guard DurableDirectory.exists(directory) else { return false }
            let descriptor = try check("create", source) {
                source.withPlatformString { open($0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666) }
            }
            close(descriptor)
            defer { for path in [source, target] { path.withPlatformString { _ = unlink($0) } } }
            let code = source.withPlatformString { old in
                target.withPlatformString { Glibc.rename(old, $0) == 0 ? 0 : errno }
            }
            guard code == 0 || code == EXDEV else { return false }
            canReach.withLock { $0[directory] = code == 0 }
            return code == 0
        }
    }

    private static let entries = Mutex<[Entry]>([])

    static func add(_ entry: Entry) { entries.withLock { $0.append(entry) } }
    static func remove(_ entry: Entry) { entries.withLock { $0.removeAll { $0 === entry } } }

    /// The claimed folder that `directory` is or lies in.
    private static func entry(for directory: FilePath) -> Entry? {
        entries.withLock { entries in
            guard !entries.isEmpty else { return nil }
            let place = directory.absolute
            return entries.last { place.starts(with: $0.folder) }
        }
    }

    /// Calls `body` with the name of a temporary from which a rename can give `path` its new content, or take its old one.
    /// - Throws: what `body` throws; `DurableFileError.claimLost` if that is because another process took the folder over.
    static func withTemporary<Result>(
        for path: FilePath, _ body: (_ temporary: FilePath) throws -> Result
    ) throws -> Result {
        let directory = path.containingDirectory
        let name = TemporaryName.make().text
        guard let entry = entry(for: directory) else { return try body(directory.appending(name)) }
        return try ending(with: entry) {
            try body((entry.reaches(directory) ? entry.claim : directory).appending(name))
        }
    }

    /// Calls `body` with a path that leads to `path` as long as the folder it lies in, if this process has claimed it, is
    /// not taken over.
    static func withGuardedPath<Result>(
        to path: FilePath, _ body: (_ guarded: FilePath) throws -> Result
    ) throws -> Result {
        guard let entry = entry(for: path.containingDirectory) else { return try body(path) }
        var rest = path.absolute
        _ = rest.removePrefix(entry.folder)
        // The system looks the claim's folder up on the way.
        let guarded = entry.claim.appending("..").appending(rest.components)
        return try ending(with: entry) {
            do {
                return try body(guarded)
            } catch DurableFileError.missing(path: guarded) {
                throw DurableFileError.missing(path: path)
            } catch DurableFileError.notAFile(path: guarded) {
                throw DurableFileError.notAFile(path: path)
            } catch DurableFileError.failed(let operation, guarded, let code) {
                throw DurableFileError.failed(operation: operation, path: path, code: code)
            }
        }
    }

    private static func ending<Result>(with entry: Entry, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as DurableFileError {
            guard !DurableDirectory.exists(entry.claim), DurableDirectory.exists(entry.folder) else { throw error }
            throw DurableFileError.claimLost(path: entry.folder, to: FolderClaim.holder(of: entry.folder))
        }
    }
}
