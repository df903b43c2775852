/// What explanations are worth when parts are taken away for true (Hesse et al., "FunnyBirds", ICCV 2023, as funnybirds-framework
/// computes it).
///
/// Parts are bits of a mask. An explanation names the parts whose importance is above a share t of all it has.
public enum PartInterventions {
    public static let completenessFormula = "funnybirds:completeness"
    public static let correctnessFormula = "funnybirds:single-deletion"
    public static let contrastivityFormula = "funnybirds:target-sensitivity"
    public static let backgroundFormula = "funnybirds:background-independence"
    /// t.
    public static let thresholds = (0..<80).map { 0.01 + 0.49 * Double($0) / 79 }
    /// A part or thing is of no account if its absence changes the class's logit by less than this share of it.
    public static let unimportantShare = 0.05

    /// Smallest sets of parts of a class that no other class has all of.
    ///
    /// - Parameter variants: of each class, the variant of each part.
    public static func sufficientSets(of label: Int, variants: [[Int]]) -> [UInt64] {
        let count = variants[label].count
        let sufficient = (1..<UInt64(1) << UInt64(count)).filter { set in
            !variants.indices.contains { other in
                other != label
                    && (0..<count).allSatisfy {
                        set >> UInt64($0) & 1 == 0 || variants[other][$0] == variants[label][$0]
                    }
            }
        }
        return sufficient.filter { set in !sufficient.contains { $0 != set && $0 & set == $0 } }
    }

    /// The parts whose importance is above `threshold` of `total`.
    public static func important(_ importances: [Double], threshold: Double, total: Double) -> UInt64 {
        importances.enumerated().reduce(0) { $1.element > threshold * total ? $0 | 1 << UInt64($1.offset) : $0 }
    }

    /// The largest share of a sufficient set that is named.
    public static func sufficiency(of named: UInt64, sets: [UInt64]) -> Double? {
        sets.map { Double(($0 & named).nonzeroBitCount) / Double($0.nonzeroBitCount) }.max()
    }

    /// The parts and things whose absence changes the logit by less than 5 % of its size, or raises it.
    ///
    /// - Parameter logits: without each of them.
    public static func unimportant(without logits: [Double], whole: Double) -> UInt64 {
        logits.enumerated().reduce(0) { set, entry in
            let fall = whole - entry.element
            return fall < unimportantShare * abs(whole) ? set | 1 << UInt64(entry.offset) : set
        }
    }

    /// 0.5 + 0.5 Spearman of what the logit falls by without each part, and the parts' importances; nil if either is constant.
    public static func singleDeletion(falls: [Double], importances: [Double]) -> Double? {
        Correlation.spearman(falls.map { Float($0) }, importances.map { Float($0) }).map { 0.5 + 0.5 * $0 }
    }

    /// The first two classes, in order, that share exactly two parts with a class, and no part of these with each other's; each
    /// with those parts.
    public static func targets(
        of label: Int, variants: [[Int]]
    ) -> (first: (label: Int, shared: UInt64), second: (label: Int, shared: UInt64))? {
        let candidates = variants.indices.compactMap { other -> (label: Int, shared: UInt64)? in
            guard other != label else { return nil }
            let shared = variants[label].indices.reduce(UInt64(0)) {
                variants[other][$1] == variants[label][$1] ? $0 | 1 << UInt64($1) : $0
            }
            return shared.nonzeroBitCount == 2 ? (other, shared) : nil
        }
        for (index, first) in candidates.enumerated() {
            if let second = candidates[(index + 1)...].first(where: { $0.shared & first.shared == 0 }) {
                return (first, second)
            }
        }
        return nil
    }

    /// How many of the surroundings the logit rests on: those whose absence lowers it by at least 5 % of its size. Background
    /// independence is 1 - the share of these among the surroundings of all images.
    public static func dependenceCount(without logits: [Double], whole: Double) -> Int {
        logits.count { whole - $0 >= unimportantShare * abs(whole) && whole > $0 }
    }

    /// The sums of four curves over the thresholds, and what they are where (CSDC + PC + DC) / 3 + D is largest; the first of equal
    /// ones.
    public struct Completeness: Equatable, Sendable {
        public let threshold: Double
        public let sufficiency: Double
        public let preservation: Double
        public let deletion: Double
        public let distractibility: Double

        /// ((CSDC + PC + DC) / 3 + D) / 2.
        public var value: Double { ((sufficiency + preservation + deletion) / 3 + distractibility) / 2 }

        public init?(sufficiency: [Double], preservation: [Double], deletion: [Double], distractibility: [Double]) {
            let sums = preservation.indices.map {
                (sufficiency[$0] + preservation[$0] + deletion[$0]) / 3 + distractibility[$0]
            }
            guard let most = sums.max(), let best = sums.firstIndex(of: most) else { return nil }
            threshold = PartInterventions.thresholds[best]
            self.sufficiency = sufficiency[best]
            self.preservation = preservation[best]
            self.deletion = deletion[best]
            self.distractibility = distractibility[best]
        }
    }
}
