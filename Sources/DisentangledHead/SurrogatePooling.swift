import Tensors

/// Pooled values with their derivatives at every pixel, for the poolings whose gradient is dense.
package struct SurrogatePool<Scalar: HeadScalar>: Sendable {
    /// v [N, D], or [N, 2 D] with weights for each side (`ChannelSides`).
    package var values: [Scalar]
    /// dv_k / dJ_pk [N, P, D], or [N, P, 2 D].
    package var derivatives: [Scalar]
}

/// A pooling of training at one step.
package struct SurrogatePooling<Scalar: HeadScalar>: Sendable {
    let pooling: Pooling
    let temperature: Scalar
    let topK: Int
    /// s of `annealed`.
    let sharpness: Scalar
    let sides: ChannelSides
    let noise: PoolingNoise

    package init(
        pooling: Pooling, temperature: Double, topK: Int, sharpness: Double = 0, sides: ChannelSides = .tied,
        noise: PoolingNoise
    ) {
        self.pooling = pooling
        self.temperature = Scalar(temperature)
        self.topK = topK
        self.sharpness = Scalar(sharpness)
        self.sides = sides
        self.noise = noise
    }

    /// Pools eight channels of one image and writes their derivatives.
    ///
    /// - Parameters:
    ///   - branch: the part of v that is asked for.
    ///   - values: J of the first pixel; pixels are `stride` apart.
    ///   - scale: the root mean square of the image's features, where the pooling depends on it (`annealed`).
    ///   - scratch: 2 P vectors.
    ///   - derivatives: P vectors, one for each pixel.
    @inline(__always)
    func pool(
        _ branch: PoolingBranch, _ values: UnsafePointer<Scalar>, stride: Int, pixelCount: Int, firstChannel: Int,
        sampleID: Int, scale: Scalar, scratch: UnsafeMutablePointer<Scalar>, derivatives: UnsafeMutablePointer<Scalar>
    ) -> SIMD8<Scalar> {
        switch pooling {
        case .gumbel, .gumbelSoft:
            gumbel(
                branch, values, stride: stride, pixelCount: pixelCount, firstChannel: firstChannel, sampleID: sampleID,
                scratch: scratch, derivatives: derivatives)
        case .argmax:
            topMean(
                branch, values, stride: stride, pixelCount: pixelCount, count: 1, scratch: scratch,
                derivatives: derivatives)
        case .topk:
            topMean(
                branch, values, stride: stride, pixelCount: pixelCount, count: min(topK, pixelCount), scratch: scratch,
                derivatives: derivatives)
        case .logsumexp:
            logSumExp(
                branch, values, stride: stride, pixelCount: pixelCount, scratch: scratch, derivatives: derivatives)
        case .average:
            average(branch, values, stride: stride, pixelCount: pixelCount, derivatives: derivatives)
        case .annealed:
            annealed(
                branch, values, stride: stride, pixelCount: pixelCount, scale: scale, scratch: scratch,
                derivatives: derivatives)
        }
    }

    private typealias Lanes = SIMD8<Scalar>

    @inline(__always)
    private static func positivePart(_ x: SIMD8<Scalar>) -> SIMD8<Scalar> {
        x.replacing(with: SIMD8.zero, where: Scalar.isLess(x, SIMD8.zero))
    }

    /// Gumbel-Softmax with logits J / tau for the positive and -J / tau for the negative branch.
    ///
    /// The weights are softmax(J / tau + G) with G = -ln E, E from the exponential distribution; hence proportional to
    /// exp(J / tau) / E. The noise is not divided by tau: as tau falls, the pixel drawn becomes the maximum, which is
    /// what evaluation takes. Hard and soft weights w^h and w of a branch with r = ReLU(+-J) and s = sum_p w_p r_p give
    ///     soft:             v = s,                 dv/dJ_q = w_q [r_q > 0] + w_q (r_q - s) / tau
    ///     straight-through: v = sum_p w^h_p r_p,   dv/dJ_q = w^h_q [r_q > 0] + w_q (r_q - s) / tau
    /// and for the negative branch, which enters with a minus sign and through -J, the same formulas in +.
    @inline(__always)
    private func gumbel(
        _ branch: PoolingBranch, _ values: UnsafePointer<Scalar>, stride: Int, pixelCount: Int, firstChannel: Int,
        sampleID: Int,
        scratch: UnsafeMutablePointer<Scalar>, derivatives: UnsafeMutablePointer<Scalar>
    ) -> SIMD8<Scalar> {
        var maximum = load8(values)
        var minimum = maximum
        for pixel in 1..<max(pixelCount, 1) {
            let activation = load8(values + pixel &* stride)
            maximum.replace(with: activation, where: Scalar.isLess(maximum, activation))
            minimum.replace(with: activation, where: Scalar.isLess(activation, minimum))
        }
        let inverseTemperature = Lanes(repeating: 1 / temperature)
        let negativeScratch = scratch + pixelCount &* 8
        var words = (SIMD8<UInt32>.zero, SIMD8<UInt32>.zero, SIMD8<UInt32>.zero, SIMD8<UInt32>.zero)
        var positive = GumbelBranch<Scalar>()
        var negative = GumbelBranch<Scalar>()
        for pixel in 0..<pixelCount {
            if pixel & 1 == 0 {
                words = noise.words(sampleID: sampleID, firstChannel: firstChannel, pixelPair: pixel / 2)
            } else {
                (words.0, words.1) = (words.2, words.3)
            }
            let activation = load8(values + pixel &* stride)
            let pixelNumber = Lanes(repeating: Scalar(pixel))
            let weight = positive.add(
                exponent: (activation - maximum) * inverseTemperature, words: words.0,
                value: Self.positivePart(activation), pixelNumber: pixelNumber)
            let negativeWeight = negative.add(
                exponent: (minimum - activation) * inverseTemperature, words: words.1,
                value: Self.positivePart(-activation), pixelNumber: pixelNumber)
            store8(weight, to: scratch + pixel &* 8)
            store8(negativeWeight, to: negativeScratch + pixel &* 8)
        }

        // A branch that is not asked for has no weights.
        let scale = branch.hasPositive ? Lanes(repeating: 1) / positive.total : Lanes.zero
        let negativeScale = branch.hasNegative ? Lanes(repeating: 1) / negative.total : Lanes.zero
        let mean = positive.sum * scale
        let negativeMean = negative.sum * negativeScale
        let isHard = pooling == .gumbel
        let (zero, one) = (Lanes.zero, Lanes(repeating: 1))
        for pixel in 0..<pixelCount {
            let activation = load8(values + pixel &* stride)
            let weight = load8(scratch + pixel &* 8) * scale
            let negativeWeight = load8(negativeScratch + pixel &* 8) * negativeScale
            // One where the branch is open, zero where its ReLU cuts it off.
            let isOpen = zero.replacing(with: one, where: Scalar.isLess(zero, activation))
            let isNegativeOpen = zero.replacing(with: one, where: Scalar.isLess(activation, zero))
            let spread =
                weight * (activation * isOpen - mean)
                + negativeWeight * (-activation * isNegativeOpen - negativeMean)
            let direct = isHard ? zero : weight * isOpen + negativeWeight * isNegativeOpen
            store8(direct + spread * inverseTemperature, to: derivatives + pixel &* 8)
        }
        guard isHard else { return mean - negativeMean }
        let (drawn, negativeDrawn) = (Scalar.wholeNumbers(positive.bestPixel), Scalar.wholeNumbers(negative.bestPixel))
        for lane in 0..<8 {
            if branch.hasPositive, positive.bestValue[lane] > 0 {
                derivatives[Int(drawn[lane]) &* 8 &+ lane] += 1
            }
            if branch.hasNegative, negative.bestValue[lane] > 0 {
                derivatives[Int(negativeDrawn[lane]) &* 8 &+ lane] += 1
            }
        }
        switch branch {
        case .both: return positive.bestValue - negative.bestValue
        case .positive: return positive.bestValue
        case .negative: return -negative.bestValue
        }
    }

    /// Mean of ReLU(J) over the `count` largest J less mean of ReLU(-J) over the `count` smallest; ties: lowest pixels.
    @inline(__always)
    private func topMean(
        _ branch: PoolingBranch, _ values: UnsafePointer<Scalar>, stride: Int, pixelCount: Int, count: Int,
        scratch: UnsafeMutablePointer<Scalar>, derivatives: UnsafeMutablePointer<Scalar>
    ) -> SIMD8<Scalar> {
        let share = 1 / Scalar(count)
        for pixel in 0..<pixelCount { store8(Lanes.zero, to: derivatives + pixel &* 8) }
        var result = Lanes.zero
        for sign in [Scalar(1), -1] where branch.includes(sign: sign) {
            for pixel in 0..<pixelCount {
                store8(load8(values + pixel &* stride) * Lanes(repeating: sign), to: scratch + pixel &* 8)
            }
            for _ in 0..<count {
                var best = Lanes(repeating: -.infinity)
                var bestPixel = Lanes.zero
                for pixel in 0..<pixelCount {
                    let activation = load8(scratch + pixel &* 8)
                    let isBest = Scalar.isLess(best, activation)
                    best.replace(with: activation, where: isBest)
                    bestPixel.replace(with: Lanes(repeating: Scalar(pixel)), where: isBest)
                }
                result += Self.positivePart(best) * Lanes(repeating: sign * share)
                let bestPixels = Scalar.wholeNumbers(bestPixel)
                for lane in 0..<8 {
                    let index = Int(bestPixels[lane]) &* 8 &+ lane
                    scratch[index] = -.infinity
                    if best[lane] > 0 { derivatives[index] += share }
                }
            }
        }
        return result
    }

    /// tau ln mean exp(ReLU(J) / tau) less the same of -J.
    @inline(__always)
    private func logSumExp(
        _ branch: PoolingBranch, _ values: UnsafePointer<Scalar>, stride: Int, pixelCount: Int,
        scratch: UnsafeMutablePointer<Scalar>, derivatives: UnsafeMutablePointer<Scalar>
    ) -> SIMD8<Scalar> {
        for pixel in 0..<pixelCount { store8(Lanes.zero, to: derivatives + pixel &* 8) }
        var result = Lanes.zero
        let inverseTemperature = Lanes(repeating: 1 / temperature)
        for sign in [Scalar(1), -1] where branch.includes(sign: sign) {
            let signs = Lanes(repeating: sign)
            var largest = Lanes.zero
            for pixel in 0..<pixelCount {
                let activation = load8(values + pixel &* stride) * signs
                largest.replace(with: activation, where: Scalar.isLess(largest, activation))
            }
            var total = Lanes.zero
            for pixel in 0..<pixelCount {
                let activation = Self.positivePart(load8(values + pixel &* stride) * signs)
                let weight = Scalar.exponential((activation - largest) * inverseTemperature)
                store8(weight, to: scratch + pixel &* 8)
                total += weight
            }
            let mean = Scalar.logarithm(total / Lanes(repeating: Scalar(pixelCount)))
            result += signs * (largest + mean * Lanes(repeating: temperature))
            for pixel in 0..<pixelCount {
                let activation = load8(values + pixel &* stride) * signs
                let weight = load8(scratch + pixel &* 8) / total
                let derivative = load8(derivatives + pixel &* 8)
                store8(
                    derivative.replacing(
                        with: derivative + weight, where: Scalar.isLess(Lanes.zero, activation)),
                    to: derivatives + pixel &* 8)
            }
        }
        return result
    }

    /// mean ReLU(J) - mean ReLU(-J) = mean J, or one of the two terms.
    @inline(__always)
    private func average(
        _ branch: PoolingBranch, _ values: UnsafePointer<Scalar>, stride: Int, pixelCount: Int,
        derivatives: UnsafeMutablePointer<Scalar>
    ) -> SIMD8<Scalar> {
        let share = Lanes(repeating: 1 / Scalar(pixelCount))
        var sum = Lanes.zero
        for pixel in 0..<pixelCount {
            let activation = load8(values + pixel &* stride)
            let isNegative = Scalar.isLess(activation, Lanes.zero)
            sum += Self.part(of: activation, branch, isNegative: isNegative)
            store8(Self.part(of: share, branch, isNegative: isNegative), to: derivatives + pixel &* 8)
        }
        return sum * share
    }

    /// `x` where its pixel is part of the branch, else 0. J = 0 counts as positive.
    @inline(__always)
    private static func part(
        of x: SIMD8<Scalar>, _ branch: PoolingBranch, isNegative: SIMDMask<SIMD8<Scalar.SIMDMaskScalar>>
    ) -> SIMD8<Scalar> {
        switch branch {
        case .both: x
        case .positive: x.replacing(with: SIMD8.zero, where: isNegative)
        case .negative: SIMD8.zero.replacing(with: x, where: isNegative)
        }
    }

    /// sum_p w+_p ReLU(J_p) - sum_p w-_p ReLU(-J_p) with w+- = softmax(c ReLU(+-J)) over the pixels, c = s / `scale`.
    ///
    /// With r = ReLU(+-J) and m = sum_p w_p r_p of the branch that is open at q, dv/dJ_q = w_q (1 + c (r_q - m)); the other
    /// branch does not feel J_q. J = 0 counts as positive, so that at s = 0 every derivative is 1 / P, that of the mean. Only
    /// one of a pixel's two weights needs its own exponential: where a branch is cut off, r = 0.
    @inline(__always)
    private func annealed(
        _ branch: PoolingBranch, _ values: UnsafePointer<Scalar>, stride: Int, pixelCount: Int, scale: Scalar,
        scratch: UnsafeMutablePointer<Scalar>, derivatives: UnsafeMutablePointer<Scalar>
    ) -> SIMD8<Scalar> {
        let (zero, one) = (Lanes.zero, Lanes(repeating: 1))
        // Where all features are 0, so are all activations, and the weights do not matter.
        let rate = Lanes(repeating: scale > 0 ? min(sharpness / scale, .greatestFiniteMagnitude) : 0)
        // The largest r of the positive branch, and less that of the negative one.
        var (largest, smallest) = (zero, zero)
        for pixel in 0..<pixelCount {
            let activation = load8(values + pixel &* stride)
            largest.replace(with: activation, where: Scalar.isLess(largest, activation))
            smallest.replace(with: activation, where: Scalar.isLess(activation, smallest))
        }
        let closed = Scalar.exponential(-largest * rate)
        let negativeClosed = Scalar.exponential(smallest * rate)
        var (total, negativeTotal) = (zero, zero)
        var (sum, negativeSum) = (zero, zero)
        for pixel in 0..<pixelCount {
            let activation = load8(values + pixel &* stride)
            let isNegative = Scalar.isLess(activation, zero)
            let weight = Scalar.exponential(
                (activation - largest).replacing(with: smallest - activation, where: isNegative) * rate)
            store8(weight, to: scratch + pixel &* 8)
            total += weight.replacing(with: closed, where: isNegative)
            negativeTotal += negativeClosed.replacing(with: weight, where: isNegative)
            let product = weight * activation
            sum += product.replacing(with: zero, where: isNegative)
            negativeSum += zero.replacing(with: product, where: isNegative)
        }
        let (share, negativeShare) = (one / total, one / negativeTotal)
        // The negative one with its sign: -sum_p w-_p ReLU(-J_p).
        let (mean, negativeMean) = (sum * share, negativeSum * negativeShare)
        for pixel in 0..<pixelCount {
            let activation = load8(values + pixel &* stride)
            let isNegative = Scalar.isLess(activation, zero)
            let weight =
                load8(scratch + pixel &* 8) * share.replacing(with: negativeShare, where: isNegative)
            let distance = (activation - mean).replacing(with: negativeMean - activation, where: isNegative)
            store8(
                Self.part(of: weight * (one + rate * distance), branch, isNegative: isNegative),
                to: derivatives + pixel &* 8)
        }
        switch branch {
        case .both: return mean + negativeMean
        case .positive: return mean
        case .negative: return negativeMean
        }
    }
}

