/// Any bytes as a file that torch.save wrote: the archive and the pickle in it.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    read(UnsafeRawBufferPointer(start: bytes, count: count))
    return 0
}
