/// A two-dimensional convolution with bias, and optionally a residual and an activation function, on [N, H, W, C].
///
/// The weights are packed when the layer is made. The layer is immutable: threads share it, each with its own workspace.
public struct Convolution2D: Sendable {
    public let inputChannelCount: Int
    public let outputChannelCount: Int
    public let window: SlidingWindow
    public let groupCount: Int
    public let activation: ActivationFunction

    /// [K, N] of each bundle of groups; k runs over (kernel row, kernel column, channel of the bundle).
    let weights: [PackedMatrix]
    /// Of each bundle, filled up with zeros to whole panels.
    let biases: [[Float]]
    /// Of a convolution that is done by F(4x4, 3x3).
    let winograd: WinogradWeights?
    /// The same for products of brain floats, where it can be done by F(2x2, 3x3).
    let brainFloatWinograd: BrainFloatWinogradWeights?

    /// - Parameters:
    ///   - weights: [outputs, inputs / groups, kernel height, kernel width], PyTorch's order.
    ///   - biases: one per output; zero if nil.
    ///   - normalisation: a batch normalisation that follows the convolution, to be folded into it.
    public init(
        inputChannelCount: Int, outputChannelCount: Int, window: SlidingWindow, groupCount: Int = 1,
        weights: [Float], biases: [Float]? = nil, normalisation: BatchNormalisation? = nil,
        activation: ActivationFunction = .identity
    ) {
        precondition(
            groupCount > 0 && inputChannelCount.isMultiple(of: groupCount)
                && outputChannelCount.isMultiple(of: groupCount),
            "\(groupCount) groups do not divide \(inputChannelCount) inputs and \(outputChannelCount) outputs")
        let inputs = inputChannelCount / groupCount
        let outputs = outputChannelCount / groupCount
        let taps = window.kernel.area
        precondition(
            weights.count == outputChannelCount * inputs * taps,
            "\(weights.count) weights for [\(outputChannelCount), \(inputs), \(window.kernel)]")
        precondition(
            biases.map { $0.count == outputChannelCount } ?? true, "a bias for each of \(outputChannelCount) outputs")
        self.inputChannelCount = inputChannelCount
        self.outputChannelCount = outputChannelCount
        self.window = window
        self.groupCount = groupCount
        self.activation = activation
        let (weights, biases) =
            normalisation?.folded(into: weights, biases: biases)
            ?? (weights, biases ?? Array(repeating: 0, count: outputChannelCount))
        // Groups narrower than a panel are multiplied together, with zeros between them: a panel computes 16 columns anyway.
        let bundle = Self.groupsPerBundle(groupCount, outputs: outputs)
        let (bundleInputs, bundleOutputs) = (bundle * inputs, bundle * outputs)
        let matrices = (0..<groupCount / bundle).map { index in
            PackedMatrix(depth: taps * bundleInputs, columnCount: bundleOutputs) { k, n in
                let (tap, input) = k.quotientAndRemainder(dividingBy: bundleInputs)
                guard input / inputs == n / outputs else { return 0 }
                return weights[((index * bundleOutputs + n) * inputs + input % inputs) * taps + tap]
            }
        }
        self.weights = matrices
        self.biases = matrices.indices.map {
            PackedMatrix.padded(Array(biases[$0 * bundleOutputs..<($0 + 1) * bundleOutputs]))
        }
        winograd =
            WinogradWeights.fit(window, inputs: inputs, outputs: outputs, groupCount: groupCount)
            ? WinogradWeights(weights, inputs: inputs, outputs: outputs) : nil
        brainFloatWinograd =
            BrainFloatWinogradWeights.fit(window, inputs: inputs, outputs: outputs, groupCount: groupCount)
            ? BrainFloatWinogradWeights(matrices[0]) : nil
    }

    /// The largest number of groups that divides them and whose outputs fit a panel.
    private static func groupsPerBundle(_ groupCount: Int, outputs: Int) -> Int {
        let most = min(groupCount, max(1, PackedMatrix.panelWidth / outputs))
        return (1...most).last { groupCount.isMultiple(of: $0) }!
    }
}

// MARK: - Forward

