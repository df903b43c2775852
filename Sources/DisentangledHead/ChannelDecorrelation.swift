import Tensors

/// How much the channels of a batch say the same: R = sum_{k != l} C_kl^2 / (sum_k C_kk)^2 with C the covariance of v over the
/// images.
///
/// 0 where no two channels vary together; less than 1. The covariance of N images has rank N - 1, so that of few images says
/// little: R is then at least about 1 / (N - 1).
package enum ChannelDecorrelation {
    /// `factor` R, and its derivatives by v.
    ///
    /// With the centred values V [N, E], T = sum V_ik^2, s_k = sum_i V_ik^2 and K = V V^T, which is smaller than C,
    ///     R = (|K|^2 - |s|^2) / T^2,   dR/dV_ik = 4 ((K V)_ik - s_k V_ik - T R V_ik) / T^2.
    /// The columns of this add up to 0, as do those of V: it is the derivative by v too. All in double precision, in one order.
    ///
    /// - Parameter values: v [N, E] of more than one image.
    @_specialize(where Scalar == Float)
    package static func term<Scalar: HeadScalar>(
        of values: [Scalar], imageCount: Int, factor: Double, team: WorkerTeam
    ) -> (value: Double, gradient: [Scalar]) {
        let (N, E) = (imageCount, values.count / imageCount)
        var means = [Double](repeating: 0, count: E)
        for image in 0..<N { for channel in 0..<E { means[channel] += Double(values[image * E + channel]) } }
        for channel in 0..<E { means[channel] /= Double(N) }
        var centred = [Double](repeating: 0, count: N * E)
        var variances = [Double](repeating: 0, count: E)
        var squares = 0.0
        for image in 0..<N {
            for channel in 0..<E {
                let value = Double(values[image * E + channel])
                let distance = value - means[channel]
                squares += value * value
                centred[image * E + channel] = distance
                variances[channel] += distance * distance
            }
        }
        var result = [Scalar](repeating: 0, count: N * E)
        let total = variances.reduce(0, +)
        // What is left of images with the same values is rounding, whose correlations mean nothing.
        let rounding = Double(Scalar.ulpOfOne * Scalar.ulpOfOne) * squares
        guard total > max(rounding, Double(Scalar.leastNormalMagnitude)) else { return (0, result) }

        var similarity = [Double](repeating: 0, count: N * N)
        var mixed = [Double](repeating: 0, count: N * E)
        centred.withUnsafeBufferPointer { centred in
            similarity.withUnsafeMutableBufferPointer { similarity in
                tiledProduct(
                    rows: N, columns: N, depth: E, alpha: 1, centred.baseAddress!, stride: E, .asStored,
                    centred.baseAddress!, stride: E, .transposed, beta: 0, into: similarity.baseAddress!, stride: N,
                    tile: (64, 64), team: team)
                mixed.withUnsafeMutableBufferPointer { mixed in
                    tiledProduct(
                        rows: N, columns: E, depth: N, alpha: 1, UnsafePointer(similarity.baseAddress!), stride: N,
                        .asStored, centred.baseAddress!, stride: E, .asStored, beta: 0, into: mixed.baseAddress!,
                        stride: E, tile: (64, 256), team: team)
                }
            }
        }
        let all = similarity.reduce(0) { $0 + $1 * $1 }
        let diagonal = variances.reduce(0) { $0 + $1 * $1 }
        let correlation = max(0, all - diagonal) / total / total
        let scale = 4 * factor / total
        for image in 0..<N {
            for channel in 0..<E {
                let index = image * E + channel
                let slope = (mixed[index] - variances[channel] * centred[index]) / total - correlation * centred[index]
                result[index] = Scalar(scale * slope)
            }
        }
        return (factor * correlation, result)
    }
}
