import DisentangledHead
import MessagePassing

/// A sample in which a side of a channel is strong.
package struct StrongSample: Equatable, Sendable, TotallyOrdered {
    package let strength: Float
    package let sample: Int
    /// Pixel of the feature map that won.
    package let pixel: Int

    package init(strength: Float, sample: Int, pixel: Int) {
        self.strength = strength
        self.sample = sample
        self.pixel = pixel
    }

    /// The stronger first; among equal ones the lower sample index.
    package func precedes(_ other: StrongSample) -> Bool {
        strength != other.strength ? strength > other.strength : sample < other.sample
    }
}

/// The strongest samples seen so far, strongest first.
package typealias StrongestSamples = TopList<StrongSample>

// On several ranks.
extension TopList<StrongSample> {
    /// The number of entries, and of each entry strength, sample and pixel.
    package var words: [UInt32] {
        [UInt32(entries.count)]
            + entries.flatMap { [$0.strength.bitPattern, UInt32($0.sample), UInt32($0.pixel)] }
    }

    /// Reads what `words` gives.
    /// - Throws: `MessagePassingError.malformedMessage`.
    package init(capacity: Int, readingFrom reader: inout WordReader) throws {
        self.init(capacity: capacity)
        let count = Int(try reader.next())
        guard count <= capacity else { throw reader.malformed("it has \(count) entries for \(capacity) places") }
        for _ in 0..<count {
            let strength = Float(bitPattern: try reader.next())
            let sample = Int(try reader.next())
            offer(StrongSample(strength: strength, sample: sample, pixel: Int(try reader.next())))
        }
    }
}
