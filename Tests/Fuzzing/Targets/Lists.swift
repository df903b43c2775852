import DurableFiles

/// Any bytes as a list of images: as a table with whatever stands between its fields, and as a text of records.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    DurableFile.contents = [UInt8](UnsafeBufferPointer(start: bytes, count: count))
    if let table = try? CommaSeparatedValues(
        "list.csv", delimiters: CommaSeparatedValues.usualDelimiters, fits: { ListColumns($0) != nil })
    {
        let columns = ListColumns(table.columns)
        try? table.forEachRow { _, fields in
            precondition(fields.count == table.columns.count)
            if let columns { precondition(columns.path < fields.count && columns.label < fields.count) }
            for field in fields { _ = SafePath.isSafe(field) }
        }
    }
    if let text = try? AnnotationText("list.txt") {
        try? text.forEachRecord(fieldCount: 3) { record in
            precondition(record.fields.count == 3)
            _ = try? record.integer(0, "number")
            _ = try? record.number(1, "number")
        }
    }
    return 0
}