extension Convolution2D {
    /// activation(convolution(`input`) + `residual`), on the calling thread.
    ///
    /// An image's result is the same, bit for bit, whatever other images are in the batch.
    /// - Parameters:
    ///   - input: [N, H, W, inputs].
    ///   - residual: [N, H', W', outputs] or nil.
    /// - Returns: [N, H', W', outputs].
    public func callAsFunction(
        _ input: Activations, adding residual: Activations? = nil, in workspace: Workspace
    ) -> Activations {
        precondition(
            input.channelCount == inputChannelCount,
            "a convolution of \(inputChannelCount) channels was given \(input.channelCount)")
        let outputSize = window.outputSize(for: input.size)
        precondition(outputSize.area > 0, "a kernel of \(window.kernel) does not fit an image of \(input.size)")
        let output = Activations(
            imageCount: input.imageCount, size: outputSize, channelCount: outputChannelCount, in: workspace)
        precondition(residual == nil || residual!.shape == output.shape, "the residual has the shape of the result")

        output.withMutablePointer {
            compute(input, adding: residual, into: $0, pixelStride: outputChannelCount, in: workspace)
        }
        return output
    }

    /// Writes the result's pixels `pixelStride` floats apart. A residual has the result's own stride, without gaps.
    func compute(
        _ input: Activations, adding residual: Activations?, into output: UnsafeMutablePointer<Float>,
        pixelStride: Int, in workspace: Workspace
    ) {
        precondition(
            input.channelCount == inputChannelCount && (residual == nil || pixelStride == outputChannelCount),
            "a convolution of \(inputChannelCount) channels was given \(input.channelCount)")
        if workspace.compute == .bf16 {
            return computeRounded(input, adding: residual, into: output, pixelStride: pixelStride, in: workspace)
        }
        if let winograd, workspace.engine == .packed {
            return compute(
                input, with: winograd, adding: residual, into: output, pixelStride: pixelStride, in: workspace)
        }
        let outputSize = window.outputSize(for: input.size)
        let padded = input.padded(by: window.padding, in: workspace)
        if workspace.expectsSimilarImages && workspace.engine == .packed && input.imageCount > 1 {
            let grid = TileGrid(outputSize: outputSize)
            let choice = choice(of: grid, padded: padded, adding: residual, in: workspace)
            compute(
                choice.computed, of: grid, padded, adding: residual, into: output, pixelStride: pixelStride,
                in: workspace)
            return copy(choice.copied, of: grid, in: output, pixelStride: pixelStride)
        }
        let segments = segments(rowStride: padded.size.width * inputChannelCount)
        let rowCount = input.imageCount * outputSize.area
        withUnsafeTemporaryAllocation(of: Int.self, capacity: blockRowCount) { rowOffsets in
            var first = 0
            while first < rowCount {
                let rows = first..<min(rowCount, first + blockRowCount)
                fill(rowOffsets, rows: rows, inputSize: padded.size, outputSize: outputSize)
                let block = output + rows.lowerBound * pixelStride
                multiply(
                    rowCount: rows.count, rowOffsets, segments, of: padded,
                    activation: residual == nil ? activation : .identity, into: block, pixelStride: pixelStride,
                    in: workspace)
                // While the block is still in the cache.
                residual?.withPointer { residual in
                    add(
                        residual + rows.lowerBound * outputChannelCount, to: block,
                        count: rows.count * outputChannelCount, activation: activation)
                }
                first = rows.upperBound
            }
        }
    }

    /// Output pixels computed together: whole tiles, whose inputs and outputs stay in a core's L2 cache while the
    /// weights pass by, and enough of them that fetching the weights is hidden.
    var blockRowCount: Int {
        let inputFloats = inputChannelCount * min(window.stride.area, window.kernel.area)
        let fitting = 48 * 1024 / max(inputFloats, outputChannelCount)
        return max(96, min(480, fitting / 6 * 6))
    }

    /// Where, from the top left pixel of a window, the contiguous pieces of it lie.
    func segments(rowStride: Int) -> WindowSegments {
        let kernel = window.kernel
        let rows = (0..<kernel.height).map { $0 * window.dilation.height * rowStride }
        if weights.count == 1 && window.dilation.width == 1 {
            return WindowSegments(offsets: rows, length: kernel.width * inputChannelCount)
        }
        let columns = (0..<kernel.width).map { $0 * window.dilation.width * inputChannelCount }
        return WindowSegments(
            offsets: rows.flatMap { row in columns.map { row + $0 } }, length: inputChannelCount / weights.count)
    }

