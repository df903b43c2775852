import CounterRandom

/// The split of a class that comes without one.
enum ClassSplit {
    /// Which of a class's `count` images, in their sorted order, are test images.
    ///
    /// The images are put in random order and the first are taken: `count * testFraction` of them to the nearest integer, but
    /// at least one, and at least one is left to train on. The order depends on seed, label and count only, so a class's
    /// split does not change when another class gets more images.
    static func testIndices(count: Int, testFraction: Double, label: Int, seed: UInt64) -> Set<Int> {
        precondition(count >= 2, "a class of \(count) images cannot be split")
        var stream = RandomStream(seed: seed, purpose: .split, label)
        let wanted = Int((Double(count) * testFraction).rounded())
        return Set(stream.shuffled(0..<count).prefix(min(max(wanted, 1), count - 1)))
    }
}
