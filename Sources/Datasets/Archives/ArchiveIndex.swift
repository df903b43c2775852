import DurableFiles
import SystemPackage

/// What is in a tar archive and where, kept in a file of a folder of its own: the headers of a million images lie all over a
/// disk, and need not be read again by the next process.
///
/// An index is for one file of one size and time of change. One that is for another, is damaged, or cannot be written costs
/// nothing but the time to read the headers.
struct ArchiveIndex: Equatable {
    /// Files of an archive, or of one that lies in it.
    struct Section: Equatable {
        /// Of the inner archive; empty for the archive itself.
        let name: String
        let entries: [Entry]
    }

    struct Entry: Equatable {
        let file: TarEntry
        /// What the file holds, where the reader of the layout asks for it; empty otherwise.
        let content: [UInt8]

        init(_ file: TarEntry, content: [UInt8] = []) {
            self.file = file
            self.content = content
        }
    }

    let sections: [Section]

    /// The sections of `archive`: from the index in `folder` if there is one that holds, otherwise those that `read` finds,
    /// which are kept there.
    ///
    /// - Parameters:
    ///   - folder: nil to keep nothing.
    ///   - reader: what reads it, for archives of which several readers keep other things.
    /// - Throws: `DatasetError`.
    static func sections(
        of archive: FilePath, reader: String, keptIn folder: FilePath?, _ read: (OpenFile) throws -> [Section]
    ) throws -> [Section] {
        let file = try OpenFile(archive)
        guard let folder else { return try read(file) }
        let state = "\(version)\0\(reader)\0\(archive)\0\(file.inode)\0\(file.byteCount)\0\(file.timeOfChange)"
        let path = folder.appending("\("\(ContentDigest(of: "\(reader)\0\(archive)"))".prefix(24)).index")
        func kept() -> ArchiveIndex? { (try? DurableFile.read(path)).flatMap { ArchiveIndex($0, state: state) } }
        if let index = kept() { return index.sections }
        let index = ArchiveIndex(sections: try read(file))
        // Another rank may have been quicker.
        if kept() == nil {
            try? DurableFile.createDirectory(folder)
            _ = try? DurableFile.removeStaleTemporaries(in: folder)
            try? DurableFile.write(index.bytes(state: state), to: path)
        }
        return index.sections
    }

    /// To be raised when the file's form changes, or what a reader leaves out or keeps.
    private static let version = 2
}

// MARK: - The file

// The SHA-256 of the rest (32 bytes); then, every integer in 8 bytes with the lowest first and every text behind its length:
// the state of the archive; the number of sections; each section's name, number of entries, and entries: name, offset,
// number of bytes, content.

extension ArchiveIndex {
    private static let digestByteCount = 32

    func bytes(state: String) -> [UInt8] {
        var body: [UInt8] = []
        func append(_ value: Int) { withUnsafeBytes(of: Int64(value).littleEndian) { body.append(contentsOf: $0) } }
        func append(_ text: some Collection<UInt8>) {
            append(text.count)
            body.append(contentsOf: text)
        }
        append(state.utf8)
        append(sections.count)
        for section in sections {
            append(section.name.utf8)
            append(section.entries.count)
            for entry in section.entries {
                append(entry.file.name.utf8)
                append(entry.file.offset)
                append(entry.file.byteCount)
                append(entry.content)
            }
        }
        var hasher = ContentHasher()
        hasher.update(body)
        return hasher.finalizeBytes() + body
    }

    /// Nil if it is damaged or for another state of the archive.
    init?(_ bytes: [UInt8], state: String) {
        guard bytes.count > Self.digestByteCount else { return nil }
        var hasher = ContentHasher()
        bytes.withUnsafeBytes { hasher.update(UnsafeRawBufferPointer(rebasing: $0[Self.digestByteCount...])) }
        guard hasher.finalizeBytes() == Array(bytes[..<Self.digestByteCount]) else { return nil }
        var reader = IndexReader(bytes: bytes, position: Self.digestByteCount)
        guard let found = reader.text(), found == state, let sectionCount = reader.count() else { return nil }
        var sections: [Section] = []
        for _ in 0..<sectionCount {
            guard let name = reader.text(), let entryCount = reader.count() else { return nil }
            var entries: [Entry] = []
            entries.reserveCapacity(entryCount)
            for _ in 0..<entryCount {
                guard let name = reader.text(), let offset = reader.integer(), let byteCount = reader.integer(),
                    let content = reader.slice()
                else { return nil }
                entries.append(
                    Entry(TarEntry(name: name, offset: offset, byteCount: byteCount), content: Array(content)))
            }
            sections.append(Section(name: name, entries: entries))
        }
        self.sections = sections
    }
}

private struct IndexReader {
    let bytes: [UInt8]
    var position: Int

    mutating func integer() -> Int? {
        guard bytes.count - position >= 8 else { return nil }
        defer { position += 8 }
        return bytes.withUnsafeBytes {
            Int(Int64(littleEndian: $0.loadUnaligned(fromByteOffset: position, as: Int64.self)))
        }
    }

    /// A number of things that take at least a byte each.
    mutating func count() -> Int? {
        integer().flatMap { 0 <= $0 && $0 <= bytes.count - position ? $0 : nil }
    }

    mutating func slice() -> ArraySlice<UInt8>? {
        guard let count = count() else { return nil }
        defer { position += count }
        return bytes[position..<position + count]
    }

    mutating func text() -> String? { slice().flatMap { String(validating: $0, as: UTF8.self) } }
}
