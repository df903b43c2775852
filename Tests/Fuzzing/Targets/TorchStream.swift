/// Any bytes as a file of the stream form, and as the object of one that is sound around it: the pickle reader gets to see
/// what the fuzzer makes without having to be let in by a magic number.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let file = UnsafeRawBufferPointer(start: bytes, count: count)
    read(file)
    let framed = front + file + back
    framed.withUnsafeBytes { read($0) }
    return 0
}

/// Magic number, version and properties of the machine.
private let front: [UInt8] =
    [0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E, 0x80, 2, 0x4D, 0xE9, 3, 0x2E]
    + [0x80, 2, 0x7D, 0x58, 13, 0, 0, 0] + Array("little_endian".utf8) + [0x88, 0x73, 0x2E]

/// The keys of the storages, one, and its four floats.
private let back: [UInt8] =
    [0x80, 2, 0x5D, 0x58, 1, 0, 0, 0, 0x30, 0x61, 0x2E, 4, 0, 0, 0, 0, 0, 0, 0] + [UInt8](repeating: 1, count: 16)
