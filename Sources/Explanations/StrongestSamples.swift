/// The `capacity` strongest samples seen so far, strongest first.
///
/// The order is total (strength, then the lower sample index), so the result does not depend on the order in which
/// samples are offered, and lists of parts merge into the list of the whole.
package struct StrongestSamples: Equatable, Sendable {
    package struct Entry: Equatable, Sendable {
        package let strength: Float
        package let sample: Int
        /// Pixel of the feature map that won.
        package let pixel: Int

        package init(strength: Float, sample: Int, pixel: Int) {
            self.strength = strength
            self.sample = sample
            self.pixel = pixel
        }

        func precedes(_ other: Entry) -> Bool {
            strength != other.strength ? strength > other.strength : sample < other.sample
        }
    }

    package let capacity: Int
    package private(set) var entries: [Entry] = []

    package init(capacity: Int) { self.capacity = capacity }

    package mutating func offer(_ entry: Entry) {
        if entries.count == capacity {
            guard entry.precedes(entries[capacity - 1]) else { return }
            entries.removeLast()
        }
        let place = entries.firstIndex { entry.precedes($0) } ?? entries.count
        entries.insert(entry, at: place)
    }

    package mutating func merge(_ other: Self) {
        for entry in other.entries { offer(entry) }
    }

    // MARK: - On several ranks

    /// The number of entries, and of each entry strength, sample and pixel, in 32 bits each.
    package var bytes: [UInt8] {
        let words =
            [UInt32(entries.count)]
            + entries.flatMap { [$0.strength.bitPattern, UInt32($0.sample), UInt32($0.pixel)] }
        return words.withUnsafeBytes { Array($0) }
    }

    /// Reads a value from the front of what `bytes` of this program gave, and removes it there.
    package init(capacity: Int, readingFrom bytes: inout ArraySlice<UInt8>) {
        self.init(capacity: capacity)
        func next() -> UInt32 {
            defer { bytes = bytes.dropFirst(4) }
            return bytes.withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) }
        }
        for _ in 0..<next() {
            let strength = Float(bitPattern: next())
            let sample = Int(next())
            entries.append(Entry(strength: strength, sample: sample, pixel: Int(next())))
        }
    }
}
