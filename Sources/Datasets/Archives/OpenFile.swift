import Glibc
import SystemPackage

/// A file that is open for reading here and there, from several threads at a time.
final class OpenFile: Sendable {
    let path: FilePath
    let byteCount: Int
    /// See `FileStatus`.
    let timeOfChange: Int
    /// The file system's number of the file, which the next one of that name does not have.
    let inode: UInt64
    private let descriptor: FileDescriptor

    /// - Throws: `DatasetError.unreadable`.
    init(_ path: FilePath) throws {
        self.path = path
        let status = try FileStatus(of: path)
        (byteCount, timeOfChange, inode) = (status.byteCount, status.timeOfChange, status.identity.inode)
        do {
            descriptor = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
        } catch let error as Errno {
            throw DatasetError.unreadable(path: path, reason: "\(error)")
        }
        // Headers are small and far apart: what lies between them is not to be read ahead.
        _ = posix_fadvise(descriptor.rawValue, 0, 0, POSIX_FADV_RANDOM)
    }

    deinit { try? descriptor.close() }

    /// `byteCount` bytes from `offset` on, which must be in the file.
    /// - Throws: `DatasetError.unreadable`, `.malformed` if the file has become shorter.
    func read(from offset: Int, byteCount: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, filled in
            while filled < byteCount {
                let rest = UnsafeMutableRawBufferPointer(
                    UnsafeMutableBufferPointer(rebasing: buffer[filled..<byteCount]))
                let count: Int
                do {
                    count = try descriptor.read(fromAbsoluteOffset: Int64(offset + filled), into: rest)
                } catch let error as Errno {
                    throw DatasetError.unreadable(path: path, reason: "\(error)")
                }
                guard count > 0 else {
                    throw DatasetError.malformed(
                        path: path, place: nil, reason: "it has become shorter while it was read")
                }
                filled += count
            }
        }
    }
}
