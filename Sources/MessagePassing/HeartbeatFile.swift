import Glibc
import SystemPackage

/// The file by which a run tells a guard outside (Launch/run) that it lives, and how it ends.
///
/// Its time of change is that of the last sign of life. Its content is one line for each thing to be said, after a first
/// line by which the file is known for what it is; an empty file will do too.
struct HeartbeatFile: Sendable {
    let path: FilePath

    /// How the first line of a heartbeat file begins.
    static let header = "infodisent heartbeat"

    /// What is said in it.
    enum Line {
        /// A wish to stop has been heard.
        case stopping
        /// All ranks have come to their end, with this exit code; what follows can change nothing.
        case ended(code: Int32)
        /// The watchdog ends the run, for this reason.
        case givenUp(reason: String)

        var text: String {
            switch self {
            case .stopping: "stopping\n"
            case .ended(let code): "ended \(code)\n"
            case .givenUp(let reason): "given up: \(reason)\n"
            }
        }
    }

    /// Checks that the path is free, or that of a heartbeat file: nothing else is written to.
    /// - Throws: `MessagePassingError.notAHeartbeatFile`.
    func requireUsable() throws {
        let descriptor = path.withPlatformString { open($0, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC) }
        guard descriptor >= 0 else {
            if errno == ENOENT { return }
            throw MessagePassingError.notAHeartbeatFile(path: path, problem: "\(Errno(rawValue: errno))")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw MessagePassingError.notAHeartbeatFile(path: path, problem: "it is not a file")
        }
        var start = [UInt8](repeating: 0, count: Self.header.utf8.count)
        let count = read(descriptor, &start, start.count)
        guard count == 0 || start == Array(Self.header.utf8) else {
            throw MessagePassingError.notAHeartbeatFile(path: path, problem: "it is a file of something else")
        }
    }

    /// Makes the file if nobody has.
    func create() {
        let descriptor = path.withPlatformString {
            open($0, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o644)
        }
        if descriptor >= 0 { close(descriptor) }
    }

    /// Gives a sign of life. A file that is gone is not made again: the guard that removed it looks at another.
    func touch() {
        _ = path.withPlatformString { utimensat(AT_FDCWD, $0, nil, AT_SYMLINK_NOFOLLOW) }
    }

    func say(_ line: Line) {
        let descriptor = path.withPlatformString {
            open($0, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC)
        }
        guard descriptor >= 0 else { return }
        _ = line.text.utf8CString.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count - 1) }
        close(descriptor)
    }
}
