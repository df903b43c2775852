// The files that the readers under test read: one that is in memory, whatever the path.

import SystemPackage

public enum DurableFile {
    nonisolated(unsafe) public static var contents: [UInt8] = []
    public static func byteCount(of path: FilePath) throws -> Int { contents.count }
    public static func read(_ path: FilePath) throws -> [UInt8] { contents }
}
