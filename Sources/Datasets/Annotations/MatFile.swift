import CMatio
import DurableFiles
import Foundation
import Synchronization
import SystemPackage

/// Reads variables of a MATLAB file (MAT v5: Stanford Cars and Dogs, the devkit of ImageNet) through matio.
///
/// Files come from outside, so that `MatStructure` looks at them before matio does. Files of version 7.3, which are HDF5, are
/// refused: no data set has them.
struct MatFile {
    let path: FilePath

    /// The largest file that is read; that of ImageNet's synsets has 260 KB, the largest of all.
    static let byteLimit = 32 << 20
    /// matio keeps some of its state in global variables.
    private static let matio = Mutex(())

    /// - Throws: `DatasetError.malformed` for what is no MAT v5 file or is not whole; `DurableFileError`.
    init(_ path: FilePath) throws {
        self.path = path
        let byteCount = try DurableFile.byteCount(of: path)
        guard byteCount <= Self.byteLimit else {
            throw failure("it has \(byteCount) bytes, more than any list of a data set")
        }
        do {
            try MatStructure.check(DurableFile.read(path))
        } catch let problem as MatStructure.Problem {
            throw failure(problem.reason)
        }
    }

    /// The variable of that name.
    /// - Throws: `DatasetError.malformed` if it is not there or is nothing that data sets use.
    func variable(_ name: String) throws -> MatValue {
        try Self.matio.withLock { _ in
            guard let file = Mat_Open(path.string, Int32(MAT_ACC_RDONLY.rawValue)) else {
                throw failure("matio cannot open it")
            }
            defer { Mat_Close(file) }
            guard let variable = Mat_VarRead(file, name) else { throw failure("it has no variable \"\(name)\"") }
            defer { Mat_VarFree(variable) }
            var budget = MatStructure.elementLimit
            return try value(of: variable.pointee, in: variable, name, depth: 0, &budget)
        }
    }

    private func failure(_ reason: String) -> DatasetError {
        .malformed(path: path, place: nil, reason: reason)
    }

    // MARK: Values

    private func value(
        of variable: matvar_t, in pointer: UnsafeMutablePointer<matvar_t>, _ name: String, depth: Int,
        _ budget: inout Int
    ) throws -> MatValue {
        guard depth < MatStructure.depthLimit else { throw failure("\"\(name)\" is nested too deeply") }
        let count = try elementCount(of: variable, name)
        try spend(count, of: &budget, name)
        switch variable.class_type {
        case MAT_C_CELL:
            try checkPointers(of: variable, count, name)
            return .cells(
                try (0..<count).map { index in
                    guard let cell = Mat_VarGetCell(pointer, Int32(index)) else { return .numbers([]) }
                    return try value(of: cell.pointee, in: cell, name, depth: depth + 1, &budget)
                })
        case MAT_C_STRUCT:
            return try structures(pointer, count, name, depth, &budget)
        case MAT_C_CHAR:
            return .text(try text(of: variable, count, name))
        default:
            return .numbers(try numbers(of: variable, count, name))
        }
    }

    private func spend(_ count: Int, of budget: inout Int, _ name: String) throws {
        guard count <= budget else { throw failure("\"\(name)\" has more elements than any list of a data set") }
        budget -= count
    }

    private func elementCount(of variable: matvar_t, _ name: String) throws -> Int {
        guard variable.rank >= 0, variable.rank <= 8, let sizes = variable.dims else {
            throw failure("\"\(name)\" has no size that can be used")
        }
        var count = 1
        for axis in 0..<Int(variable.rank) {
            let (product, overflows) = count.multipliedReportingOverflow(by: Int(bitPattern: UInt(sizes[axis])))
            guard !overflows, (0...MatStructure.elementLimit).contains(product) else {
                throw failure("\"\(name)\" has more elements than any list of a data set")
            }
            count = product
        }
        return count
    }

