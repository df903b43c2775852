import SystemPackage

/// A file in a tar archive, and where its bytes are.
struct TarEntry: Equatable {
    /// Path in the archive, without "./" in front.
    let name: String
    /// Place of the first byte, from the start of the file the archive is in.
    let offset: Int
    let byteCount: Int

    /// The last component of `name`.
    var fileName: String { String(name.split(separator: "/").last ?? "") }
}

/// Goes through the headers of a tar archive without reading what is between them, so that its files can be read in place.
///
/// POSIX ustar and pax and the GNU format are read; check sums are verified, and sizes that reach beyond the archive, or an
/// archive without its end mark, are errors: it has been cut short. Compressed archives are not archives that can be read
/// in place.
struct TarReader {
    /// The file that holds the archive, for messages.
    let path: FilePath
    private let file: OpenFile
    /// The end of the archive in its file.
    private let end: Int
    private var offset: Int
    private var entryCount = 0

    /// The most entries of one archive.
    static let entryLimit = 1 << 24
    /// The longest name, and the longest attributes of one entry.
    static let attributeByteLimit = 1 << 16

    /// An archive that is a file of its own, or the part `range` of one.
    init(_ file: OpenFile, range: Range<Int>? = nil) {
        self.file = file
        path = file.path
        offset = range?.lowerBound ?? 0
        end = range?.upperBound ?? file.byteCount
    }

    private func failure(_ reason: String, at offset: Int) -> DatasetError {
        .malformed(path: path, place: "the entry at byte \(offset)", reason: reason)
    }

    /// The next regular file; nil at the end.
    /// - Throws: `DatasetError.malformed`, `.unreadable`.
    mutating func next() throws -> TarEntry? {
        var longName: String?
        var attributes: [String: String] = [:]
        while true {
            let start = offset
            guard end - offset >= TarHeader.blockByteCount else {
                throw failure("the archive ends here without its end mark: it has been cut short", at: start)
            }
            let header: TarHeader?
            do {
                header = try TarHeader(file.read(from: offset, byteCount: TarHeader.blockByteCount))
            } catch let problem as TarHeader.Problem {
                throw failure(problem.reason, at: start)
            }
            guard let header else { return nil }
            entryCount += 1
            guard entryCount <= Self.entryLimit else { throw failure("the archive has too many entries", at: start) }
            offset += TarHeader.blockByteCount
            var byteCount = header.byteCount
            if header.kind == .file, let size = attributes["size"] {
                guard let value = Int(size), (0...1 << 50).contains(value) else {
                    throw failure("its size is \"\(size)\"", at: start)
                }
                byteCount = value
            }
            // Of links and devices only the header is there, whatever size it states.
            let stored = header.kind == .other ? 0 : byteCount
            let padded = (stored + TarHeader.blockByteCount - 1) / TarHeader.blockByteCount * TarHeader.blockByteCount
            guard stored <= end - offset, padded <= end - offset || stored == end - offset else {
                throw failure(
                    "it states \(byteCount) bytes, but the archive ends \(end - offset) bytes behind its header: it has been "
                        + "cut short, or the size is wrong", at: start)
            }
            let content = offset
            offset += min(padded, end - offset)
            switch header.kind {
            case .longName:
                longName = try text(content, byteCount, start)
            case .longLink, .globalAttributes:
                continue
            case .attributes:
                attributes = try self.attributes(content, byteCount, start)
                if attributes.keys.contains(where: { $0.hasPrefix("GNU.sparse") }) {
                    throw failure("it is a sparse file, which is not read in place", at: start)
                }
            case .other:
                (longName, attributes) = (nil, [:])
            case .file:
                let name = attributes["path"] ?? longName ?? header.name
                return TarEntry(name: try checked(name, start), offset: content, byteCount: byteCount)
            }
        }
    }

    /// The content of an entry that describes the next one, up to a zero byte.
    private func text(_ offset: Int, _ byteCount: Int, _ start: Int) throws -> String {
        guard byteCount <= Self.attributeByteLimit else { throw failure("its name is far too long", at: start) }
        let bytes = try file.read(from: offset, byteCount: byteCount)
        guard let text = String(validating: bytes.prefix { $0 != 0 }, as: UTF8.self) else {
            throw failure("its name is not UTF-8", at: start)
        }
        return text
    }

    /// The records "LENGTH KEY=VALUE\n" of pax.
    private func attributes(_ offset: Int, _ byteCount: Int, _ start: Int) throws -> [String: String] {
        guard byteCount <= Self.attributeByteLimit else { throw failure("its attributes are far too long", at: start) }
        var rest = try file.read(from: offset, byteCount: byteCount)[...]
        var result: [String: String] = [:]
        while let first = rest.first, first != 0 {
            let digits = rest.prefix { $0 != UInt8(ascii: " ") }
            guard let length = Int(String(decoding: digits, as: UTF8.self)), length > digits.count + 1,
                length <= rest.count, rest[rest.startIndex + length - 1] == UInt8(ascii: "\n")
            else { throw failure("its pax attributes are damaged", at: start) }
            let record = rest.prefix(length).dropFirst(digits.count + 1).dropLast()
            rest = rest.dropFirst(length)
            guard let equals = record.firstIndex(of: UInt8(ascii: "=")) else {
                throw failure("its pax attributes are damaged", at: start)
            }
            let key = String(decoding: record[..<equals], as: UTF8.self)
            // Other attributes (owners, times, ACLs) may hold anything.
            guard key == "path" || key == "size" || key.hasPrefix("GNU.sparse") else { continue }
            guard let value = String(validating: record[(equals + 1)...], as: UTF8.self) else {
                throw failure("its name is not UTF-8", at: start)
            }
            result[key] = value
        }
        return result
    }

    /// The name without "./" in front, refused if it leads out of the archive.
    private func checked(_ name: String, _ start: Int) throws -> String {
        var name = name[...]
        while name.hasPrefix("./") { name = name.dropFirst(2) }
        guard SafePath.isSafe(name) else { throw failure("its name is \"\(name)\"", at: start) }
        return String(name)
    }
}
