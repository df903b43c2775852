/// An unevaluated sum of two numbers, the second being at most a few units in the last place of the first: about 106 bits.
///
/// Dekker, "A floating-point technique for extending the available precision", Numerische Mathematik 18, 1971; with fused
/// multiply-adds, Muller et al., "Handbook of Floating-Point Arithmetic", Birkhäuser 2018, chapters 4 and 14.
struct DoublePair {
    var high: Double
    var low: Double

    /// a + b, exactly.
    static func sum(_ a: Double, _ b: Double) -> DoublePair {
        let high = a + b
        let c = high - a
        return DoublePair(high: high, low: (a - (high - c)) + (b - c))
    }

    /// a + b, exactly if |a| >= |b| or a is 0.
    static func ordered(_ a: Double, _ b: Double) -> DoublePair {
        let high = a + b
        return DoublePair(high: high, low: (a - high) + b)
    }

    /// a b, exactly.
    static func product(_ a: Double, _ b: Double) -> DoublePair {
        let high = a * b
        return DoublePair(high: high, low: (-high).addingProduct(a, b))
    }

    static func * (a: DoublePair, b: DoublePair) -> DoublePair {
        let leading = product(a.high, b.high)
        return ordered(leading.high, leading.low + (a.high * b.low + a.low * b.high))
    }

    /// a / b.
    static func quotient(_ a: Double, _ b: DoublePair) -> DoublePair {
        let high = a / b.high
        let remainder = a.addingProduct(-high, b.high) - high * b.low
        return DoublePair(high: high, low: remainder / b.high)
    }
}

/// Constants in two parts.
enum Natural {
    /// ln 2.
    static let logarithmOf2 = DoublePair(high: 0x1.62e42fefa39efp-1, low: 0x1.abc9e3b39803fp-56)
    /// ln 2, the first part so short that its products with exponents are exact.
    static let shortLogarithmOf2 = DoublePair(high: 0x1.62e42feep-1, low: 0x1.a39ef35793c76p-33)
    /// 1 / ln 2.
    static let inverseLogarithmOf2 = DoublePair(high: 0x1.71547652b82fep0, low: 0x1.777d0ffda0d24p-56)
}
