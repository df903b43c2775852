/// What becomes of a score while an image is taken away or put back, cell by cell, in the order of an explanation.
///
/// `scores[0]` is that of the image one begins with, `scores[n]` that of the last.
public struct PerturbationCurve: Equatable, Sendable {
    /// (sum p - p_0 / 2 - p_n / 2) / n (Petsiuk et al., "RISE", BMVC 2018).
    public static let areaFormula = "rise:cells"
    /// 1 / (n + 1) sum_{i = 0}^{n} (p_0 - p_i) (Samek et al., "Evaluating the Visualization of What a Deep Neural Network Has
    /// Learned", 2017, equation 12), most relevant first.
    public static let aopcFormula = "samek:probability"
    /// Mean over the shares of `p(image) - p(image without the cells)`, and of `p(image) - p(the cells alone)` (DeYoung et al.,
    /// "ERASER", ACL 2020, equations 1 and 2).
    public static let eraserFormula = "eraser:probability"

    public let scores: [Double]

    public init(_ scores: [Double]) {
        precondition(scores.count >= 2, "a curve has a beginning and an end")
        self.scores = scores
    }

    /// The area under the curve over 0...1, by the trapezoidal rule.
    public var area: Double {
        (scores.reduce(0, +) - (scores[0] + scores[scores.count - 1]) / 2) / Double(scores.count - 1)
    }

    /// The area over the perturbation curve.
    public var areaOver: Double { scores.reduce(0) { $0 + scores[0] - $1 } / Double(scores.count) }

    /// The mean of `full` less each of the scores: comprehensiveness of images without cells, sufficiency of cells alone.
    public static func meanLoss(from full: Double, to scores: [Double]) -> Double {
        scores.reduce(0) { $0 + full - $1 } / Double(scores.count)
    }
}
