import Crypto

/// Takes content piece by piece and gives its SHA-256; how it is cut into pieces does not matter.
public struct ContentHasher: Sendable {
    private var state = SHA256()

    public init() {}

    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        state.update(bufferPointer: bytes)
    }

    public mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { state.update(bufferPointer: $0) }
    }

    /// Adds the UTF-8 of `text`.
    public mutating func update(_ text: String) {
        update(Array(text.utf8))
    }

    /// The digest of all content so far; more may be added afterwards.
    public func finalize() -> ContentDigest {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(64)
        for byte in state.finalize() {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return ContentDigest(hexadecimal: String(decoding: text, as: UTF8.self))!
    }

    /// The 32 bytes of the digest of all content so far, where many are kept.
    public func finalizeBytes() -> [UInt8] { Array(state.finalize()) }
}
