import CounterRandom

extension PartDataset {
    /// Number of classes there are: all combinations of part variants.
    public static let classCount = Part.allCases.map(\.variantNames.count).reduce(1, *)

    /// The class at a place in the fixed order.
    ///
    /// - Precondition: `index` is in 0..<`classCount`.
    public static func variants(ofClass index: Int) -> Variants { classOrder[index] }

    /// The name of a class, such as `0007-hook-bead-raised-lyre-webbed`; names order by code point as classes do.
    public static func className(_ index: Int) -> String {
        let variants = classOrder[index]
        let digits = String(index)
        return String(repeating: "0", count: 4 - digits.count) + digits
            + Part.allCases.map { "-" + variants.name(of: $0) }.joined()
    }

    /// All combinations, in an order in which the first classes differ well.
    ///
    /// Combinations are grouped by the sum of their variant numbers modulo the largest number of variants, 6. Changing
    /// one part alone changes that sum, so any two classes of a group differ in at least two parts; each group has a sixth
    /// of all combinations, so this holds for the first 288 classes. Groups are shuffled, and each class is then the next
    /// one that differs from its predecessor in at least four parts. (Part of every recorded result: never change it.)
    private static let classOrder: [Variants] = {
        let counts = Part.allCases.map(\.variantNames.count)
        let modulus = counts.max()!
        var groups = [[Variants]](repeating: [], count: modulus)
        for combination in 0..<classCount {
            var rest = combination
            let numbers = counts.map { count in
                defer { rest /= count }
                return rest % count
            }
            groups[numbers.reduce(0, +) % modulus].append(Variants(numbers))
        }
        var stream = RandomStream(seed: 0, purpose: .partDataset, 0x0C1A55)
        var order: [Variants] = []
        for group in groups {
            var left = stream.shuffled(group)
            while !left.isEmpty {
                let next = order.last.flatMap { last in left.firstIndex { $0.differences(from: last) >= 4 } } ?? 0
                order.append(left.remove(at: next))
            }
        }
        return order
    }()
}
