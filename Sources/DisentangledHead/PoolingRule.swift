import Tensors

/// How training makes one number of the pixels of a channel: the forward pass of a batch, kept for its backward pass.
///
/// Evaluation always takes the deterministic maximum (`Head`).
///
/// Who calls a pooling only knows that it is one, so that the compiler cannot see which precision it is for: the functions of
/// `FeatureBatch` that do the work say themselves that they are to be specialised for Float (without, they take fifty times as
/// long).
package protocol PoolingRule<Scalar>: Sendable {
    associatedtype Scalar: HeadScalar

    /// Pools every image of a batch.
    ///
    /// - Parameters:
    ///   - sampleIDs: [N], the samples' names in the noise of poolings that draw.
    ///   - channelMap: U [D, D]; with `turned`, its part [R, R] of these channels.
    ///   - turned: R channels, rising; on the others U is I. Nil for all channels.
    ///   - activations: takes J [N, P, D], if it is asked for.
    /// - Returns: nil if an activation is not finite, because a feature is not.
    func pool(
        _ batch: FeatureBatch<Scalar>, sampleIDs: [Int], channelMap: UnsafePointer<Scalar>, turned: [Int]?,
        keepingIn activations: UnsafeMutablePointer<Scalar>?, team: WorkerTeam
    ) -> (any PooledBatch<Scalar>)?
}

/// What a pooling made of a batch.
package protocol PooledBatch<Scalar>: Sendable {
    associatedtype Scalar: HeadScalar

    /// v [N, D], or [N, 2 D] with weights for each side (`ChannelSides`).
    var pooled: [Scalar] { get }

    /// dJ^T Y [D, D], or [R, R] of the channels `turned`, given dL/dv. May be called once.
    ///
    /// - Parameter rows: Y [N, P, D]. With the features that were pooled the result is dL/dU; with their activations J = X U^T it is
    ///   dL/dU U^T.
    mutating func channelMapGradient(
        ofPooled: [Scalar], rows: FeatureBatch<Scalar>, turned: [Int]?, team: WorkerTeam
    ) -> SquareMatrix<Scalar>
}

extension HeadConfiguration {
    /// The pooling at a step, counted from 0.
    package func poolingRule<Scalar: HeadScalar>(step: Int, seed: UInt64) -> any PoolingRule<Scalar> {
        let sharpness = annealing.sharpness(step: step)
        guard pooling != .argmax, pooling != .annealed || sharpness != nil else {
            return ArgmaxPooling<Scalar>(sides: sides)
        }
        return SurrogatePooling<Scalar>(
            pooling: pooling, temperature: temperature.temperature(step: step), topK: topK, sharpness: sharpness ?? 0,
            sides: sides, noise: PoolingNoise(seed: seed, step: step))
    }
}
