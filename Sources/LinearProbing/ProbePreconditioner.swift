import DisentangledHead
import Tensors

/// An approximate inverse of the second derivatives of a probe's loss: (a S + strength I)^-1 for the weights of each class, and 1/a
/// for the biases.
///
/// S [D, D] is the covariance of the features, a the mean of p (1 - p) over samples and classes. The second derivatives are means
/// of (diag(p) - p p^T) x x^T; this is what remains if p has nothing to do with x and classes nothing with each other. That is
/// enough to take out what makes the problem slow: that features differ in how much they vary together.
struct ProbePreconditioner {
    private let inverse: SquareMatrix<Float>
    private let curvature: Double
    private let classCount: Int
    private let team: WorkerTeam

    /// Nil where the covariance is broken.
    init?(
        covariance: [Float], curvature: Double, strength: Double, classCount: Int, channelCount: Int, team: WorkerTeam
    ) {
        // Directions in which nothing varies need some strength to have an inverse.
        let curvature = max(curvature, 1e-6 / Double(classCount))
        let floor = max(strength, 1e-3 * curvature)
        var matrix = SquareMatrix<Float>.combination(
            identity: 1,
            [(Float(curvature / floor), SquareMatrix(size: channelCount, values: covariance))], team: team)
        guard matrix.invertAccretive(team: team) else { return nil }
        inverse = matrix.combinedWithTranspose(sign: 1, scale: Float(0.5 / floor), team: team)
        self.curvature = curvature
        self.classCount = classCount
        self.team = team
    }

    /// Of a vector of weights [C, D] and biases [C].
    func callAsFunction(_ vector: [Double]) -> [Double] {
        let (C, D) = (classCount, inverse.size)
        let weights = vector[..<(C * D)].map { Float($0) }
        var product = [Float](repeating: 0, count: C * D)
        product.withUnsafeMutableBufferPointer { product in
            multiply(
                rows: C, columns: D, depth: D, weights, stride: D, .asStored, inverse.values, stride: D, .asStored,
                into: product.baseAddress!, stride: D, tile: (64, 256), team: team)
        }
        return product.map { Double($0) } + vector[(C * D)...].map { $0 / curvature }
    }
}