    /// Offset of the top left pixel of the window of each output pixel in `rows`, counted over the whole batch.
    func fill(
        _ offsets: UnsafeMutableBufferPointer<Int>, rows: Range<Int>, inputSize: SpatialSize, outputSize: SpatialSize
    ) {
        let start = rows.lowerBound.quotientAndRemainder(dividingBy: outputSize.area)
        var image = start.quotient
        var (y, x) = start.remainder.quotientAndRemainder(dividingBy: outputSize.width)
        for index in 0..<rows.count {
            let inputRow = image * inputSize.height + y * window.stride.height
            offsets[index] = (inputRow * inputSize.width + x * window.stride.width) * inputChannelCount
            x += 1
            if x == outputSize.width { (x, y) = (0, y + 1) }
            if y == outputSize.height { (y, image) = (0, image + 1) }
        }
    }

    /// The top left pixel of the window of an output pixel, counted over the whole batch.
    func offset(ofPixel pixel: Int, inputSize: SpatialSize, outputSize: SpatialSize) -> Int {
        let (image, rest) = pixel.quotientAndRemainder(dividingBy: outputSize.area)
        let (y, x) = rest.quotientAndRemainder(dividingBy: outputSize.width)
        let row = image * inputSize.height + y * window.stride.height
        return (row * inputSize.width + x * window.stride.width) * inputChannelCount
    }

    /// The output pixels whose windows begin at `rowOffsets`, all groups.
    func multiply(
        rowCount: Int, _ rowOffsets: UnsafeMutableBufferPointer<Int>, _ segments: WindowSegments,
        of input: Activations, activation: ActivationFunction, into block: UnsafeMutablePointer<Float>,
        pixelStride: Int, in workspace: Workspace
    ) {
        let inputs = inputChannelCount / weights.count
        let outputs = outputChannelCount / weights.count
        input.withPointer { input in
            for group in weights.indices {
                segments.offsets.withUnsafeBufferPointer { offsets in
                    biases[group].withUnsafeBufferPointer { bias in
                        let gathered = GatheredRows(
                            base: input + group * inputs, rowOffsets: UnsafePointer(rowOffsets.baseAddress!),
                            rowCount: rowCount, segmentOffsets: offsets.baseAddress!,
                            segmentCount: offsets.count, segmentLength: segments.length)
                        Tensors.multiply(
                            gathered, weights[group], adding: AddedRows(repeating: bias.baseAddress!),
                            activation: activation, into: block + group * outputs, stride: pixelStride, in: workspace)
                    }
                }
            }
        }
    }
}

/// Where, from its top left pixel, the contiguous pieces of a window lie, and how many floats each has.
struct WindowSegments {
    let offsets: [Int]
    let length: Int
}

// MARK: - Margins

extension Activations {
    /// The same images with a margin of zeros on each side; themselves if there is none to add.
    func padded(by margin: SpatialSize, in workspace: Workspace) -> Activations {
        padded(
            by: margin,
            to: SpatialSize(height: size.height + 2 * margin.height, width: size.width + 2 * margin.width),
            in: workspace)
    }

    /// The same images with a margin of zeros above and on the left, and as many below and on the right as make them `paddedSize`.
    func padded(by margin: SpatialSize, to paddedSize: SpatialSize, in workspace: Workspace) -> Activations {
        guard paddedSize != size else { return self }
        precondition(
            paddedSize.height >= size.height + margin.height && paddedSize.width >= size.width + margin.width,
            "images of \(size) do not fit \(paddedSize)")
        let result = Activations(
            imageCount: imageCount, size: paddedSize, channelCount: channelCount, in: workspace)
        let rowLength = size.width * channelCount
        let (left, right) = (
            margin.width * channelCount, (paddedSize.width - size.width - margin.width) * channelCount
        )
        let (above, below) = (
            margin.height * paddedSize.width * channelCount,
            (paddedSize.height - size.height - margin.height) * paddedSize.width * channelCount
        )
        result.withMutablePointer { result in
            withPointer { own in
                var source = own
                var destination = result
                func zeros(_ count: Int) {
                    destination.update(repeating: 0, count: count)
                    destination += count
                }
                for _ in 0..<imageCount {
                    zeros(above)
                    for _ in 0..<size.height {
                        zeros(left)
                        destination.update(from: source, count: rowLength)
                        destination += rowLength
                        source += rowLength
                        zeros(right)
                    }
                    zeros(below)
                }
            }
        }
        return result
    }
}
