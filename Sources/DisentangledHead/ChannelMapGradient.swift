import Tensors

extension FeatureBatch {
    /// dL/dU [D, D] of the deterministic pooling, given dL/dv [N, D]:
    ///     dL/dU[k,:] = sum over images of dL/dv_k ([M_k > 0] x_p+(k) + [m_k < 0] x_p-(k)),
    /// if these are the features x that were pooled; with their activations in their place, dL/dU U^T.
    ///
    /// At most two pixels per channel and image are read. The features are repacked in panels of 64 columns, so that the
    /// pixels a piece of work jumps between are in the cache; terms are added in the order of the images, the positive
    /// before the negative one. Where the sides are not tied, each has its own dL/dv, or the negative one has none
    /// (`ChannelSides`).
    @_specialize(where Scalar == Float)
    package func sparseGradient(
        extrema: Extrema<Scalar>, ofPooled: [Scalar], team: WorkerTeam
    ) -> SquareMatrix<Scalar> {
        let (N, P, D) = (imageCount, pixelCount, channelCount)
        let width = 64
        // For channel k the rows of X that enter, and with what factor, two for each image: [D, 2 N].
        let entries = Self.gatherEntries(
            extrema: extrema, ofPooled: ofPooled, imageCount: N, pixelCount: P, channelCount: D, team: team)
        let scratch = UnsafeMutablePointer<Scalar>.allocate(capacity: team.workerCount * N * P * width)
        defer { scratch.deallocate() }
        return SquareMatrix(size: D) { result in
            entries.rows.withUnsafeBufferPointer { rows in
                entries.factors.withUnsafeBufferPointer { factors in
                    nonisolated(unsafe) let (result, rows, factors) = (result, rows.baseAddress!, factors.baseAddress!)
                    nonisolated(unsafe) let scratch = scratch
                    team.forEachRange(of: D, length: width) { worker, columns in
                        let panel = scratch + worker * N * P * width
                        for row in 0..<N &* P {
                            let target = panel + row &* width
                            target.update(from: features + (row &* D &+ columns.lowerBound), count: columns.count)
                            // Every place of the panel is read below.
                            for column in columns.count..<width { target[column] = 0 }
                        }
                        for channel in 0..<D {
                            Scalar.sumRows(
                                of: panel, rows: rows + channel &* 2 &* N, factors: factors + channel &* 2 &* N,
                                count: 2 &* N, into: result + (channel &* D &+ columns.lowerBound),
                                columnCount: columns.count)
                        }
                    }
                }
            }
        }
    }

    /// Row of X and factor of every term, [D, 2 N]: transposed, so that a channel's terms are contiguous. A branch that is
    /// cut off by its ReLU stays in with factor 0, which adds nothing to finite features.
    private static func gatherEntries(
        extrema: Extrema<Scalar>, ofPooled: [Scalar], imageCount: Int, pixelCount: Int, channelCount: Int,
        team: WorkerTeam
    ) -> (rows: [Int32], factors: [Scalar]) {
        let (N, P, D) = (imageCount, pixelCount, channelCount)
        let valueCount = D * extrema.sides.valuesPerChannel
        // From a channel's positive side to its negative one, which is the same number where they are tied.
        let (toNegative, hasNegative) = (valueCount - D, extrema.sides != .positive)
        var factors = [Scalar](repeating: 0, count: D * 2 * N)
        let rows = [Int32](unsafeUninitializedCapacity: D * 2 * N) { rows, count in
            nonisolated(unsafe) let rows = rows
            factors.withUnsafeMutableBufferPointer { factors in
                nonisolated(unsafe) let factors = factors
                team.forEachRange(of: D, length: 64) { _, channels in
                    for image in 0..<N {
                        for channel in channels {
                            let source = image &* D &+ channel
                            let target = (channel &* N &+ image) &* 2
                            let firstRow = Int32(truncatingIfNeeded: image &* P)
                            rows[target] = firstRow &+ extrema.maximumPixels[source]
                            rows[target &+ 1] = firstRow &+ extrema.minimumPixels[source]
                            let value = image &* valueCount &+ channel
                            factors[target] = extrema.maxima[source] > 0 ? ofPooled[value] : 0
                            factors[target &+ 1] =
                                hasNegative && extrema.minima[source] < 0 ? ofPooled[value &+ toNegative] : 0
                        }
                    }
                }
            }
            count = D * 2 * N
        }
        return (rows, factors)
    }

    /// dL/dU [D, D] of a pooling with a dense gradient: dJ^T X with dJ_pk = dL/dv_k dv_k/dJ_pk. With the activations in place of
    /// the features X that were pooled, dL/dU U^T.
    ///
    /// - Parameters:
    ///   - derivatives: dv_k/dJ_pk [N, P, D]; turned into dJ, because a copy would be the largest thing in memory. With weights
    ///     for each side, those of the positive and of the negative sides [N, P, 2 D].
    ///   - ofPooled: dL/dv [N, D] or [N, 2 D].
    @_specialize(where Scalar == Float)
    package func denseGradient(
        derivatives: inout [Scalar], ofPooled: [Scalar], team: WorkerTeam
    ) -> SquareMatrix<Scalar> {
        let (N, P, D) = (imageCount, pixelCount, channelCount)
        let hasSides = ofPooled.count == 2 * N * D
        if hasSides { derivatives = addingSides(derivatives, ofPooled: ofPooled, team: team) }
        return derivatives.withUnsafeMutableBufferPointer { derivatives in
            nonisolated(unsafe) let derivatives = derivatives.baseAddress!
            if !hasSides {
                team.forEach(N) { _, image in
                    ofPooled.withUnsafeBufferPointer { ofPooled in
                        let factors = ofPooled.baseAddress! + image &* D
                        for pixel in 0..<P {
                            let row = derivatives + (image &* P &+ pixel) &* D
                            for channel in 0..<D { row[channel] *= factors[channel] }
                        }
                    }
                }
            }
            return SquareMatrix(size: D) { result in
                let tile = SquareMatrix<Scalar>.tileLength(size: D)
                tiledProduct(
                    rows: D, columns: D, depth: N * P, alpha: 1, UnsafePointer(derivatives), stride: D, .transposed,
                    features, stride: D, .asStored, beta: 0, into: result, stride: D, tile: (tile, tile), team: team)
            }
        }
    }

    /// dJ_pk = dL/dv+_k dv+_k/dJ_pk + dL/dv-_k dv-_k/dJ_pk, [N, P, D].
    private func addingSides(_ derivatives: [Scalar], ofPooled: [Scalar], team: WorkerTeam) -> [Scalar] {
        let (N, P, D) = (imageCount, pixelCount, channelCount)
        return [Scalar](unsafeUninitializedCapacity: N * P * D) { result, count in
            nonisolated(unsafe) let result = result
            team.forEach(N) { _, image in
                for pixel in 0..<P {
                    let row = image &* P &+ pixel
                    for channel in 0..<D {
                        let (source, factor) = (row &* 2 &* D &+ channel, image &* 2 &* D &+ channel)
                        result.initializeElement(
                            at: row &* D &+ channel,
                            to: derivatives[source] * ofPooled[factor] + derivatives[source &+ D]
                                * ofPooled[factor &+ D])
                    }
                }
            }
            count = N * P * D
        }
    }
}
