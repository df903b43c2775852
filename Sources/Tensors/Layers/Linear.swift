/// y = activation(W x + b + residual), on the channels of every pixel of [N, H, W, C].
///
/// The weights are packed when the layer is made. The layer is immutable: threads share it, each with its own workspace.
public struct Linear: Sendable {
    public let inputCount: Int
    public let outputCount: Int
    public let activation: ActivationFunction

    /// [inputs, outputs].
    private let weights: PackedMatrix
    /// Filled up with zeros to whole panels.
    private let biases: [SIMD8<Float>]

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
        self.weights = PackedMatrix(depth: inputCount, columnCount: outputCount) { k, n in weights[n * inputCount + k] }
        let padded = (biases ?? Array(repeating: 0, count: outputCount)) + Array(repeating: 0, count: 15)
        self.biases = (0..<self.weights.panelCount * 2).map { SIMD8(padded[$0 * 8..<($0 + 1) * 8]) }
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
                for first in stride(from: 0, to: rowCount, by: blockRowCount) {
                    let block = output + first * outputCount
                    let count = min(blockRowCount, rowCount - first)
                    if let residual {
                        residual.withPointer {
                            apply(
                                to: input + first * inputCount, rowCount: count, adding: $0 + first * outputCount,
                                into: block)
                        }
                    } else {
                        apply(to: input + first * inputCount, rowCount: count, into: block)
                    }
                }
            }
        }
        return output
    }

    /// Rows computed together: whole tiles, whose inputs and outputs stay in a core's L2 cache while the weights pass by,
    /// and enough of them that fetching the weights is hidden.
    private var blockRowCount: Int {
        max(96, min(480, 48 * 1024 / max(inputCount, outputCount) / 6 * 6))
    }

    /// The layer on `rowCount` contiguous rows, few enough to stay in the cache.
    func apply(
        to input: UnsafePointer<Float>, rowCount: Int, adding residual: UnsafePointer<Float>? = nil,
        into output: UnsafeMutablePointer<Float>
    ) {
        withUnsafeTemporaryAllocation(of: Int.self, capacity: rowCount + 1) { offsets in
            for row in 0..<rowCount { offsets[row] = row * inputCount }
            offsets[rowCount] = 0
            biases.withUnsafeBufferPointer { biases in
                let start = offsets.baseAddress!
                multiply(
                    GatheredRows(
                        base: input, rowOffsets: UnsafePointer(start), rowCount: rowCount,
                        segmentOffsets: UnsafePointer(start + rowCount), segmentCount: 1, segmentLength: inputCount),
                    weights, bias: biases.baseAddress!, activation: residual == nil ? activation : .identity,
                    into: output, stride: outputCount)
            }
        }
        if let residual { add(residual, to: output, count: rowCount * outputCount, activation: activation) }
    }
}