    private func structures(
        _ pointer: UnsafeMutablePointer<matvar_t>, _ count: Int, _ name: String, _ depth: Int, _ budget: inout Int
    ) throws -> MatValue {
        let fieldCount = Int(Mat_VarGetNumberOfFields(pointer))
        guard let names = Mat_VarGetStructFieldnames(pointer), fieldCount > 0, fieldCount <= 256 else {
            throw failure("the structures of \"\(name)\" have no fields")
        }
        let fields = (0..<fieldCount).map { index in names[index].map { String(cString: $0) } ?? "" }
        let (total, overflows) = count.multipliedReportingOverflow(by: fieldCount)
        try spend(overflows ? Int.max : total, of: &budget, name)
        try checkPointers(of: pointer.pointee, total, name)
        let elements = try (0..<count).map { element in
            try (0..<fieldCount).map { field -> MatValue in
                guard let found = Mat_VarGetStructFieldByIndex(pointer, field, element) else { return .numbers([]) }
                return try value(of: found.pointee, in: found, fields[field], depth: depth + 1, &budget)
            }
        }
        return .structures(fields: fields, elements: elements)
    }

    /// Checks that the elements of a cell array or of structures are there: matio does not before it takes them.
    private func checkPointers(of variable: matvar_t, _ count: Int, _ name: String) throws {
        let byteCount = count * MemoryLayout<UnsafeMutablePointer<matvar_t>?>.size
        guard count == 0 || (variable.data != nil && Int(bitPattern: UInt(variable.nbytes)) >= byteCount) else {
            throw failure("the elements of \"\(name)\" are not whole")
        }
    }

    /// Checks that the data of an array are there; nil for an empty one.
    private func data(of variable: matvar_t, _ count: Int, width: Int, _ name: String) throws -> UnsafeRawPointer? {
        guard count > 0 else { return nil }
        guard variable.isComplex == 0, let data = variable.data, Int(variable.data_size) == width,
            Int(variable.nbytes) == count * width
        else { throw failure("the data of \"\(name)\" are not whole") }
        return UnsafeRawPointer(data)
    }

    private func numbers(of variable: matvar_t, _ count: Int, _ name: String) throws -> [Double] {
        func read<Number>(_ type: Number.Type, _ convert: (Number) -> Double) throws -> [Double] {
            guard let data = try data(of: variable, count, width: MemoryLayout<Number>.size, name) else { return [] }
            return (0..<count).map {
                convert(data.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Number>.size, as: type))
            }
        }
        switch variable.class_type {
        case MAT_C_DOUBLE: return try read(Double.self) { $0 }
        case MAT_C_SINGLE: return try read(Float.self) { Double($0) }
        case MAT_C_INT8: return try read(Int8.self) { Double($0) }
        case MAT_C_UINT8: return try read(UInt8.self) { Double($0) }
        case MAT_C_INT16: return try read(Int16.self) { Double($0) }
        case MAT_C_UINT16: return try read(UInt16.self) { Double($0) }
        case MAT_C_INT32: return try read(Int32.self) { Double($0) }
        case MAT_C_UINT32: return try read(UInt32.self) { Double($0) }
        case MAT_C_INT64: return try read(Int64.self) { Double($0) }
        case MAT_C_UINT64: return try read(UInt64.self) { Double($0) }
        default: throw failure("\"\(name)\" is of a class that no data set uses")
        }
    }

    /// A row of characters, which MATLAB keeps as 8 bits, 16 bits or UTF-8.
    private func text(of variable: matvar_t, _ count: Int, _ name: String) throws -> String {
        let isRow = variable.rank == 2 && variable.dims[0] <= 1
        guard isRow || count == 0 else { throw failure("\"\(name)\" is a text of several lines") }
        guard count > 0, let data = variable.data else {
            guard count == 0 else { throw failure("the data of \"\(name)\" are not whole") }
            return ""
        }
        let bytes = UnsafeRawBufferPointer(start: data, count: Int(variable.nbytes))
        switch variable.data_type {
        case MAT_T_UTF8 where bytes.count >= count:
            if let text = String(validating: bytes, as: UTF8.self) { return text }
        case MAT_T_UINT8 where bytes.count == count, MAT_T_INT8 where bytes.count == count:
            // Latin-1, of which ASCII is a part; newer writers put UTF-8 here.
            return String(validating: bytes, as: UTF8.self)
                ?? String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
        case MAT_T_UINT16 where bytes.count == 2 * count, MAT_T_UTF16 where bytes.count == 2 * count:
            let units = (0..<count).map { bytes.loadUnaligned(fromByteOffset: 2 * $0, as: UInt16.self) }
            if let text = String(validating: units, as: UTF16.self) { return text }
        default: break
        }
        throw failure("the text \"\(name)\" is damaged or of an encoding that no data set uses")
    }
}
