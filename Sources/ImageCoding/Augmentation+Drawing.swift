import CounterRandom
import ElementaryFunctions

extension Augmentation {
    /// Parts that are tried before the middle of the image is taken, as in torchvision.
    private static let partTrials = 10

    /// The parameters of a view of an image of `width` x `height` pixels: a pure function of the arguments.
    ///
    /// - Parameters:
    ///   - sample: number of the image in its data set.
    ///   - view: 1 or more; view 0 is the plain one and has no parameters.
    public func view(_ view: Int, ofSample sample: Int, seed: UInt64, width: Int, height: Int) -> AugmentedView {
        precondition(view > 0, "view 0 is the plain one")
        var stream = RandomStream(seed: seed, purpose: .augmentation, sample, view)
        var result = AugmentedView()
        // Everything is drawn, wanted or not, so that one setting does not change what another draws.
        result.isMirrored = stream.uniform() < flip
        result.angle = stream.uniform(in: -degrees...degrees)
        result.shear = stream.uniform(in: -shear...shear)
        func factor(_ strength: Double) -> Double { stream.uniform(in: max(0, 1 - strength)...1 + strength) }
        let changes: [(isWanted: Bool, AugmentedView.ColourChange)] = [
            (brightness > 0, .brightness(factor(brightness))), (contrast > 0, .contrast(factor(contrast))),
            (saturation > 0, .saturation(factor(saturation))), (hue > 0, .hue(stream.uniform(in: -hue...hue))),
        ]
        result.colourChanges = stream.shuffled(changes).filter(\.isWanted).map(\.1)
        // The last, since it takes more or fewer numbers.
        if let cropScale { result.part = drawPart(cropScale, width: width, height: height, from: &stream) }
        return result
    }

    /// torchvision's `RandomResizedCrop.get_params`.
    private func drawPart(
        _ scale: ClosedRange<Double>, width: Int, height: Int, from stream: inout RandomStream
    ) -> PixelRectangle {
        let area = Double(width) * Double(height)
        let logRatio = logarithm(cropRatio.lowerBound)...logarithm(cropRatio.upperBound)
        for _ in 0..<Self.partTrials {
            let partArea = area * stream.uniform(in: scale)
            let ratio = exponential(stream.uniform(in: logRatio))
            let partWidth = (partArea * ratio).squareRoot().rounded(.toNearestOrEven)
            let partHeight = (partArea / ratio).squareRoot().rounded(.toNearestOrEven)
            guard (1...Double(width)).contains(partWidth), (1...Double(height)).contains(partHeight) else { continue }
            let (x, y) = (stream.below(width - Int(partWidth) + 1), stream.below(height - Int(partHeight) + 1))
            return .init(x: x, y: y, width: Int(partWidth), height: Int(partHeight))
        }
        // The largest part in the middle whose shape is allowed.
        let ratio = Double(width) / Double(height)
        var (partWidth, partHeight) = (width, height)
        if ratio < cropRatio.lowerBound {
            partHeight = Int((Double(width) / cropRatio.lowerBound).rounded(.toNearestOrEven))
        } else if ratio > cropRatio.upperBound {
            partWidth = Int((Double(height) * cropRatio.upperBound).rounded(.toNearestOrEven))
        }
        partWidth = max(1, partWidth)
        partHeight = max(1, partHeight)
        return .init(x: (width - partWidth) / 2, y: (height - partHeight) / 2, width: partWidth, height: partHeight)
    }
}
