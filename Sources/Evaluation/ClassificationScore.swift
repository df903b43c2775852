import DisentangledHead

/// Counts of correctly classified samples; adding up the scores of parts gives the score of the whole, exactly.
public struct ClassificationScore: Equatable, Sendable {
    public private(set) var sampleCount = 0
    /// Samples whose class has the largest logit.
    public private(set) var top1Count = 0
    /// Samples whose class is among the five largest logits.
    public private(set) var top5Count = 0

    public init() {}

    public var top1: Double { sampleCount == 0 ? 0 : Double(top1Count) / Double(sampleCount) }
    public var top5: Double { sampleCount == 0 ? 0 : Double(top5Count) / Double(sampleCount) }

    /// Counts one sample with the given logits, one per class, ranked as `Ranking` does. A sample whose own logit is not a
    /// number is not classified correctly.
    public mutating func count(logits: ArraySlice<Float>, label: Int) {
        sampleCount += 1
        guard let rank = Ranking.rank(of: label, in: logits) else { return }
        if rank == 0 { top1Count += 1 }
        if rank < 5 { top5Count += 1 }
    }

    public static func += (total: inout Self, part: Self) {
        total.sampleCount += part.sampleCount
        total.top1Count += part.top1Count
        total.top5Count += part.top5Count
    }

    // MARK: - On several ranks

    /// Number of elements of `counts`.
    static let countCount = 3

    /// The counts, to be added to those of other ranks.
    var counts: [Int64] { [Int64(sampleCount), Int64(top1Count), Int64(top5Count)] }

    init(counts: [Int64]) {
        sampleCount = Int(counts[0])
        top1Count = Int(counts[1])
        top5Count = Int(counts[2])
    }
}
