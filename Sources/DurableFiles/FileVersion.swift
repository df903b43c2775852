import Glibc
public import SystemPackage

/// What tells one state of a file from another without reading it: which file it is, how long, and when it was last written to.
///
/// A write, a truncation and a replacement under the same name give another version. So do some things that leave the content
/// alone (a hard link, other permissions), so that a difference is a reason to look again, not a proof of a change.
public struct FileVersion: Equatable, Sendable {
    private let device: UInt64
    private let inode: UInt64
    public let byteCount: Int
    /// Of the last write, in nanoseconds since 1970.
    private let writeTime: Int64
    /// Of the last change of anything about the file.
    private let changeTime: Int64

    /// Of the file that is at `path` now. Throws `DurableFileError`.
    public init(ofFileAt path: FilePath) throws {
        self.init(try status(of: path))
    }

    init(_ status: stat) {
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        byteCount = Int(status.st_size)
        writeTime = Self.nanoseconds(status.st_mtim)
        changeTime = Self.nanoseconds(status.st_ctim)
    }

    /// Whether a further write must give another version. Times of files go on in steps of some milliseconds: a file that was
    /// written to a moment ago may be written to once more in the same step.
    public var isSettled: Bool {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let age = Self.nanoseconds(now) - max(writeTime, changeTime)
        // A time that lies far ahead is that of another clock, and as good as one far back.
        return abs(age) > Self.timeStep
    }

    /// Longer than the step of the time of any file system in use (2 s on FAT).
    private static let timeStep: Int64 = 2_000_000_000

    private static func nanoseconds(_ time: timespec) -> Int64 {
        Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }
}
