import Foundation
import Glibc
import SystemPackage
import Testing

/// How often files below a folder are opened for reading, as the system tells it.
final class OpenedFiles {
    private let descriptor: CInt
    private var folders: [CInt: String] = [:]

    /// Watches a folder and those in it.
    init(below root: FilePath) throws {
        descriptor = inotify_init1(CInt(IN_NONBLOCK | IN_CLOEXEC))
        try #require(descriptor >= 0)
        let inside = FileManager.default.enumerator(atPath: root.string)
        var names = [""]
        while let name = inside?.nextObject() as? String { names.append(name) }
        for name in names {
            let path = root.string + "/" + name
            var isDirectory: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), isDirectory.boolValue else {
                continue
            }
            // With both, two openings one after the other are two messages: equal ones that follow each other become one.
            let watch = inotify_add_watch(descriptor, path, UInt32(IN_OPEN | IN_CLOSE_NOWRITE))
            try #require(watch >= 0)
            folders[watch] = name.isEmpty ? "" : name + "/"
        }
    }

    deinit { close(descriptor) }

    /// Openings so far by path below the folder. Told once.
    func counts() -> [String: Int] {
        var counts: [String: Int] = [:]
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { return counts }
            buffer.withUnsafeBytes { bytes in
                var offset = 0
                while offset < count {
                    // struct inotify_event: wd, mask, cookie, len, name.
                    let watch = bytes.loadUnaligned(fromByteOffset: offset, as: CInt.self)
                    let mask = bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self)
                    let length = Int(bytes.loadUnaligned(fromByteOffset: offset + 12, as: UInt32.self))
                    let name = String(
                        decoding: bytes[offset + 16..<offset + 16 + length].prefix { $0 != 0 }, as: UTF8.self)
                    if mask & UInt32(IN_OPEN) != 0, mask & UInt32(IN_ISDIR) == 0, let folder = folders[watch] {
                        counts[folder + name, default: 0] += 1
                    }
                    offset += 16 + length
                }
            }
        }
    }
}
