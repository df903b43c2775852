/// y = activation(W x + b + residual), on the channels of every pixel of [N, H, W, C].
///
/// The weights are packed when the layer is made. The layer is immutable: threads share it, each with its own workspace.
public struct Linear: Sendable {
    public let inputCount: Int
    public let outputCount: Int
    public let activation: ActivationFunction

    /// [inputs, outputs].
    let weights: PackedMatrix
    /// Filled up with zeros to whole panels.
    let biases: [Float]

    /// - Parameters:
    ///   - weights: [outputs, inputs], PyTorch's order.
    ///   - biases: one per output; zero if nil.
    public init(
        inputCount: Int, outputCount: Int, weights: [Float], biases: [Float]? = nil,
        activation: ActivationFunction = .identity
    ) {
        precondition(
            weights.count == outputCount * inputCount, "\(weights.count) weights for [\(outputCount), \(inputCount)]")
        precondition(biases.map { $0.count == outputCount } ?? true, "a bias for each of \(outputCount) outputs")
        self.inputCount = inputCount
        self.outputCount = outputCount
        self.activation = activation
        self.weights = PackedMatrix(depth: inputCount, columnCount: outputCount) { k, n in
            weights[n * inputCount + k]
        }
        self.biases = PackedMatrix.padded(biases ?? Array(repeating: 0, count: outputCount))
    }

    /// [N, H, W, inputs] to [N, H, W, outputs], on the calling thread.
    ///
    /// A pixel's result is the same, bit for bit, whatever other pixels there are.
    /// - Parameter residual: [N, H, W, outputs] or nil.
    public func callAsFunction(
        _ input: Activations, adding residual: Activations? = nil, in workspace: Workspace
    ) -> Activations {
        precondition(
            input.channelCount == inputCount, "a layer of \(inputCount) inputs was given \(input.channelCount)")
        let output = Activations(
            imageCount: input.imageCount, size: input.size, channelCount: outputCount, in: workspace)
        precondition(residual == nil || residual!.shape == output.shape, "the residual has the shape of the result")
        let rowCount = input.imageCount * input.size.area
        output.withMutablePointer { output in
            input.withPointer { input in
                if let residual {
                    residual.withPointer {
                        apply(to: input, rowCount: rowCount, adding: $0, into: output, in: workspace)
                    }
                } else {
                    apply(to: input, rowCount: rowCount, into: output, in: workspace)
                }
            }
        }
        return output
    }
}

// MARK: - Rows

extension Linear {
    /// Rows to compute together so that `width` floats of each stay in a core's L2 cache while the weights pass by: enough
    /// of them that fetching the weights is hidden, and pieces of equal length, since a short one pays for the weights
    /// all the same.
    ///
    /// For wide layers the weights decide: the tiles of AVX2 fetch them more often than those of AVX-512 do (measured for
    /// 768 x 3072: 264 rows are 8 % faster than 96 on Zen 3).
    static func pieceLength(rowCount: Int, width: Int) -> Int {
        let fitting = max(Processor.hasWideVectors ? 96 : 264, min(480, 128 * 1024 / width))
        let pieceCount = max(1, (rowCount + fitting - 1) / fitting)
        // Whole tiles.
        return ((rowCount + pieceCount - 1) / pieceCount + 5) / 6 * 6
    }

    /// The layer on contiguous rows, and then, if given, a normalisation and a residual, which may be the input.
    func apply(
        to input: UnsafePointer<Float>, rowCount: Int, normalisedBy normalisation: LayerNormalisation? = nil,
        adding residual: UnsafePointer<Float>? = nil, into output: UnsafeMutablePointer<Float>,
        in workspace: Workspace
    ) {
        if workspace.compute == .bf16 {
            return applyRounded(
                to: input, rowCount: rowCount, normalisedBy: normalisation, adding: residual, into: output,
                in: workspace)
        }
        let pieceLength = Self.pieceLength(rowCount: rowCount, width: max(inputCount, outputCount))
        GatheredRows.forEachPiece(
            of: input, rowCount: rowCount, rowLength: inputCount, pieceLength: pieceLength
        ) { rows, first in
            let piece = output + first * outputCount
            biases.withUnsafeBufferPointer { biases in
                multiply(
                    rows, weights, adding: AddedRows(repeating: biases.baseAddress!),
                    activation: residual == nil ? activation : .identity, into: piece, stride: outputCount,
                    in: workspace)
            }
            finish(
                piece, rowCount: rows.rowCount, normalisedBy: normalisation,
                adding: residual.map { $0 + first * outputCount })
        }
    }

    /// Whether products in this workspace are made of rows in pairs.
    func goesInPairs(rowsPerImage: Int, in workspace: Workspace) -> Bool {
        workspace.engine == .packed && workspace.compute == .f32 && activation != .relu
            && StrassenRows.suits(rowsPerImage: rowsPerImage, depth: inputCount, columnCount: outputCount)
    }

    /// The same on all rows of some images, in pairs where that is faster: a row's result has the same bits whatever is in the other pairs.
    func apply(
        to input: UnsafePointer<Float>, _ rows: RowPairs, normalisedBy normalisation: LayerNormalisation? = nil,
        adding residual: UnsafePointer<Float>? = nil, into output: UnsafeMutablePointer<Float>,
        in workspace: Workspace
    ) {
        guard goesInPairs(rowsPerImage: rows.rowsPerImage, in: workspace) else {
            return apply(
                to: input, rowCount: rows.rows.count, normalisedBy: normalisation, adding: residual, into: output,
                in: workspace)
        }
        for piece in rows.pieces(length: StrassenRows.pieceLength) {
            let first = piece.rows.lowerBound
            let result = output + first * outputCount
            let factor = StrassenRows(input + first * inputCount, piece, depth: inputCount, in: workspace)
            biases.withUnsafeBufferPointer { biases in
                factor.multiply(
                    weights, columns: 0..<outputCount, adding: biases.baseAddress!,
                    activation: residual == nil ? activation : .identity, into: result, stride: outputCount)
            }
            finish(
                result, rowCount: piece.rows.count, normalisedBy: normalisation,
                adding: residual.map { $0 + first * outputCount })
        }
    }

    /// What comes after the products and the biases.
    func finish(
        _ rows: UnsafeMutablePointer<Float>, rowCount: Int, normalisedBy normalisation: LayerNormalisation?,
        adding residual: UnsafePointer<Float>?
    ) {
        normalisation?.normalise(rows, rowCount: rowCount, into: rows)
        if let residual { add(residual, to: rows, count: rowCount * outputCount, activation: activation) }
    }
}
