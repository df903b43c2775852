import DurableFiles
import Foundation
import SystemPackage

/// What may happen to a file under a running program.
enum FileChange: CaseIterable {
    /// Other bytes at a place, in the file as it is.
    case overwrittenInPlace
    /// The same, and the time of the last write set back.
    case overwrittenWithItsTime
    case cutShort
    case emptied
    /// Another file of that name, of the same length.
    case replaced
    case removed

    /// Does it to the byte at `place` of the file at `path`.
    func apply(to path: FilePath, at place: Int) throws {
        let file = URL(fileURLWithPath: path.string)
        switch self {
        case .overwrittenInPlace, .overwrittenWithItsTime:
            let time = try FileManager.default.attributesOfItem(atPath: path.string)[.modificationDate]
            try overwrite(file, at: place)
            if self == .overwrittenWithItsTime {
                try FileManager.default.setAttributes([.modificationDate: time!], ofItemAtPath: path.string)
            }
        case .cutShort: try truncate(file, to: place)
        case .emptied: try truncate(file, to: 0)
        case .replaced:
            var bytes = try DurableFile.read(path)
            bytes[place] ^= 1
            try DurableFile.write(bytes, to: path)
        case .removed: try FileManager.default.removeItem(at: file)
        }
    }

    private func overwrite(_ file: URL, at place: Int) throws {
        let handle = try FileHandle(forUpdating: file)
        defer { try? handle.close() }
        try handle.seek(toOffset: UInt64(place))
        let byte = try handle.read(upToCount: 1)!.first!
        try handle.seek(toOffset: UInt64(place))
        try handle.write(contentsOf: Data([byte ^ 1]))
    }

    private func truncate(_ file: URL, to byteCount: Int) throws {
        let handle = try FileHandle(forUpdating: file)
        defer { try? handle.close() }
        try handle.truncate(atOffset: UInt64(byteCount))
    }
}
