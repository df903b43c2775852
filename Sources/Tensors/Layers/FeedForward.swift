/// The second half of a transformer's block: y = x + (narrowing(widening(x))), with a layer normalisation before, or after,
/// or nowhere. In a ConvNeXt's block, something else than x is added.
///
/// Goes over the pixels in pieces, so that the wide layer in between stays in the cache.
public struct FeedForward: Sendable {
    private let inputNormalisation: LayerNormalisation?
    private let widening: Linear
    private let narrowing: Linear
    private let outputNormalisation: LayerNormalisation?

    /// - Parameters:
    ///   - widening: with the activation function in its epilogue.
    ///   - outputNormalisation: of what is added to x.
    public init(
        inputNormalisation: LayerNormalisation? = nil, widening: Linear, narrowing: Linear,
        outputNormalisation: LayerNormalisation? = nil
    ) {
        self.inputNormalisation = inputNormalisation
        self.widening = widening
        self.narrowing = narrowing
        self.outputNormalisation = outputNormalisation
    }

    /// [N, H, W, C] to the same shape; what is added is `residual`, or `input` if nil.
    public func callAsFunction(
        _ input: Activations, adding residual: Activations? = nil, in workspace: Workspace
    ) -> Activations {
        let residual = residual ?? input
        precondition(residual.shape == input.shape, "the residual has the shape of the input")
        let channelCount = input.channelCount
        precondition(
            widening.inputCount == channelCount && narrowing.outputCount == channelCount
                && widening.outputCount == narrowing.inputCount, "the layers fit \(channelCount) channels")
        let output = Activations(
            imageCount: input.imageCount, size: input.size, channelCount: channelCount, in: workspace)
        let rowCount = input.imageCount * input.size.area
        let pieceLength = Linear.pieceLength(rowCount: rowCount, width: widening.outputCount)
        let hiddenBuffer = workspace.buffer(pieceLength * widening.outputCount)
        let normalBuffer = workspace.buffer(inputNormalisation == nil ? 0 : pieceLength * channelCount)
        let (hidden, normal) = (hiddenBuffer.pointer, normalBuffer.pointer)
        withExtendedLifetime((hiddenBuffer, normalBuffer)) {
            output.withMutablePointer { output in
                withPointers(input, residual) { input, residual in
                    for first in stride(from: 0, to: rowCount, by: pieceLength) {
                        let count = min(pieceLength, rowCount - first)
                        let (x, y) = (input + first * channelCount, output + first * channelCount)
                        inputNormalisation?.normalise(x, rowCount: count, into: normal)
                        widening.apply(
                            to: inputNormalisation == nil ? x : UnsafePointer(normal), rowCount: count, into: hidden,
                            in: workspace)
                        narrowing.apply(
                            to: hidden, rowCount: count, normalisedBy: outputNormalisation,
                            adding: residual + first * channelCount, into: y, in: workspace)
                    }
                }
            }
        }
        return output
    }
}

private func withPointers(
    _ first: Activations, _ second: Activations, _ body: (UnsafePointer<Float>, UnsafePointer<Float>) -> Void
) {
    first.withPointer { first in second.withPointer { body(first, $0) } }
}
