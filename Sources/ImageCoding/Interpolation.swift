/// How pixels between the samples are estimated.
///
/// Both are the antialiased filters of Pillow: for a smaller output the filter is widened by the scale, so every input pixel
/// counts.
public enum Interpolation: String, Codable, CaseIterable, Sendable {
    /// Linear weights over two pixels in each direction.
    case bilinear
    /// Keys' cubic convolution with a = -1/2 over four pixels in each direction.
    case bicubic

    /// Distance from the centre beyond which the weight is zero, in output pixels.
    var support: Double {
        switch self {
        case .bilinear: 1
        case .bicubic: 2
        }
    }

    /// The weight of a sample at `distance` from the centre.
    ///
    /// The order of the operations is Pillow's: weights must round the same way.
    func weight(at distance: Double) -> Double {
        let x = abs(distance)
        switch self {
        case .bilinear:
            return x < 1 ? 1 - x : 0
        case .bicubic:
            let a = -0.5
            if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
            if x < 2 { return (((x - 5) * x + 8) * x - 4) * a }
            return 0
        }
    }
}
