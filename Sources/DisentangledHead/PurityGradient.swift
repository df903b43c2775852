import Tensors

/// A pair of a channel and one of its prototypes in a batch, at the channel's best pixel.
private struct PurePixel<Scalar: HeadScalar>: Sendable {
    let channel: Int
    /// Row of the features, image by image.
    let row: Int
    /// J_pk / |x_p|.
    let purity: Double
    /// 1 / |x_p|.
    let inverseNorm: Double
}

extension FeatureBatch {
    /// Minus the sum of the purities of the pairs in a batch, and dL/dU [D, D] (`PrototypePurity`): only the pixels where channels are
    /// largest in their prototypes enter, P D multiplications a pair. Pairs are added up image by image, channel by channel.
    ///
    /// - Parameters:
    ///   - channelMap: U [D, D].
    ///   - channels: of each image, the channels that it is a prototype of, rising.
    ///   - scale: what loss and gradient are multiplied by.
    /// - Returns: nil if an activation is not finite.
    @_specialize(where Scalar == Float)
    func purityGradient(
        channelMap: UnsafePointer<Scalar>, channels: [[Int]], scale: Double, team: WorkerTeam
    ) throws -> (lossSum: Double, gradient: SquareMatrix<Scalar>)? {
        let width = channelCount
        nonisolated(unsafe) let map = channelMap
        let found = try team.map(imageCount) { _, image in
            channels[image].map { bestPixel(of: $0, in: image, channelMap: map) }
        }
        var sum = 0.0
        var terms = [[(row: Int, factor: Scalar)]](repeating: [], count: width)
        for pixel in found.joined() {
            guard pixel.purity.isFinite else { return nil }
            sum += pixel.purity
            terms[pixel.channel].append((pixel.row, Scalar(-scale * pixel.inverseNorm)))
        }
        let gradient = SquareMatrix<Scalar>(size: width) { result in
            nonisolated(unsafe) let result = result
            team.forEach(width) { [terms] _, channel in
                let row = result + channel &* width
                row.update(repeating: 0, count: width)
                for term in terms[channel] {
                    let pixel = features + term.row &* width
                    for column in 0..<width { row[column].addProduct(pixel[column], term.factor) }
                }
            }
        }
        return (-scale * sum, gradient)
    }

    /// The pixel of an image where a channel is largest, the lowest of equal ones. A pixel of zeros has no purity.
    @inline(__always)
    private func bestPixel(of channel: Int, in image: Int, channelMap: UnsafePointer<Scalar>) -> PurePixel<Scalar> {
        let width = channelCount
        let row = channelMap + channel &* width
        var best = (pixel: image &* pixelCount, activation: -Scalar.infinity)
        for pixel in image &* pixelCount..<(image &+ 1) &* pixelCount {
            let activation = Self.product(row, features + pixel &* width, count: width)
            // What is not a number is kept, so that it is seen.
            if !(activation <= best.activation) { best = (pixel, activation) }
        }
        let pixel = features + best.pixel &* width
        let norm = Double(Self.product(pixel, pixel, count: width)).squareRoot()
        let inverse = norm > 0 ? 1 / norm : 0
        return PurePixel(
            channel: channel, row: best.pixel, purity: norm.isFinite ? Double(best.activation) * inverse : .nan,
            inverseNorm: inverse)
    }

    /// The sum of a_i b_i, in four vectors of eight lanes and in this order on every processor.
    @inline(__always)
    private static func product(_ a: UnsafePointer<Scalar>, _ b: UnsafePointer<Scalar>, count: Int) -> Scalar {
        typealias Lanes = SIMD8<Scalar>
        var (s0, s1, s2, s3) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
        let whole = count / 32 * 32
        for index in stride(from: 0, to: whole, by: 32) {
            s0.addProduct(load8(a + index), load8(b + index))
            s1.addProduct(load8(a + index + 8), load8(b + index + 8))
            s2.addProduct(load8(a + index + 16), load8(b + index + 16))
            s3.addProduct(load8(a + index + 24), load8(b + index + 24))
        }
        let lanes = (s0 + s1) + (s2 + s3)
        var sum = Scalar.zero
        for lane in 0..<8 { sum += lanes[lane] }
        for index in whole..<count { sum.addProduct(a[index], b[index]) }
        return sum
    }
}
