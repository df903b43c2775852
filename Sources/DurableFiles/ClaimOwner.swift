import Glibc
import SystemPackage

/// What a claim's folder says about its holder.
struct ClaimOwner: CustomStringConvertible {
    let process: ProcessIdentity
    let host: String

    private static let ownerName = "owner"
    static let beatName = "beat"

    static var own: ClaimOwner {
        var name = [CChar](repeating: 0, count: 256)
        let isKnown = gethostname(&name, name.count - 1) == 0
        let host = name.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        return ClaimOwner(process: .own, host: isKnown && !host.isEmpty ? host : "unknown")
    }

    private init(process: ProcessIdentity, host: String) {
        self.process = process
        self.host = host
    }

    /// Reads the holder of a claim; nil where that cannot be read, or not understood.
    init?(_ claim: FilePath) {
        guard let (bytes, _) = Self.start(of: claim.appending(Self.ownerName)) else { return nil }
        let words = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        guard words.count == 2, let process = ProcessIdentity(words[0]) else { return nil }
        // The name goes into messages.
        guard words[1].allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "-._".contains($0)) }) else {
            return nil
        }
        self.init(process: process, host: String(words[1]))
    }

    var description: String { "process \(process.processIdentifier) on \(host)" }

    /// Fills a claim's folder.
    func write(to folder: FilePath) throws {
        for (name, text) in [
            (Self.ownerName, "\(process.text) \(host)\n"), (Self.beatName, Self.text(ofBeat: 0)),
        ] {
            let path = folder.appending(name)
            let (descriptor, _) = try openRegularFile(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW)
            defer { close(descriptor) }
            var writer = FileWriter(descriptor: descriptor, path: path)
            try writer.write(text)
            try writer.flush()
        }
    }

    /// The first bytes of a small file, and its status. It is opened each time, since that is when a network file system asks
    /// its server.
    private static func start(of path: FilePath) -> (bytes: [UInt8], status: stat)? {
        guard let (descriptor, status) = try? openForReading(path) else { return nil }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 1024)
        let count = pread(descriptor, &buffer, buffer.count, 0)
        return count < 0 ? nil : (Array(buffer.prefix(count)), status)
    }

    // MARK: Signs of life

    /// A state of the file that a holder changes as long as it lives.
    struct Sign: Equatable {
        private let bytes: [UInt8]
        private let seconds: Int
        private let nanoseconds: Int

        /// nil where it cannot be read.
        init?(of claim: FilePath) {
            guard let (bytes, status) = ClaimOwner.start(of: claim.appending(ClaimOwner.beatName)) else { return nil }
            self.bytes = bytes
            (seconds, nanoseconds) = (status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
        }

        /// How long ago it was given, by the clock that stamps the files in `folder`: that of a server, perhaps.
        func age(in folder: FilePath) throws -> Duration {
            let path = folder.appending(TemporaryName.make().text)
            let (descriptor, status) = try openRegularFile(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW)
            close(descriptor)
            try check("remove", path) { path.withPlatformString { unlink($0) } }
            return .seconds(status.st_mtim.tv_sec - seconds) + .nanoseconds(status.st_mtim.tv_nsec - nanoseconds)
        }
    }

    private static func text(ofBeat count: Int) -> String {
        let digits = "\(count)"
        return String(repeating: "0", count: max(0, 12 - digits.count)) + digits + "\n"
    }

    /// Gives a sign of life: changes the file at `path` in place.
    static func beat(_ path: FilePath, count: Int) throws {
        let (descriptor, _) = try openRegularFile(path, O_WRONLY | O_NOFOLLOW)
        defer { close(descriptor) }
        var writer = FileWriter(descriptor: descriptor, path: path)
        try writer.write(text(ofBeat: count))
        try writer.flush()
    }
}
