import Tensors

/// Channel activations J = X U^T of a few whole images and a panel of channels, while they are in the cache.
struct ActivationTile<Scalar: HeadScalar> {
    let images: Range<Int>
    let channels: Range<Int>
    let pixelCount: Int
    /// [images, P] rows of `stride`; after the last channel come zeros up to a multiple of 16.
    let values: UnsafeMutablePointer<Scalar>
    let stride: Int

    /// Whether all activations are.
    var isFinite: Bool {
        var poison = SIMD8<Scalar>.zero
        for row in 0..<images.count &* pixelCount {
            forEachVector(values + row &* stride, count: channels.count) { poison += $0 - $0 }
        }
        return poison == SIMD8.zero
    }

    /// Copies the activations to `target`, the first one's place in J [N, P, D], of which a row has `stride` elements.
    func copy(to target: UnsafeMutablePointer<Scalar>, stride rowLength: Int) {
        for row in 0..<images.count &* pixelCount {
            (target + row &* rowLength).update(from: values + row &* stride, count: channels.count)
        }
    }

    /// Calls `body(image, first channel, channel count, J of the first pixel)` for groups of eight channels of each image;
    /// the last group of a panel may have fewer.
    @inline(__always)
    func forEachGroup(_ body: (Int, Int, Int, UnsafePointer<Scalar>) -> Void) {
        for image in images {
            let base = values + (image &- images.lowerBound) &* pixelCount &* stride
            for offset in Swift.stride(from: 0, to: channels.count, by: 8) {
                body(image, channels.lowerBound &+ offset, min(8, channels.count &- offset), base + offset)
            }
        }
    }
}

/// Feature maps [N, P, D] on loan for the length of a closure.
package struct FeatureBatch<Scalar: HeadScalar>: @unchecked Sendable {
    package let features: UnsafePointer<Scalar>
    package let imageCount, pixelCount, channelCount: Int

    package init(features: UnsafePointer<Scalar>, imageCount: Int, pixelCount: Int, channelCount: Int) {
        self.features = features
        self.imageCount = imageCount
        self.pixelCount = pixelCount
        self.channelCount = channelCount
    }

    /// Images per piece of work: a power of two with about 400 pixels, so that fetching U does not show.
    static func imagesPerBlock(pixelCount: Int) -> Int {
        var count = 1
        while count * 2 * pixelCount <= 512 { count *= 2 }
        return count
    }

    /// Channels per piece of work.
    static var channelsPerPanel: Int { 512 }

    /// Computes all activations tile by tile and shows each to `body` on the worker that computed it. An image's activations
    /// have the same bits alone and in any batch, and where U is I but for some channels, whether that is said or not.
    ///
    /// `body` says whether the activations of its tile are finite; if it does not look, `ActivationTile.isFinite` does.
    ///
    /// - Parameters:
    ///   - channelMap: U [D, D]; with `turned`, its part [R, R] of these channels.
    ///   - turned: R channels, rising; the others' activations are the features. Nil for all channels.
    ///   - kept: takes all of J [N, P, D], if it is asked for.
    /// - Returns: false if an activation is not finite, because a feature is not.
    func forEachTile(
        channelMap: UnsafePointer<Scalar>, turned: [Int]?, keepingIn kept: UnsafeMutablePointer<Scalar>? = nil,
        team: WorkerTeam, _ body: (ActivationTile<Scalar>) -> Bool
    ) -> Bool {
        let (P, D) = (pixelCount, channelCount)
        guard imageCount > 0, P > 0, D > 0 else { return true }
        let blockImages = Self.imagesPerBlock(pixelCount: P)
        let blockCount = (imageCount + blockImages - 1) / blockImages
        let panel = min(Self.channelsPerPanel, D)
        let panelCount = (D + panel - 1) / panel
        let stride = (panel + 15) / 16 * 16 + 16
        let rows = blockImages * P
        // Where whole vectors end with a row, activations that are kept are computed in their place.
        let inPlace = kept != nil && D.isMultiple(of: 16)

        let scratchCount = inPlace ? 0 : team.workerCount * rows * stride
        let scratch = UnsafeMutablePointer<Scalar>.allocate(capacity: scratchCount)
        scratch.initialize(repeating: 0, count: scratchCount)
        defer { scratch.deallocate() }
        let depth = turned?.count ?? D
        let factor = Scalar.rowFactor(transposing: channelMap, columnCount: depth, depth: depth, team: team)
        let turning = turned.map { TurnedPanels(channels: $0, batch: self, panel: panel, rows: rows, team: team) }
        defer { turning?.deallocate() }

        return withUnsafeTemporaryAllocation(of: Bool.self, capacity: blockCount * panelCount) { finite in
            finite.initialize(repeating: true)
            nonisolated(unsafe) let (finite, scratch) = (finite, scratch)
            withoutActuallyEscaping(body) { body in
                nonisolated(unsafe) let (body, kept) = (body, kept)
                team.forEach(blockCount * panelCount) { worker, piece in
                    let images =
                        piece / panelCount * blockImages..<min((piece / panelCount + 1) * blockImages, imageCount)
                    let channels = piece % panelCount * panel..<min((piece % panelCount + 1) * panel, D)
                    let place = kept.map { $0 + (images.lowerBound * P * D + channels.lowerBound) }
                    let tile = ActivationTile(
                        images: images, channels: channels, pixelCount: P,
                        values: inPlace ? place! : scratch + worker * rows * stride, stride: inPlace ? D : stride)
                    // A narrower last panel must find zeros, not another panel's channels, in its last group of sixteen.
                    if channels.count % 16 != 0 { tile.values.update(repeating: 0, count: rows * stride) }
                    if let turning {
                        turning.fill(tile, factor: factor, worker: worker)
                    } else {
                        Scalar.rowProduct(
                            rows: images.count * P, features + images.lowerBound * P * D, factor, columns: channels,
                            into: tile.values, stride: tile.stride)
                    }
                    if let place, !inPlace { tile.copy(to: place, stride: D) }
                    finite[piece] = body(tile)
                }
            }
            return finite.allSatisfy { $0 }
        }
    }
}
