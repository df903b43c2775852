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

extension Communicator {
    /// The strongest samples of all ranks, of which each gives as many lists as the others, in the same order. Collective; rank 0 gets
    /// them, the others get nil.
    package func merged(_ own: [StrongestSamples], of subject: String) throws -> [StrongestSamples]? {
        let parts = try gatherMessages(own.flatMap(\.words), to: 0, of: subject) { reader in
            try own.map { try StrongestSamples(capacity: $0.capacity, readingFrom: &reader) }
        }
        guard rank == 0 else { return nil }
        var lists = own
        for (rank, part) in parts.enumerated() where rank != self.rank {
            for index in lists.indices { lists[index].merge(part[index]) }
        }
        return lists
    }
}
