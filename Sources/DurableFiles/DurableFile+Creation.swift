import Glibc
public import SystemPackage

extension DurableFile {
    /// Writes what `body` gives to the writer to `path`, where nothing must be yet: of several that do so at the same time, one
    /// succeeds. Throws `DurableFileError.alreadyExists`, or as `write(to:_:)`.
    ///
    /// On a file system without hard links the last one succeeds instead, and nobody gets an error.
    public static func create(_ path: FilePath, _ body: (inout FileWriter) throws -> Void) throws {
        // The file has its whole content before it gets its name.
        let directory = path.containingDirectory
        let draft = directory.appending(TemporaryName.make().text)
        defer { draft.withPlatformString { _ = unlink($0) } }
        try write(to: draft, body)
        let code = draft.withPlatformString { draft in
            path.withPlatformString { link(draft, $0) == 0 ? 0 : errno }
        }
        switch code {
        case 0: break
        case EEXIST: throw DurableFileError.alreadyExists(path: path)
        case EPERM, ENOTSUP, ENOSYS, EMLINK, EINVAL: try rename(draft, to: path)
        default: throw DurableFileError.failed(operation: "create", path: path, code: code)
        }
        try synchroniseDirectory(directory)
    }
}
