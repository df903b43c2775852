import Tensors

/// The largest and smallest activation of every channel and where they are, [N, D] each.
package struct Extrema<Scalar: HeadScalar>: Sendable, Equatable {
    /// M_k = max_p J_pk.
    package var maxima: [Scalar]
    /// The lowest pixel where it is reached.
    package var maximumPixels: [Int32]
    /// m_k = min_p J_pk.
    package var minima: [Scalar]
    /// The lowest pixel where it is reached.
    package var minimumPixels: [Int32]
    /// D.
    package var channelCount: Int
    /// What v is made of.
    package var sides = ChannelSides.tied

    /// v_k = max(0, M_k) + min(0, m_k) [N, D], or what else the sides say (`ChannelSides`).
    @_specialize(where Scalar == Float)
    package func pooledValues() -> [Scalar] {
        switch sides {
        case .tied: sums()
        case .positive: maxima.map { $0 > 0 ? $0 : 0 }
        case .untied:
            stride(from: 0, to: maxima.count, by: channelCount).flatMap { start in
                maxima[start..<start + channelCount].map { $0 > 0 ? $0 : 0 }
                    + minima[start..<start + channelCount].map { $0 < 0 ? $0 : 0 }
            }
        }
    }

    private func sums() -> [Scalar] {
        [Scalar](unsafeUninitializedCapacity: maxima.count) { values, count in
            for index in maxima.indices {
                let (high, low) = (maxima[index], minima[index])
                values[index] = (high > 0 ? high : 0) + (low < 0 ? low : 0)
            }
            count = maxima.count
        }
    }
}

/// The deterministic maximum and minimum, with the sparse gradient.
struct ArgmaxPooling<Scalar: HeadScalar>: PoolingRule {
    var sides = ChannelSides.tied

    func pool(
        _ batch: FeatureBatch<Scalar>, sampleIDs: [Int], channelMap: UnsafePointer<Scalar>, turned: [Int]?,
        keepingIn activations: UnsafeMutablePointer<Scalar>?, team: WorkerTeam
    ) -> (any PooledBatch<Scalar>)? {
        batch.extrema(channelMap: channelMap, turned: turned, sides: sides, keepingIn: activations, team: team)
    }
}

extension Extrema: PooledBatch {
    package var pooled: [Scalar] { pooledValues() }

    package func channelMapGradient(
        ofPooled: [Scalar], rows: FeatureBatch<Scalar>, turned: [Int]?, team: WorkerTeam
    ) -> SquareMatrix<Scalar> {
        guard let turned else { return rows.sparseGradient(extrema: self, ofPooled: ofPooled, team: team) }
        func gathered<Element>(_ values: [Element]) -> [Element] {
            gatherColumns(turned, of: values, rowCount: rows.imageCount, columnCount: channelCount, team: team)
        }
        let extrema = Extrema(
            maxima: gathered(maxima), maximumPixels: gathered(maximumPixels), minima: gathered(minima),
            minimumPixels: gathered(minimumPixels), channelCount: turned.count, sides: sides)
        let ofTurned = gatherColumns(
            sides.values(of: turned, among: channelCount), of: ofPooled, rowCount: rows.imageCount,
            columnCount: channelCount * sides.valuesPerChannel, team: team)
        return rows.withChannels(turned, team: team) {
            $0.sparseGradient(extrema: extrema, ofPooled: ofTurned, team: team)
        }
    }
}

extension FeatureBatch {
    /// The deterministic pooling of every image; `channelMap` and `turned` as in `forEachTile`.
    ///
    /// - Parameter means: takes the means over the pixels of ReLU(J_pk) [N, D] and then of -ReLU(-J_pk) [N, D], if they are asked
    ///   for.
    /// - Parameter activations: takes J [N, P, D], if it is asked for.
    /// - Returns: nil if an activation is not finite.
    @_specialize(where Scalar == Float)
    package func extrema(
        channelMap: UnsafePointer<Scalar>, turned: [Int]? = nil, sides: ChannelSides = .tied,
        means: UnsafeMutablePointer<Scalar>? = nil, keepingIn activations: UnsafeMutablePointer<Scalar>? = nil,
        team: WorkerTeam
    ) -> Extrema<Scalar>? {
        let count = imageCount * channelCount
        var result = Extrema<Scalar>(
            maxima: Array(repeating: 0, count: count), maximumPixels: Array(repeating: 0, count: count),
            minima: Array(repeating: 0, count: count), minimumPixels: Array(repeating: 0, count: count),
            channelCount: channelCount, sides: sides)
        let isFinite = result.maxima.withUnsafeMutableBufferPointer { maxima in
            result.maximumPixels.withUnsafeMutableBufferPointer { maximumPixels in
                result.minima.withUnsafeMutableBufferPointer { minima in
                    result.minimumPixels.withUnsafeMutableBufferPointer { minimumPixels in
                        forEachTile(channelMap: channelMap, turned: turned, keepingIn: activations, team: team) {
                            tile in
                            var isFinite = true
                            for image in tile.images {
                                let offset = (image &- tile.images.lowerBound) &* pixelCount &* tile.stride
                                let start = image &* channelCount &+ tile.channels.lowerBound
                                let isImageFinite = Scalar.findExtrema(
                                    tile.values + offset, stride: tile.stride, rowCount: pixelCount,
                                    columnCount: tile.channels.count, maxima: maxima.baseAddress! + start,
                                    maximumRows: maximumPixels.baseAddress! + start,
                                    minima: minima.baseAddress! + start,
                                    minimumRows: minimumPixels.baseAddress! + start)
                                isFinite = isFinite && isImageFinite
                            }
                            guard let means else { return isFinite }
                            tile.forEachGroup { image, channel, channelCount, values in
                                let start = image &* self.channelCount &+ channel
                                let side = Self.sideMeansOfGroup(
                                    values, stride: tile.stride, pixelCount: pixelCount)
                                for lane in 0..<channelCount {
                                    means[start &+ lane] = side.positive[lane]
                                    means[count &+ start &+ lane] = side.negative[lane]
                                }
                            }
                            return isFinite
                        }
                    }
                }
            }
        }
        return isFinite ? result : nil
    }

    /// Means of ReLU(J_pk) and of -ReLU(-J_pk) of eight channels over the pixels.
    @inline(__always)
    private static func sideMeansOfGroup(
        _ values: UnsafePointer<Scalar>, stride: Int, pixelCount: Int
    ) -> (positive: SIMD8<Scalar>, negative: SIMD8<Scalar>) {
        var (positive, negative) = (SIMD8<Scalar>.zero, SIMD8<Scalar>.zero)
        for pixel in 0..<pixelCount {
            let activation = load8(values + pixel &* stride)
            var high = activation
            high.replace(with: .zero, where: Scalar.isLess(activation, .zero))
            positive += high
            negative += activation - high
        }
        let count = SIMD8<Scalar>(repeating: Scalar(pixelCount))
        return (positive / count, negative / count)
    }

    /// All activations J [N, P, D].
    /// - Returns: nil if one is not finite.
    package func activations(
        channelMap: UnsafePointer<Scalar>, turned: [Int]? = nil, team: WorkerTeam
    ) -> [Scalar]? {
        var isFinite = true
        let result = [Scalar](unsafeUninitializedCapacity: imageCount * pixelCount * channelCount) { buffer, count in
            isFinite = forEachTile(channelMap: channelMap, turned: turned, keepingIn: buffer.baseAddress, team: team) {
                $0.isFinite
            }
            count = imageCount * pixelCount * channelCount
        }
        return isFinite ? result : nil
    }
}
