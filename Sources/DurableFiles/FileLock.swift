import Glibc
import Synchronization
import SystemPackage

/// A file that one process at a time can lock. The system releases the lock when the process ends, however it ends.
///
/// Not every file system has locks: Lustre may be mounted without flock, NFS may have no lock service. Then the result of
/// `attempt()` is `.unavailable`, and something else must keep others out.
final class FileLock: Sendable {
    enum State: Equatable {
        /// This process holds it.
        case held
        /// Another process holds it.
        case busy
        /// The file system has no such locks; the last reason it gave.
        case unavailable(code: Int32)
    }

    /// Tries to lock the open file with the given descriptor; returns 0 or an errno.
    typealias Method = @Sendable (_ descriptor: Int32) -> Int32

    /// A lock of the whole file, and one of its bytes, for file systems that know the second only.
    static let systemMethods: [Method] = [
        { flock($0, LOCK_EX | LOCK_NB) == 0 ? 0 : errno },
        { descriptor in
            // Of the open file, not of the process, which would lose it with any descriptor of the file that it closes.
            var range = Glibc.flock()
            range.l_type = Int16(F_WRLCK)
            range.l_whence = Int16(SEEK_SET)
            return fcntl(descriptor, setOpenFileLock, &range) == 0 ? 0 : errno
        },
    ]

    /// F_OFD_SETLK, which glibc's header shows to GNU programs only.
    private static let setOpenFileLock: Int32 = 37

    private let path: FilePath
    private let descriptor: Mutex<Int32>
    private let methods: [Method]

    /// Opens the file, or makes it. Throws `DurableFileError`; a symbolic link of that name is not followed.
    init(_ path: FilePath, methods: [Method] = systemMethods) throws {
        self.path = path
        self.methods = methods
        descriptor = Mutex(try openRegularFile(path, O_RDWR | O_CREAT | O_NOFOLLOW).descriptor)
    }

    deinit { release() }

    /// Gives the lock up; it cannot be taken again.
    func release() {
        descriptor.withLock { descriptor in
            if descriptor >= 0 { close(descriptor) }
            descriptor = -1
        }
    }

    /// Takes the lock if it is free; may be repeated.
    /// - Throws: `DurableFileError.failed` for an error that is not about another process, nor about locks being unknown.
    func attempt() throws -> State {
        let descriptor = descriptor.withLock { $0 }
        var lastCode = ENOLCK
        for method in methods {
            var code = method(descriptor)
            while code == EINTR { code = method(descriptor) }
            switch code {
            case 0: return .held
            case EWOULDBLOCK, EACCES: return .busy
            case ENOLCK, ENOSYS, EOPNOTSUPP, EINVAL, ENOTTY, EPERM: lastCode = code
            default: throw DurableFileError.failed(operation: "lock", path: path, code: code)
            }
        }
        return .unavailable(code: lastCode)
    }
}
