import Tensors

/// How a finished head makes one number of the pixels of a channel, whatever its training did.
public enum ChannelReading: Sendable, Equatable {
    /// v_k = max(0, M_k) + min(0, m_k): at most two pixels carry all the information (method, "Forward pass", 2).
    case extrema
    /// v_k = mean_p J_pk, which keeps what a linear classifier on the mean of the feature map says:
    /// W mean_p x_p = (W U^T) mean_p J_p (EPIC, arXiv 2505.12897, section 3).
    ///
    /// The networks that normalise the mean of the feature map before their last layer have an epsilon: every pixel is then
    /// (x_p - mean(x)) / sqrt(variance(x) + epsilon), where x is the mean of the image's pixels, and mean and variance are over
    /// its channels. What the mean of these is, is what the network's last layer is given.
    case mean(epsilon: Float? = nil)
}

extension FeatureBatch {
    /// Lends the same batch, or if there is an epsilon the one whose images are standardised as `ChannelReading.mean` says.
    func withStandardisedPixels<Result>(
        epsilon: Scalar?, team: WorkerTeam, _ body: (FeatureBatch) throws -> Result
    ) rethrows -> Result {
        guard let epsilon, imageCount > 0 else { return try body(self) }
        return try standardisedPixels(epsilon: epsilon, team: team).withUnsafeBufferPointer { pixels in
            // There is an image, and so an address.
            try body(
                FeatureBatch(
                    features: pixels.baseAddress!, imageCount: imageCount, pixelCount: pixelCount,
                    channelCount: channelCount))
        }
    }

    @_specialize(where Scalar == Float)
    private func standardisedPixels(epsilon: Scalar, team: WorkerTeam) -> [Scalar] {
        let (P, D) = (pixelCount, channelCount)
        let means = pixelMeans(team: team)
        return [Scalar](unsafeUninitializedCapacity: imageCount * P * D) { pixels, count in
            nonisolated(unsafe) let pixels = pixels
            team.forEach(imageCount) { _, image in
                let (centre, scale) = Self.standardisation(of: means[image * D..<(image + 1) * D], epsilon: epsilon)
                let (shift, factor) = (Scalar(centre), Scalar(scale))
                for index in image * P * D..<(image + 1) * P * D {
                    pixels.initializeElement(at: index, to: (features[index] - shift) * factor)
                }
            }
            count = imageCount * P * D
        }
    }

    /// The mean of a row and 1 / sqrt(variance + epsilon), in double precision.
    static func standardisation(of row: ArraySlice<Scalar>, epsilon: Scalar) -> (centre: Double, scale: Double) {
        let values = row.map(Double.init)
        let centre = values.reduce(0, +) / Double(values.count)
        let variance = values.reduce(0) { $0 + ($1 - centre) * ($1 - centre) } / Double(values.count)
        return (centre, 1 / (variance + Double(epsilon)).squareRoot())
    }
}
