import DurableFiles
import SystemPackage

/// A text file of annotations, one record a line, its fields divided by blanks.
///
/// Lines may end as on Windows; empty lines are passed over. The file is read at once, up to `byteLimit`.
struct AnnotationText {
    let path: FilePath
    private let text: String

    /// The largest file that is read. The largest official one, the clicks on the parts of CUB, has 40 MB.
    static let byteLimit = 128 << 20

    /// - Throws: `DatasetError.malformed` if the file is too large or not UTF-8, `DurableFileError` if it cannot be read.
    init(_ path: FilePath) throws {
        self.path = path
        let byteCount = try DurableFile.byteCount(of: path)
        guard byteCount <= Self.byteLimit else {
            throw DatasetError.malformed(
                path: path, place: nil, reason: "it has \(byteCount) bytes, more than any text of annotations")
        }
        guard let text = String(validating: try DurableFile.read(path), as: UTF8.self) else {
            throw DatasetError.malformed(path: path, place: nil, reason: "it is not UTF-8 text")
        }
        self.text = text
    }

    /// One line of the file.
    struct Record {
        let path: FilePath
        /// From 1.
        let line: Int
        let fields: [Substring]

        /// Field `index` as an integer. Throws `DatasetError.malformed`.
        func integer(_ index: Int, _ name: String) throws -> Int {
            guard let value = Int(fields[index]) else {
                throw failure("the \(name) is \"\(fields[index])\", not an integer")
            }
            return value
        }

        /// Field `index` as a finite number. Throws `DatasetError.malformed`.
        func number(_ index: Int, _ name: String) throws -> Double {
            guard let value = Double(fields[index]), value.isFinite else {
                throw failure("the \(name) is \"\(fields[index])\", not a number")
            }
            return value
        }

        func failure(_ reason: String) -> DatasetError {
            .malformed(path: path, place: "line \(line)", reason: reason)
        }
    }

    /// Hands over the records in order; each has exactly `fieldCount` fields, the last of which may hold blanks.
    /// - Throws: `DatasetError.malformed` for a line with fewer fields, or what `body` throws.
    func forEachRecord(fieldCount: Int, _ body: (Record) throws -> Void) throws {
        var number = 0
        for line in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            number += 1
            let fields = Self.fields(of: line, count: fieldCount)
            if fields.isEmpty { continue }
            let record = Record(path: path, line: number, fields: fields)
            guard fields.count == fieldCount else {
                throw record.failure("it has \(fields.count) fields, expected \(fieldCount)")
            }
            try body(record)
        }
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }

    /// Up to `count` fields of a line; the last takes the rest of it.
    private static func fields(of line: Substring.UTF8View, count: Int) -> [Substring] {
        var rest = line
        while let last = rest.last, isBlank(last) { rest = rest.dropLast() }
        var fields: [Substring] = []
        fields.reserveCapacity(count)
        while true {
            rest = rest.drop(while: isBlank)
            if rest.isEmpty { return fields }
            guard fields.count < count - 1 else { return fields + [Substring(rest)] }
            let field = rest.prefix { !isBlank($0) }
            fields.append(Substring(field))
            rest = rest[field.endIndex...]
        }
    }
}
