import DurableFiles
import SystemPackage

/// A table of comma-separated values as RFC 4180 has them: fields in double quotes may hold commas, line breaks and doubled
/// quotes, lines end with CR LF or LF, the first line names the columns. A byte-order mark is passed over. Where a reader asks
/// for it, a semicolon or a tab may stand in the place of the comma.
///
/// Rows are handed over one at a time.
struct CommaSeparatedValues {
    let path: FilePath
    /// The names of the columns.
    let columns: [String]
    private let bytes: [UInt8]
    private let delimiter: UInt8
    private let start: Int
    private let startLine: Int

    /// The largest file that is read: ten times the largest there is, the boxes of ImageNet's training images.
    static let byteLimit = 1 << 29
    /// The longest field.
    static let fieldLimit = 1 << 16

    /// What may stand between fields in lists that people make: spreadsheets write semicolons where the comma is decimal.
    static let usualDelimiters = Array(",;\t".utf8)

    /// Reads the file and the names of its columns.
    ///
    /// - Parameters:
    ///   - delimiters: what may stand between fields. The first that gives columns which `fits` is taken, else the one that gives
    ///     the most.
    /// - Throws: `DatasetError.malformed`, `DurableFileError`.
    init(
        _ path: FilePath, delimiters: [UInt8] = [UInt8(ascii: ",")], fits: ([String]) -> Bool = { _ in true }
    ) throws {
        let byteCount = try DurableFile.byteCount(of: path)
        guard byteCount <= Self.byteLimit else {
            throw DatasetError.malformed(
                path: path, place: nil, reason: "it has \(byteCount) bytes, more than any list of images")
        }
        let bytes = try DurableFile.read(path)
        let others = delimiters.dropFirst().compactMap { try? Self(bytes, path: path, delimiter: $0) }
        // What is wrong with the usual form is what there is to say if no other fits.
        let tables = (try? Self(bytes, path: path, delimiter: delimiters[0])).map { [$0] + others } ?? others
        let fitting = tables.first { fits($0.columns) }
        let widest = tables.max { $0.columns.count < $1.columns.count }
        if let table = fitting ?? widest, fitting != nil || table.columns.count > 1 {
            self = table
        } else {
            try self.init(bytes, path: path, delimiter: delimiters[0])
        }
    }

    /// The table in `bytes`; `path` is for messages.
    private init(_ bytes: [UInt8], path: FilePath, delimiter: UInt8) throws {
        self.path = path
        self.bytes = bytes
        self.delimiter = delimiter
        var cursor = Cursor(bytes: bytes, path: path, delimiter: delimiter)
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { cursor.offset = 3 }
        guard let header = try cursor.row() else {
            throw DatasetError.malformed(
                path: path, place: nil, reason: "it is empty, expected a line that names columns")
        }
        guard Set(header).count == header.count else {
            throw DatasetError.malformed(path: path, place: "line 1", reason: "two columns have the same name")
        }
        columns = header
        start = cursor.offset
        startLine = cursor.line
    }

    /// Hands over the rows below the header with the line they start on; empty lines are passed over.
    /// - Throws: `DatasetError.malformed`, or what `body` throws.
    func forEachRow(_ body: (_ line: Int, _ fields: [String]) throws -> Void) throws {
        var cursor = Cursor(bytes: bytes, path: path, delimiter: delimiter)
        cursor.offset = start
        cursor.line = startLine
        while true {
            let line = cursor.line
            guard let fields = try cursor.row() else { return }
            if fields == [""] { continue }
            guard fields.count == columns.count else {
                throw DatasetError.malformed(
                    path: path, place: "line \(line)",
                    reason: "it has \(fields.count) fields, but the first line names \(columns.count) columns")
            }
            try body(line, fields)
        }
    }

    private struct Cursor {
        let bytes: [UInt8]
        let path: FilePath
        let delimiter: UInt8
        var offset = 0
        var line = 1

        init(bytes: [UInt8], path: FilePath, delimiter: UInt8) {
            self.bytes = bytes
            self.path = path
            self.delimiter = delimiter
        }

        private func failure(_ reason: String) -> DatasetError {
            .malformed(path: path, place: "line \(line)", reason: reason)
        }

        /// The fields of the next row; nil at the end.
        mutating func row() throws -> [String]? {
            guard offset < bytes.count else { return nil }
            var fields: [String] = []
            while true {
                fields.append(try field())
                guard offset < bytes.count else { return fields }
                switch bytes[offset] {
                case delimiter:
                    offset += 1
                    // A comma at the very end is followed by an empty field.
                    if offset == bytes.count { return fields + [""] }
                case UInt8(ascii: "\r") where offset + 1 < bytes.count && bytes[offset + 1] == UInt8(ascii: "\n"):
                    offset += 2
                    line += 1
                    return fields
                case UInt8(ascii: "\n"):
                    offset += 1
                    line += 1
                    return fields
                default: throw failure("there is text behind the closing quote of a field")
                }
            }
        }

        private mutating func field() throws -> String {
            var content: [UInt8] = []
            if bytes[offset] == UInt8(ascii: "\"") {
                offset += 1
                while true {
                    guard offset < bytes.count else { throw failure("a quote is not closed") }
                    let byte = bytes[offset]
                    offset += 1
                    if byte == UInt8(ascii: "\"") {
                        guard offset < bytes.count, bytes[offset] == UInt8(ascii: "\"") else { break }
                        offset += 1
                    } else if byte == UInt8(ascii: "\n") {
                        line += 1
                    }
                    content.append(byte)
                    guard content.count <= CommaSeparatedValues.fieldLimit else { throw failure("a field is too long") }
                }
            } else {
                let begin = offset
                while offset < bytes.count {
                    let byte = bytes[offset]
                    if byte == delimiter || byte == UInt8(ascii: "\n") { break }
                    if byte == UInt8(ascii: "\r"), offset + 1 < bytes.count, bytes[offset + 1] == UInt8(ascii: "\n") {
                        break
                    }
                    if byte == UInt8(ascii: "\"") {
                        throw failure("a quote stands within a field that has no quotes around it")
                    }
                    offset += 1
                }
                guard offset - begin <= CommaSeparatedValues.fieldLimit else { throw failure("a field is too long") }
                content = Array(bytes[begin..<offset])
            }
            guard let text = String(validating: content, as: UTF8.self) else { throw failure("it is not UTF-8 text") }
            return text
        }
    }
}
