/// Any bytes as a safetensors file.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    read(UnsafeRawBufferPointer(start: bytes, count: count))
    return 0
}