/// One branch of Gumbel pooling over the pixels of eight channels, before its weights are normalised.
private struct GumbelBranch<Scalar: HeadScalar> {
    var total = SIMD8<Scalar>.zero
    /// Weights times values.
    var sum = SIMD8<Scalar>.zero
    /// The largest weight so far, its pixel and its value.
    var best = SIMD8<Scalar>(repeating: -1)
    var bestPixel = SIMD8<Scalar>.zero
    var bestValue = SIMD8<Scalar>.zero

    /// Draws a pixel's weight e^exponent / E, where E = -ln u is exponentially distributed, and takes it in.
    @inline(__always)
    mutating func add(
        exponent: SIMD8<Scalar>, words: SIMD8<UInt32>, value: SIMD8<Scalar>, pixelNumber: SIMD8<Scalar>
    ) -> SIMD8<Scalar> {
        let weight = -Scalar.exponential(exponent) / Scalar.logarithm(Scalar.openUniform(words))
        total += weight
        sum += weight * value
        let isBest = Scalar.isLess(best, weight)
        best.replace(with: weight, where: isBest)
        bestPixel.replace(with: pixelNumber, where: isBest)
        bestValue.replace(with: value, where: isBest)
        return weight
    }
}

extension SurrogatePooling: PoolingRule {
    package func pool(
        _ batch: FeatureBatch<Scalar>, sampleIDs: [Int], channelMap: UnsafePointer<Scalar>, turned: [Int]?,
        keepingIn activations: UnsafeMutablePointer<Scalar>?, team: WorkerTeam
    ) -> (any PooledBatch<Scalar>)? {
        batch.surrogatePool(
            self, sampleIDs: sampleIDs, channelMap: channelMap, turned: turned, keepingIn: activations, team: team)
    }
}

