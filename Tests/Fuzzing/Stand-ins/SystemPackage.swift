// What the decoders and readers under test need of swift-system, which is a package of its own.

import Glibc

public struct FilePath: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    public var string: String
    public init(_ string: String) { self.string = string }
    public init(stringLiteral value: String) { string = value }
    public var description: String { string }
    public func withPlatformString<Result>(_ body: (UnsafePointer<CChar>) throws -> Result) rethrows -> Result {
        try string.withCString(body)
    }
    public func pushing(_ other: FilePath) -> FilePath { FilePath(string + "/" + other.string) }
    public func appending(_ name: String) -> FilePath { FilePath(string + "/" + name) }
    public func lexicallyNormalized() -> FilePath { self }
}

public struct Errno: Error, CustomStringConvertible {
    public let rawValue: CInt
    public init(rawValue: CInt) { self.rawValue = rawValue }
    public var description: String { "error \(rawValue)" }
}

public struct FileDescriptor: Sendable {
    public let rawValue: CInt
    public enum AccessMode { case readOnly }
    public enum Options { case closeOnExec }

    public static func open(_ path: FilePath, _ mode: AccessMode, options: Options) throws -> FileDescriptor {
        let descriptor = Glibc.open(path.string, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Errno(rawValue: errno) }
        return FileDescriptor(rawValue: descriptor)
    }

    public func read(fromAbsoluteOffset offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let count = pread(rawValue, buffer.baseAddress, buffer.count, off_t(offset))
        guard count >= 0 else { throw Errno(rawValue: errno) }
        return count
    }

    public func close() throws { _ = Glibc.close(rawValue) }
}
