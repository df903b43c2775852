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
        if workspace.compute == .bf16 {
            output.withMutablePointer { output in
                withPointers(input, residual) {
                    computeRounded($0, rowCount: rowCount, adding: $1, into: output, in: workspace)
                }
            }
            return output
        }
        let rows = RowPairs(imageCount: input.imageCount, rowsPerImage: input.size.area)
        let isPaired = [widening, narrowing].allSatisfy {
            $0.goesInPairs(rowsPerImage: rows.rowsPerImage, in: workspace)
        }
        if isPaired {
            output.withMutablePointer { output in
                withPointers(input, residual) {
                    computeInPairs($0, rows, adding: $1, into: output, in: workspace)
                }
            }
            return output
        }
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

extension FeedForward {
    /// The same for large layers, with rows in pairs: one block of the wide layer's columns after the other, which is a piece of the depth of the
    /// second product, and stays in the cache until then.
    private func computeInPairs(
        _ input: UnsafePointer<Float>, _ rows: RowPairs, adding residual: UnsafePointer<Float>,
        into output: UnsafeMutablePointer<Float>, in workspace: Workspace
    ) {
        let (channelCount, blocks) = (narrowing.outputCount, StrassenRows.pieces(of: widening.outputCount))
        let pieces = rows.pieces(length: StrassenRows.pieceLength)
        let pieceLength = pieces.map(\.rows.count).max() ?? 0
        let hidden = workspace.buffer(pieceLength * blocks[0].count)
        let normal = workspace.buffer(inputNormalisation == nil ? 0 : pieceLength * channelCount)
        withExtendedLifetime((hidden, normal)) {
            for piece in pieces {
                let first = piece.rows.lowerBound * channelCount
                let (x, y) = (input + first, output + first)
                inputNormalisation?.normalise(x, rowCount: piece.rows.count, into: normal.pointer)
                let wide = StrassenRows(
                    inputNormalisation == nil ? x : UnsafePointer(normal.pointer), piece, depth: channelCount,
                    in: workspace)
                for block in blocks {
                    widening.biases.withUnsafeBufferPointer {
                        wide.multiply(
                            widening.weights, columns: block, adding: $0.baseAddress!, activation: widening.activation,
                            into: hidden.pointer, stride: block.count)
                    }
                    let narrow = StrassenRows(hidden.pointer, piece, depth: block.count, in: workspace)
                    narrowing.biases.withUnsafeBufferPointer {
                        narrow.multiply(
                            narrowing.weights, from: block.lowerBound, columns: 0..<channelCount,
                            adding: block.lowerBound == 0 ? $0.baseAddress! : nil, activation: .identity, into: y,
                            stride: channelCount)
                    }
                }
                narrowing.finish(
                    y, rowCount: piece.rows.count, normalisedBy: outputNormalisation, adding: residual + first)
            }
        }
    }
}

extension FeedForward {
    /// The same with products of brain floats: what the wide layer makes is rounded while it is in the first cache.
    private func computeRounded(
        _ input: UnsafePointer<Float>, rowCount: Int, adding residual: UnsafePointer<Float>,
        into output: UnsafeMutablePointer<Float>, in workspace: Workspace
    ) {
        let (channelCount, hiddenCount) = (narrowing.outputCount, widening.outputCount)
        let hiddenStride = (hiddenCount + 1) / 2 * 2
        // Brain floats take half the room.
        let pieceLength = Linear.pieceLength(rowCount: rowCount, width: (hiddenCount + 1) / 2)
        let hidden = workspace.brainFloatBuffer(pieceLength * hiddenStride)
        let normal = workspace.buffer(inputNormalisation == nil ? 0 : pieceLength * channelCount)
        if hiddenStride > hiddenCount {
            for row in 0..<pieceLength { hidden.brainFloats[row * hiddenStride + hiddenCount] = 0 }
        }
        withExtendedLifetime((hidden, normal)) {
            for first in stride(from: 0, to: rowCount, by: pieceLength) {
                let count = min(pieceLength, rowCount - first)
                let (x, y) = (input + first * channelCount, output + first * channelCount)
                inputNormalisation?.normalise(x, rowCount: count, into: normal.pointer)
                widening.applyRounded(
                    to: inputNormalisation == nil ? x : UnsafePointer(normal.pointer), rowCount: count,
                    into: .brainFloats(hidden.brainFloats, stride: hiddenStride), in: workspace)
                let added = residual + first * channelCount
                narrowing.apply(
                    toRounded: hidden.brainFloats, rowCount: count, stride: hiddenStride,
                    adding: outputNormalisation == nil ? added : nil, into: y)
                if let outputNormalisation {
                    outputNormalisation.normalise(y, rowCount: count, into: y)
                    add(added, to: y, count: count * channelCount, activation: .identity)
                }
            }
        }
    }
}

private func withPointers(
    _ first: Activations, _ second: Activations, _ body: (UnsafePointer<Float>, UnsafePointer<Float>) -> Void
) {
    first.withPointer { first in second.withPointer { body(first, $0) } }
}
