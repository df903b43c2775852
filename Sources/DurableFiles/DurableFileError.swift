import Glibc
public import SystemPackage

/// What can go wrong with a file or a folder.
public enum DurableFileError: Error, Equatable, Sendable {
    /// Nothing is there.
    case missing(path: FilePath)
    /// A file was expected and a folder (or a device, a socket...) is there.
    case notAFile(path: FilePath)
    /// A folder was expected and something else is there.
    case notADirectory(path: FilePath)
    /// The name is taken and must not be replaced.
    case alreadyExists(path: FilePath)
    /// The file ends before bytes that were in it before.
    case shorter(path: FilePath, byteCount: Int, expected: Int)
    /// A folder belongs to another process (`FolderClaim`), which is alive; `by` says which, where that is known.
    case claimed(path: FilePath, by: String?)
    /// A folder belonged to this process, which gave no sign of life for so long that another took it over.
    case claimLost(path: FilePath, to: String?)
    /// The system refused; `code` is its errno, `operation` a verb such as "write".
    case failed(operation: String, path: FilePath, code: Int32)

    /// The exit code (sysexits) of a program that ends with this error: 66 for a missing input, 65 for one that was cut short,
    /// 75 for work that another process goes on with, 78 for a folder that another process uses, else 74.
    public var exitCode: Int32 {
        switch self {
        case .missing, .notAFile, .notADirectory: 66
        case .shorter: 65
        case .alreadyExists, .failed: 74
        case .claimLost: 75
        case .claimed: 78
        }
    }
}

extension DurableFileError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .missing(let path):
            "\(path) does not exist; check the path."
        case .notAFile(let path):
            "\(path) is not a regular file; give the path of a file."
        case .notADirectory(let path):
            "\(path) is not a folder; give the path of a folder."
        case .alreadyExists(let path):
            "\(path) exists already and is not replaced; remove it or choose another name."
        case .shorter(let path, let byteCount, let expected):
            "\(path) has \(byteCount) bytes, but \(expected) are needed; it has been cut short: fetch it again."
        case .claimed(let path, let holder):
            "\(path) is used by \(holder ?? "another process"), which is alive; wait for it to end, or use another folder."
        case .claimLost(let path, let holder):
            "\(path) was taken over by \(holder ?? "another process"), because this process gave no sign of life there "
                + "(it was stopped, or its host or disk hung). What it had written is not lost; the other goes on from it."
        case .failed(let operation, let path, let code):
            "cannot \(operation) \(path): \(Errno(rawValue: code)) (errno \(code)).\(Self.advice(code))"
        }
    }

    /// What the user can do about an errno, with a leading space; empty where there is nothing better than the text.
    private static func advice(_ code: Int32) -> String {
        switch code {
        case ENOSPC: " The disk is full: free some space, or write to another disk, and run the command again."
        case EDQUOT: " Your disk quota is used up: free some space, or write elsewhere, and run the command again."
        case EACCES, EPERM: " Check who owns it and its permissions."
        case EROFS: " The file system is mounted read-only: write to another one."
        case EMFILE, ENFILE: " Too many files are open: raise the limit (ulimit -n)."
        case ENOMEM: " Memory or address space is used up: raise the limit (ulimit -v), or use fewer threads."
        case ELOOP: " It is a symbolic link, which is not followed here: remove it."
        case EIO: " The disk or the network file system reports a fault: look into the system log."
        default: ""
        }
    }
}
