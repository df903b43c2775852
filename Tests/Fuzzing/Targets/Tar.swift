import Glibc
import SystemPackage

/// A file that has no name any more.
private let descriptor: CInt = {
    var name = Array("/tmp/infodisent-fuzzing-tar.XXXXXX".utf8CString)
    let descriptor = mkstemp(&name)
    unlink(name)
    return descriptor
}()

/// Any bytes as a tar archive: every entry lies in it.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard ftruncate(descriptor, 0) == 0, pwrite(descriptor, bytes, count, 0) == count,
        let file = try? OpenFile(FilePath("/proc/self/fd/\(descriptor)"))
    else { return 0 }
    var reader = TarReader(file)
    while let entry = try? reader.next() {
        precondition(entry.offset >= 512 && entry.byteCount >= 0 && entry.offset + entry.byteCount <= count)
        precondition(SafePath.isSafe(entry.name))
        _ = try? file.read(from: entry.offset, byteCount: entry.byteCount)
    }
    return 0
}
