import CounterRandom
import ExplanationMetrics

/// What is done to the pixels of an image outside a place.
package enum Disturbance: String, CaseIterable, Sendable {
    /// Each colour changes by a uniform number between +-`SpatialMisalignment.noiseLimit`, in units of normalised pixels: what
    /// the published benchmark comes down to, whose gradient is 0.
    case noise
    /// The mean colour of the training images.
    case mean
    /// Grey: 128 of 255.
    case grey

    /// The whole image, disturbed: [S, S, 3]. The same for the same image, wherever it is used.
    ///
    /// - Parameter greyPixel: 128 of 255 as the network sees it, [3].
    package func callAsFunction(_ pixels: [Float], sample: Int, seed: UInt64, greyPixel: [Float]) -> [Float] {
        switch self {
        case .noise:
            var stream = RandomStream(seed: seed, purpose: .attribution, sample, 0xFF_FFFD)
            let limit = SpatialMisalignment.noiseLimit
            return pixels.map { $0 + Float(stream.uniform(in: -limit...limit)) }
        case .mean:
            return [Float](repeating: 0, count: pixels.count)
        case .grey:
            return (0..<pixels.count).map { greyPixel[$0 % 3] }
        }
    }
}

extension Disturbance {
    /// The image as it is where `isKept` says so, disturbed elsewhere.
    ///
    /// - Parameter isKept: of each pixel [S, S].
    package static func image(_ pixels: [Float], keeping isKept: [Bool], disturbed: [Float]) -> [Float] {
        var result = disturbed
        for (pixel, kept) in isKept.enumerated() where kept {
            for index in 3 * pixel..<3 * pixel + 3 { result[index] = pixels[index] }
        }
        return result
    }
}
