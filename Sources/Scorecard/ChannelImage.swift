import DisentangledHead
import MessagePassing

/// An image in which a channel is strong.
struct ChannelImage: Equatable, Sendable, TotallyOrdered {
    let strength: Float
    let sample: Int
    /// EPIC's purity at the cell of the maximum.
    let purity: Float
    /// Parts in the channel's patch, and those that are visible, as bits.
    let parts: UInt32
    let visible: UInt32

    /// The stronger first; among equal ones the lower sample index.
    func precedes(_ other: ChannelImage) -> Bool {
        strength != other.strength ? strength > other.strength : sample < other.sample
    }
}

/// The strongest images of a channel so far.
typealias ChannelImages = TopList<ChannelImage>

extension TopList<ChannelImage> {
    var words: [UInt32] {
        [UInt32(entries.count)]
            + entries.flatMap {
                [$0.strength.bitPattern, UInt32($0.sample), $0.purity.bitPattern, $0.parts, $0.visible]
            }
    }

    /// Takes in what `words` gives.
    /// - Throws: `MessagePassingError.malformedMessage`.
    mutating func merge(readingFrom reader: inout WordReader) throws {
        let count = Int(try reader.next())
        guard count <= capacity else { throw reader.malformed("it has \(count) entries for \(capacity) places") }
        for _ in 0..<count {
            let words = try reader.next(count: 5)
            offer(
                ChannelImage(
                    strength: Float(bitPattern: words[0]), sample: Int(words[1]), purity: Float(bitPattern: words[2]),
                    parts: words[3], visible: words[4]))
        }
    }
}
