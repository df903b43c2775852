import Glibc
public import SystemPackage

/// Folders that appear whole or not at all.
///
///     try DurableDirectory.write(to: path) { staging in
///         try DurableFile.write(bytes, to: staging.appending("state.json"))
///     }
public enum DurableDirectory {
    /// Makes the folder `path` with the content that `body` puts into the staging folder it is given.
    ///
    /// Every file in the staging folder is synced, then one rename gives the folder its name. A folder that has the
    /// name already is an error, or, when `replacing` is true, moved out of the way first: a kill between the two
    /// renames leaves no folder of that name. On any error the staging folder is removed and `path` is as it was.
    /// Throws `DurableFileError`, or what `body` throws.
    public static func write(
        to path: FilePath, replacing: Bool = false, _ body: (_ staging: FilePath) throws -> Void
    ) throws {
        let parent = path.containingDirectory
        try ClaimedFolders.withTemporary(for: path) { staging in
            do {
                try check("create the folder", path) { staging.withPlatformString { mkdir($0, 0o777) } }
            } catch DurableFileError.missing {
                throw DurableFileError.missing(path: parent)
            }
            do {
                try body(staging)
                try synchroniseTree(staging)
                try publish(staging, as: path, replacing: replacing)
            } catch {
                try? removeTree(staging)
                throw error
            }
        }
        try synchroniseDirectory(parent)
    }

    /// Removes the folder `path` and all in it; after a kill it is there whole or not at all.
    public static func remove(_ path: FilePath) throws {
        try ClaimedFolders.withTemporary(for: path) { temporary in
            try check("remove", path) {
                path.withPlatformString { old in temporary.withPlatformString { Glibc.rename(old, $0) } }
            }
            try synchroniseDirectory(path.containingDirectory)
            try removeTree(temporary)
        }
    }

    /// Whether a folder is at `path`.
    public static func exists(_ path: FilePath) -> Bool {
        (try? status(of: path).isDirectory) == true
    }

    /// The names in the folder `path`, hidden ones included, sorted by their UTF-8 bytes. Throws `DurableFileError`.
    public static func names(in path: FilePath) throws -> [String] {
        guard let stream = path.withPlatformString({ opendir($0) }) else {
            try check("list", path) { Int32(-1) }
            return []
        }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                if errno != 0 { throw DurableFileError.failed(operation: "list", path: path, code: errno) }
                break
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { field in
                field.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    private static func publish(_ staging: FilePath, as path: FilePath, replacing: Bool) throws {
        do {
            try DurableFile.rename(staging, to: path)
            return
        } catch DurableFileError.failed(_, _, let code) where code == EEXIST || code == ENOTEMPTY {
            guard replacing else { throw DurableFileError.alreadyExists(path: path) }
        }
        // Beside the new one, so that all of this goes through the same temporary folder.
        let old = staging.containingDirectory.appending(TemporaryName.make().text)
        try DurableFile.rename(path, to: old)
        do {
            try DurableFile.rename(staging, to: path)
        } catch {
            try? DurableFile.rename(old, to: path)
            throw error
        }
        try synchroniseDirectory(path.containingDirectory)
        try removeTree(old)
    }

    /// Removes a file or a folder with all in it; symbolic links are removed, not followed. Fine if nothing is there.
    static func removeTree(_ path: FilePath) throws {
        do {
            if try status(of: path, followingLinks: false).isDirectory {
                for name in try names(in: path) { try removeTree(path.appending(name)) }
                try check("remove", path) { path.withPlatformString { rmdir($0) } }
            } else {
                try check("remove", path) { path.withPlatformString { unlink($0) } }
            }
        } catch DurableFileError.missing {}
    }

    private static func synchroniseTree(_ path: FilePath) throws {
        for name in try names(in: path) {
            let entry = path.appending(name)
            let status = try status(of: entry, followingLinks: false)
            if status.isDirectory {
                try synchroniseTree(entry)
            } else if status.isRegularFile {
                try synchroniseFile(entry)
            }
        }
        try synchroniseDirectory(path)
    }
}
