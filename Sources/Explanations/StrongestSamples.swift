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
}
