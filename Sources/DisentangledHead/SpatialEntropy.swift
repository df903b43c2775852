import Tensors

/// A term of a batch that is a function of the activations.
package struct ActivationTerm<Scalar: HeadScalar>: Sendable {
    /// Added up over the images, in their order and in double precision.
    package var sum: Double
    /// Its derivatives by J [N, P, D].
    package var gradient: [Scalar]
}

extension FeatureBatch {
    /// How spread out over the pixels each channel is: the sum over images and channels of w_k H_k with the entropy
    ///     H_k = - sum_p q_p ln q_p / ln P,   q_p = r_p / sum_p r_p,
    /// which is 0 for a channel that fires at one pixel alone and 1 for one that fires alike at all. The weights are constants.
    ///
    /// Where both sides of a channel share a weight, they are shown as one thing, and r = |J|: then a channel that answers
    /// in one place and its opposite that answers in another are two places. Where a side has a weight of its own, or alone
    /// counts, r = ReLU(+-J) of that side.
    ///     dH_k/dJ_q = - sign(J_q) (ln q_q + H_k ln P) / (ln P sum_p r_p),
    /// and 0 where r_q is.
    ///
    /// - Parameters:
    ///   - channelMap: U, and with `turned` its part, as in `forEachTile`.
    ///   - weights: w [N, D], or [N, 2 D] with weights for each side.
    /// - Returns: nil if an activation is not finite, because a feature is not.
    @_specialize(where Scalar == Float)
    package func spatialEntropy(
        channelMap: [Scalar], turned: [Int]? = nil, weights: [Scalar], sides: ChannelSides, team: WorkerTeam
    ) -> ActivationTerm<Scalar>? {
        let (N, P, D) = (imageCount, pixelCount, channelCount)
        let branches = sides.branches
        let valueCount = branches.count * D
        let logarithmOfCount = Scalar(logarithm(Double(P)))
        precondition(weights.count == N * valueCount && P > 1, "weights of another batch, or no places to spread over")
        var terms = [Scalar](repeating: 0, count: N * D)
        var isFinite = true
        let gradient = [Scalar](unsafeUninitializedCapacity: N * P * D) { gradient, count in
            isFinite = terms.withUnsafeMutableBufferPointer { terms in
                forEachTile(channelMap: channelMap, turned: turned, team: team) { tile in
                    withUnsafeTemporaryAllocation(
                        byteCount: 16 * P * MemoryLayout<Scalar>.stride, alignment: 64
                    ) { raw in
                        let scratch = raw.bindMemory(to: Scalar.self).baseAddress!
                        let derivatives = scratch + 8 * P
                        tile.forEachGroup { image, channel, channelCount, activations in
                            var sum = SIMD8<Scalar>.zero
                            for pixel in 0..<P { store8(SIMD8.zero, to: derivatives + pixel &* 8) }
                            for (index, branch) in branches.enumerated() {
                                var weight = SIMD8<Scalar>.zero
                                for lane in 0..<channelCount {
                                    weight[lane] = weights[image &* valueCount &+ index &* D &+ channel &+ lane]
                                }
                                sum += Self.addEntropy(
                                    branch, activations, stride: tile.stride, pixelCount: P, weight: weight,
                                    logarithmOfCount: logarithmOfCount, scratch: scratch, derivatives: derivatives)
                            }
                            for lane in 0..<channelCount { terms[image &* D &+ channel &+ lane] = sum[lane] }
                            for pixel in 0..<P {
                                let target = gradient.baseAddress! + ((image &* P &+ pixel) &* D &+ channel)
                                target.initialize(from: derivatives + pixel &* 8, count: channelCount)
                            }
                        }
                    }
                    return tile.isFinite
                }
            }
            count = N * P * D
        }
        guard isFinite else { return nil }
        var sum = 0.0
        for term in terms { sum += Double(term) }
        return ActivationTerm(sum: sum, gradient: gradient)
    }

    /// w H of a branch of eight channels; its derivatives are added to `derivatives`.
    ///
    /// - Parameter scratch: P vectors.
    @inline(__always)
    private static func addEntropy(
        _ branch: PoolingBranch, _ values: UnsafePointer<Scalar>, stride: Int, pixelCount: Int, weight: SIMD8<Scalar>,
        logarithmOfCount: Scalar, scratch: UnsafeMutablePointer<Scalar>, derivatives: UnsafeMutablePointer<Scalar>
    ) -> SIMD8<Scalar> {
        typealias Lanes = SIMD8<Scalar>
        let (zero, smallest) = (Lanes.zero, Lanes(repeating: .leastNormalMagnitude))
        var total = zero
        for pixel in 0..<pixelCount { total += strength(load8(values + pixel &* stride), branch) }
        // A channel that does not fire is nowhere, and so is one whose sum has no reciprocal.
        let isSilent = Scalar.isLess(total, smallest)
        let scale = (Lanes(repeating: 1) / total.replacing(with: Lanes(repeating: 1), where: isSilent))
            .replacing(with: zero, where: isSilent)
        var entropy = zero
        for pixel in 0..<pixelCount {
            let share = strength(load8(values + pixel &* stride), branch) * scale
            let logarithm = Scalar.logarithm(share.replacing(with: smallest, where: Scalar.isLess(share, smallest)))
            store8(logarithm, to: scratch + pixel &* 8)
            entropy -= share * logarithm
        }
        let normalised = weight / Lanes(repeating: logarithmOfCount)
        let factor = normalised * scale
        for pixel in 0..<pixelCount {
            let activation = load8(values + pixel &* stride)
            let slope = (load8(scratch + pixel &* 8) + entropy) * factor
            // -sign(J) times it: J < 0 is part of a branch unless the positive one, J > 0 unless the negative one.
            var derivative = zero
            if branch.hasPositive { derivative.replace(with: -slope, where: Scalar.isLess(zero, activation)) }
            if branch.hasNegative { derivative.replace(with: slope, where: Scalar.isLess(activation, zero)) }
            store8(load8(derivatives + pixel &* 8) + derivative, to: derivatives + pixel &* 8)
        }
        return normalised * entropy
    }

    /// r: |J|, or the ReLU of one side.
    @inline(__always)
    private static func strength(_ activation: SIMD8<Scalar>, _ branch: PoolingBranch) -> SIMD8<Scalar> {
        let isNegative = Scalar.isLess(activation, SIMD8.zero)
        return switch branch {
        case .both: activation.replacing(with: -activation, where: isNegative)
        case .positive: activation.replacing(with: SIMD8.zero, where: isNegative)
        case .negative: SIMD8.zero.replacing(with: -activation, where: isNegative)
        }
    }

    /// Each number's share of its image's pooled strength, |v_k| / sum_k |v_k|, times `factor`; 0 where all of an image's are
    /// about 0. [N, D], or [N, 2 D] with weights for each side.
    @_specialize(where Scalar == Float)
    package func pooledShares(_ pooled: [Scalar], factor: Double) -> [Scalar] {
        let valueCount = pooled.count / max(imageCount, 1)
        var shares = pooled
        for start in stride(from: 0, to: imageCount * valueCount, by: max(valueCount, 1)) {
            var total = 0.0
            for index in start..<start + valueCount { total += Double(abs(pooled[index])) }
            // Below, gradients by J would be numbers that cannot be squared.
            let scale = total < Double(Scalar.leastNormalMagnitude.squareRoot()) ? 0 : factor / total
            for index in start..<start + valueCount { shares[index] = Scalar(Double(abs(pooled[index])) * scale) }
        }
        return shares
    }
}
