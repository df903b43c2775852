/// The `capacity` strongest samples seen so far, strongest first.
///
/// The order is total (strength, then the lower sample index), so the result does not depend on the order in which
/// samples are offered, and lists of parts merge into the list of the whole.
struct StrongestSamples: Equatable, Sendable {
    struct Entry: Equatable, Sendable {
        let strength: Float
        let sample: Int
        /// Pixel of the feature map that won.
        let pixel: Int

        func precedes(_ other: Entry) -> Bool {
            strength != other.strength ? strength > other.strength : sample < other.sample
        }
    }

    let capacity: Int
    private(set) var entries: [Entry] = []

    init(capacity: Int) { self.capacity = capacity }

    mutating func offer(_ entry: Entry) {
        if entries.count == capacity {
            guard entry.precedes(entries[capacity - 1]) else { return }
            entries.removeLast()
        }
        let place = entries.firstIndex { entry.precedes($0) } ?? entries.count
        entries.insert(entry, at: place)
    }

    mutating func merge(_ other: Self) { other.entries.forEach { offer($0) } }
}
