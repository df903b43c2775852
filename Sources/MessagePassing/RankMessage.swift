/// Reads the 32-bit words of a message that a rank sent. What is not there is an error, not a guess.
public struct WordReader {
    private let bytes: [UInt8]
    private let rank: Int
    private let subject: String
    private var position = 0

    /// - Parameters:
    ///   - rank: the one that sent the message.
    ///   - subject: what the message holds, for errors.
    public init(_ bytes: [UInt8], rank: Int, subject: String) {
        self.bytes = bytes
        self.rank = rank
        self.subject = subject
    }

    public var isAtEnd: Bool { position == bytes.count }

    /// The next word. Throws `MessagePassingError.malformedMessage`.
    public mutating func next() throws -> UInt32 {
        guard bytes.count - position >= 4 else { throw malformed("it ends after \(bytes.count) bytes") }
        defer { position += 4 }
        return bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: position, as: UInt32.self) }
    }

    /// The next `count` words. Throws `MessagePassingError.malformedMessage`.
    public mutating func next(count: Int) throws -> [UInt32] {
        guard count <= (bytes.count - position) / 4 else {
            throw malformed("it announces \(count) words and ends after \(bytes.count) bytes")
        }
        return try (0..<count).map { _ in try next() }
    }

    /// The error of a message that holds something else than it should.
    public func malformed(_ problem: String) -> MessagePassingError {
        .malformedMessage(rank: rank, subject: subject, problem: problem)
    }
}

extension Communicator {
    /// What `read` makes of the words of each rank, in rank order, at `root`; nothing elsewhere. Collective.
    ///
    /// - Parameter subject: what the words hold, for errors.
    /// - Throws: at `root` alone, `MessagePassingError.malformedMessage` or what `read` throws.
    public func gatherMessages<Value>(
        _ words: [UInt32], to root: Int, of subject: String, _ read: (inout WordReader) throws -> Value
    ) throws -> [Value] {
        let messages = try gather(words.withUnsafeBytes { Array($0) }, to: root)
        return try messages.enumerated().map { rank, bytes in
            var reader = WordReader(bytes, rank: rank, subject: subject)
            let value = try read(&reader)
            guard reader.isAtEnd else { throw reader.malformed("it goes on behind its end") }
            return value
        }
    }
}
