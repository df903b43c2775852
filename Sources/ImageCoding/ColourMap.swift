/// Colours for numbers in 0...1, in 256 steps.
///
/// Both maps rise steadily in lightness, so they order values rightly in grey print and for colour-blind readers, which
/// the rainbow maps often used for saliency do not. They follow matplotlib's maps of the same names (public domain) through
/// polynomials of degree 6 fitted to them by Matt Zucker (public domain); the largest distance from the tables is a few
/// steps of 255.
public enum ColourMap: String, Codable, CaseIterable, Sendable {
    /// Black through violet and orange to pale yellow: for heat maps on photographs.
    case inferno
    /// Violet through green to yellow: for plots on white.
    case viridis

    /// The colour of `value`; values beyond 0...1 get the colour of the nearer end, and NaN that of 0.
    public func colour(_ value: Float) -> Colour {
        table[ColourMap.index(of: value)]
    }

    /// The 256 colours.
    var table: [Colour] {
        switch self {
        case .inferno: Self.infernoTable
        case .viridis: Self.viridisTable
        }
    }

    static func index(of value: Float) -> Int {
        value > 0 ? Int((min(value, 1) * 255).rounded()) : 0
    }

    // MARK: - Tables

    private static let infernoTable = makeTable(coefficients: [
        SIMD3(0.0002189403691192265, 0.001651004631001012, -0.01948089843709184),
        SIMD3(0.1065134194856116, 0.5639564367884091, 3.932712388889277),
        SIMD3(11.60249308247187, -3.972853965665698, -15.9423941062914),
        SIMD3(-41.70399613139459, 17.43639888205313, 44.35414519872813),
        SIMD3(77.162935699427, -33.40235894210092, -81.80730925738993),
        SIMD3(-71.31942824499214, 32.62606426397723, 73.20951985803202),
        SIMD3(25.13112622477341, -12.24266895238567, -23.07032500287172),
    ])

    private static let viridisTable = makeTable(coefficients: [
        SIMD3(0.2777273272234177, 0.005407344544966578, 0.3340998053353061),
        SIMD3(0.1050930431085774, 1.404613529898575, 1.384590162594685),
        SIMD3(-0.3308618287255563, 0.214847559468213, 0.09509516302823659),
        SIMD3(-4.634230498983486, -5.799100973351585, -19.33244095627987),
        SIMD3(6.228269936347081, 14.17993336680509, 56.69055260068105),
        SIMD3(4.776384997670288, -13.74514537774601, -65.35303263337234),
        SIMD3(-5.435455855934631, 4.645852612178535, 26.3124352495832),
    ])

    /// Red, green and blue as polynomials of the value, constant term first.
    private static func makeTable(coefficients: [SIMD3<Double>]) -> [Colour] {
        (0..<256).map { step in
            let value = Double(step) / 255
            let sum = coefficients.reversed().reduce(SIMD3<Double>.zero) { $0 * value + $1 }
            let bytes = SIMD3<UInt8>((sum.clamped(lowerBound: .zero, upperBound: .one) * 255).rounded(.toNearestOrEven))
            return Colour(red: bytes.x, green: bytes.y, blue: bytes.z)
        }
    }
}
