/// How long repetitions of the same work took, in seconds.
public struct Durations: Sendable {
    public let median: Double
    public let best: Double

    /// - Parameter seconds: of each repetition, at least one.
    public init(_ seconds: [Double]) {
        precondition(!seconds.isEmpty, "nothing was measured")
        let sorted = seconds.sorted()
        median = sorted[sorted.count / 2]
        best = sorted[0]
    }
}