extension SurrogatePool: PooledBatch {
    package var pooled: [Scalar] { values }

    package mutating func channelMapGradient(
        ofPooled: [Scalar], rows: FeatureBatch<Scalar>, turned: [Int]?, team: WorkerTeam
    ) -> SquareMatrix<Scalar> {
        guard let turned else {
            return rows.denseGradient(derivatives: &derivatives, ofPooled: ofPooled, team: team)
        }
        let (N, P, D) = (rows.imageCount, rows.pixelCount, rows.channelCount)
        let sides = ofPooled.count == 2 * N * D ? ChannelSides.untied : .tied
        let (places, E) = (sides.values(of: turned, among: D), sides.valuesPerChannel * D)
        var ownDerivatives = gatherColumns(places, of: derivatives, rowCount: N * P, columnCount: E, team: team)
        let ownPooled = gatherColumns(places, of: ofPooled, rowCount: N, columnCount: E, team: team)
        return rows.withChannels(turned, team: team) {
            $0.denseGradient(derivatives: &ownDerivatives, ofPooled: ownPooled, team: team)
        }
    }
}

extension FeatureBatch {
    /// Pools every image; `sampleIDs` name the samples in the noise, `activations` takes J [N, P, D] if it is asked for.
    /// - Returns: nil if an activation is not finite.
    @_specialize(where Scalar == Float)
    package func surrogatePool(
        _ pooling: SurrogatePooling<Scalar>, sampleIDs: [Int], channelMap: UnsafePointer<Scalar>,
        turned: [Int]? = nil, keepingIn activations: UnsafeMutablePointer<Scalar>? = nil, team: WorkerTeam
    ) -> SurrogatePool<Scalar>? {
        let (P, D) = (pixelCount, channelCount)
        let branches = pooling.sides.branches
        let valueCount = branches.count * D
        var isFinite = true
        let scales = pooling.pooling == .annealed ? rootMeanSquares(team: team) : []
        var values = [Scalar](repeating: 0, count: imageCount * valueCount)
        let derivatives = [Scalar](unsafeUninitializedCapacity: imageCount * P * valueCount) { derivatives, count in
            isFinite = values.withUnsafeMutableBufferPointer { values in
                forEachTile(channelMap: channelMap, turned: turned, keepingIn: activations, team: team) { tile in
                    withUnsafeTemporaryAllocation(
                        byteCount: 24 * P * MemoryLayout<Scalar>.stride, alignment: 64
                    ) { raw in
                        let scratch = raw.bindMemory(to: Scalar.self).baseAddress!
                        let groupDerivatives = scratch + 16 * P
                        tile.forEachGroup { image, channel, channelCount, activations in
                            for (index, branch) in branches.enumerated() {
                                let place = index &* D &+ channel
                                let pooled = pooling.pool(
                                    branch, activations, stride: tile.stride, pixelCount: P, firstChannel: channel,
                                    sampleID: sampleIDs[image], scale: scales.isEmpty ? 1 : scales[image],
                                    scratch: scratch, derivatives: groupDerivatives)
                                for lane in 0..<channelCount {
                                    values[image &* valueCount &+ place &+ lane] = pooled[lane]
                                }
                                for pixel in 0..<P {
                                    let target =
                                        derivatives.baseAddress! + ((image &* P &+ pixel) &* valueCount &+ place)
                                    target.initialize(from: groupDerivatives + pixel &* 8, count: channelCount)
                                }
                            }
                        }
                    }
                    return tile.isFinite
                }
            }
            count = imageCount * P * valueCount
        }
        return isFinite ? SurrogatePool(values: values, derivatives: derivatives) : nil
    }
}

extension FeatureBatch {
    /// The root mean square of each image's feature map over its pixels and channels, [N]. It is the same for X and for X U^T,
    /// and so does not depend on the channel map.
    package func rootMeanSquares(team: WorkerTeam) -> [Scalar] {
        let (P, D) = (pixelCount, channelCount)
        return [Scalar](unsafeUninitializedCapacity: imageCount) { result, count in
            nonisolated(unsafe) let result = result
            team.forEach(imageCount) { _, image in
                var total = 0.0
                for pixel in 0..<P {
                    var sums = SIMD8<Scalar>.zero
                    forEachVector(features + (image &* P &+ pixel) &* D, count: D) { sums += $0 * $0 }
                    for lane in 0..<8 { total += Double(sums[lane]) }
                }
                result[image] = Scalar((total / Double(P * D)).squareRoot())
            }
            count = imageCount
        }
    }
}
