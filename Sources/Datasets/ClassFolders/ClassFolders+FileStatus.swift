import Glibc
import SystemPackage

/// What the system says about a path, links followed.
struct FileStatus {
    enum Kind {
        case folder
        case file
        case other
    }

    /// Tells whether two paths lead to the same thing.
    struct Identity: Equatable {
        let device: UInt64
        let inode: UInt64
    }

    let kind: Kind
    let byteCount: Int
    /// When its bytes last changed: nanoseconds of the system's clock, wrapped around for times beyond all reason.
    let timeOfChange: Int
    let identity: Identity

    /// - Throws: `DatasetError.unreadable`.
    init(of path: FilePath) throws {
        var status = stat()
        guard path.withPlatformString({ stat($0, &status) }) == 0 else {
            throw DatasetError.unreadable(path: path, reason: "\(Errno(rawValue: errno))")
        }
        kind =
            switch status.st_mode & S_IFMT {
            case S_IFDIR: .folder
            case S_IFREG: .file
            default: .other
            }
        byteCount = Int(status.st_size)
        timeOfChange = status.st_mtim.tv_sec &* 1_000_000_000 &+ status.st_mtim.tv_nsec
        identity = Identity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    }
}
