import CZlib
import DurableFiles
import Foundation
import SystemPackage

/// A few files of a small .tar.gz, in a temporary folder that goes away with this.
///
/// Compressed archives cannot be read in place; those of images are not compressed.
final class UnpackedFiles: Sendable {
    /// Called as the archive, so that messages that name a file in it say where it comes from.
    let folder: FilePath
    private let temporary: FilePath

    /// The most bytes that an archive may unpack to, unless its reader says more.
    static let byteLimit = 64 << 20

    /// Unpacks the files called `names`, in whatever folders of the archive they are; of two of the same name the first.
    /// - Throws: `DatasetError.malformed` for a damaged archive, `.unreadable`, `DurableFileError`.
    init(_ names: Set<String>, of archive: FilePath, byteLimit: Int = byteLimit) throws {
        temporary = FilePath(NSTemporaryDirectory()).appending("infodisent-\(UUID().uuidString)")
        folder = temporary.appending(archive.lastComponent!.string)
        try DurableFile.createDirectory(folder)
        let plain = temporary.appending("plain.tar")
        do {
            try DurableFile.write(Self.inflate(archive, byteLimit), to: plain)
            try unpack(names, of: plain)
        } catch DatasetError.malformed(plain, let place, let reason) {
            remove()
            throw DatasetError.malformed(path: archive, place: place, reason: reason)
        } catch {
            remove()
            throw error
        }
    }

    deinit { remove() }

    private func remove() { try? FileManager.default.removeItem(atPath: temporary.string) }

    private func unpack(_ names: Set<String>, of plain: FilePath) throws {
        let file = try OpenFile(plain)
        var reader = TarReader(file)
        var missing = names
        while !missing.isEmpty, let entry = try reader.next() {
            guard let name = missing.remove(entry.fileName) else { continue }
            try DurableFile.write(file.read(from: entry.offset, byteCount: entry.byteCount), to: folder.appending(name))
        }
    }

    /// What a file compressed by gzip holds.
    private static func inflate(_ archive: FilePath, _ byteLimit: Int) throws -> [UInt8] {
        guard let file = gzopen(archive.string, "rb") else {
            throw DatasetError.unreadable(path: archive, reason: "\(Errno(rawValue: errno))")
        }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        var count: Int32 = 0
        repeat {
            count = gzread(file, &piece, UInt32(piece.count))
            bytes += piece[..<max(0, Int(count))]
        } while count > 0 && bytes.count <= byteLimit
        var code: Int32 = 0
        _ = gzerror(file, &code)
        let problem = Errno(rawValue: errno)
        // An archive that has been cut short shows here.
        let isWhole = gzclose_r(file) == Z_OK && count == 0
        guard bytes.count <= byteLimit else {
            throw DatasetError.malformed(
                path: archive, place: nil, reason: "it unpacks to more than \(byteLimit >> 20) MiB, expected less")
        }
        guard code != Z_ERRNO else { throw DatasetError.unreadable(path: archive, reason: "\(problem)") }
        guard isWhole else {
            throw DatasetError.malformed(
                path: archive, place: nil, reason: "it is damaged or has been cut short: fetch it again")
        }
        return bytes
    }
}
