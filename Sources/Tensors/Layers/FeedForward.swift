/// residual + narrowing(widening(normalisation(x))), pixel by pixel: the two linear layers of a transformer's or a ConvNeXt's
/// block.
///
/// Goes over the pixels in pieces, so that the wide layer between the two stays in the cache and is never stored whole. Each
/// number is the same as when the layers are called one after the other.
public struct FeedForward: Sendable {
    private let normalisation: LayerNormalisation
    private let widening: Linear
    private let narrowing: Linear

    /// - Parameters:
    ///   - widening: with the activation function between the layers.
    ///   - narrowing: without one.
    public init(normalisation: LayerNormalisation, widening: Linear, narrowing: Linear) {
        precondition(
            widening.inputCount == normalisation.channelCount && narrowing.inputCount == widening.outputCount,
            "\(normalisation.channelCount), \(widening.inputCount) to \(widening.outputCount) and "
                + "\(narrowing.inputCount) inputs do not follow each other")
        self.normalisation = normalisation
        self.widening = widening
        self.narrowing = narrowing
    }

    /// [N, H, W, inputs] to [N, H, W, outputs]; `residual` has the shape of the result.
    public func callAsFunction(
        _ input: Activations, adding residual: Activations, in workspace: Workspace
    ) -> Activations {
        precondition(
            input.channelCount == normalisation.channelCount,
            "a layer of \(normalisation.channelCount) inputs was given \(input.channelCount)")
        let output = Activations(
            imageCount: input.imageCount, size: input.size, channelCount: narrowing.outputCount, in: workspace)
        precondition(residual.shape == output.shape, "the residual has the shape of the result")
        let rowCount = input.imageCount * input.size.area
        let pieceLength = max(96, min(480, 48 * 1024 / widening.outputCount / 6 * 6))
        func piece(_ channelCount: Int) -> Activations {
            Activations(
                imageCount: 1, size: SpatialSize(height: 1, width: pieceLength), channelCount: channelCount,
                in: workspace)
        }
        let (normalised, wide) = (piece(widening.inputCount), piece(widening.outputCount))
        output.withMutablePointer { output in
            input.withPointer { input in
                residual.withPointer { residual in
                    normalised.withMutablePointer { normalised in
                        wide.withMutablePointer { wide in
                            for first in stride(from: 0, to: rowCount, by: pieceLength) {
                                let count = min(pieceLength, rowCount - first)
                                normalisation.normalise(
                                    input + first * widening.inputCount, rowCount: count, into: normalised)
                                widening.apply(to: normalised, rowCount: count, into: wide)
                                narrowing.apply(
                                    to: wide, rowCount: count, adding: residual + first * narrowing.outputCount,
                                    into: output + first * narrowing.outputCount)
                            }
                        }
                    }
                }
            }
        }
        return output
    }
}
