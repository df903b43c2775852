import SystemPackage

/// An array of structures of a .mat file, read field by field with messages that say which.
struct MatRecords {
    let path: FilePath
    let name: String
    let fields: [String]
    let elements: [[MatValue]]

    /// - Throws: `DatasetError.malformed` if the variable is no array of structures.
    init(_ file: MatFile, _ name: String) throws {
        path = file.path
        self.name = name
        switch try file.variable(name) {
        case .structures(let fields, let elements): (self.fields, self.elements) = (fields, elements)
        case let other:
            throw DatasetError.malformed(
                path: path, place: nil, reason: "\"\(name)\" is \(other.kind), expected an array of structures")
        }
    }

    var count: Int { elements.count }

    func has(_ field: String) -> Bool { fields.contains(field) }

    func failure(_ index: Int, _ reason: String) -> DatasetError {
        .malformed(path: path, place: "\(name)(\(index + 1))", reason: reason)
    }

    private func value(_ index: Int, _ field: String) throws -> MatValue {
        guard let place = fields.firstIndex(of: field) else {
            throw DatasetError.malformed(
                path: path, place: nil, reason: "the structures of \"\(name)\" have no field \"\(field)\"")
        }
        return elements[index][place]
    }

    func text(_ index: Int, _ field: String) throws -> String {
        guard case .text(let text) = try value(index, field), !text.isEmpty else {
            throw failure(index, "\(field) is \(try value(index, field).kind), expected a text")
        }
        return text
    }

    func number(_ index: Int, _ field: String) throws -> Double {
        guard case .numbers(let values) = try value(index, field), values.count == 1, values[0].isFinite else {
            throw failure(index, "\(field) is \(try value(index, field).kind), expected one number")
        }
        return values[0]
    }

    func integer(_ index: Int, _ field: String) throws -> Int {
        let number = try number(index, field)
        guard let value = Int(exactly: number) else { throw failure(index, "\(field) is \(number), not an integer") }
        return value
    }
}

extension MatFile {
    /// A variable that is a cell array of texts. Throws `DatasetError.malformed`.
    func texts(_ name: String) throws -> [String] {
        guard case .cells(let cells) = try variable(name) else {
            throw DatasetError.malformed(path: path, place: nil, reason: "\"\(name)\" is no cell array")
        }
        return try cells.enumerated().map { index, cell in
            guard case .text(let text) = cell, !text.isEmpty else {
                throw DatasetError.malformed(
                    path: path, place: "\(name){\(index + 1)}", reason: "it is \(cell.kind), expected a text")
            }
            return text
        }
    }

    /// A variable that is an array of integers. Throws `DatasetError.malformed`.
    func integers(_ name: String) throws -> [Int] {
        guard case .numbers(let values) = try variable(name) else {
            throw DatasetError.malformed(path: path, place: nil, reason: "\"\(name)\" is no array of numbers")
        }
        return try values.enumerated().map { index, number in
            guard let value = Int(exactly: number) else {
                throw DatasetError.malformed(
                    path: path, place: "\(name)(\(index + 1))", reason: "it is \(number), not an integer")
            }
            return value
        }
    }
}
