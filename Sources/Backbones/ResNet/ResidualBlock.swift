import Tensors

/// relu(convolutions(x) + shortcut(x)): a block of a residual network, its batch normalisations folded in.
package struct ResidualBlock: Sendable {
    /// All but the last followed by a ReLU of their own.
    private let convolutions: [Convolution2D]
    /// The shortcut where shapes change; elsewhere the input itself.
    private let projection: Convolution2D?
    package let outputChannelCount: Int

    /// Reads `prefix`.conv1, .bn1, ... and, where the shape changes, .downsample.0 and .1.
    ///
    /// - Parameters:
    ///   - prefix: such as `layer3.0`.
    ///   - width: channels inside the block.
    package init(
        _ kind: ResNetConfiguration.Block, prefix: String, inputChannelCount: Int, width: Int, stride: Int,
        from loader: inout ParameterLoader
    ) throws {
        let outputChannelCount = width * kind.expansion
        let pointwise = SlidingWindow(kernel: 1)
        let strided = SlidingWindow(kernel: 3, stride: stride, padding: 1)
        let plan: [(window: SlidingWindow, channelCount: Int)] =
            switch kind {
            case .basic: [(strided, width), (SlidingWindow(kernel: 3, padding: 1), width)]
            case .bottleneck: [(pointwise, width), (strided, width), (pointwise, outputChannelCount)]
            }
        var convolutions: [Convolution2D] = []
        var channelCount = inputChannelCount
        for (index, step) in plan.enumerated() {
            convolutions.append(
                try loader.convolution(
                    "\(prefix).conv\(index + 1)", normalisedBy: "\(prefix).bn\(index + 1)",
                    inputChannelCount: channelCount, outputChannelCount: step.channelCount, window: step.window,
                    activation: .relu))
            channelCount = step.channelCount
        }
        self.convolutions = convolutions
        self.outputChannelCount = outputChannelCount
        projection =
            stride == 1 && inputChannelCount == outputChannelCount
            ? nil
            : try loader.convolution(
                "\(prefix).downsample.0", normalisedBy: "\(prefix).downsample.1",
                inputChannelCount: inputChannelCount, outputChannelCount: outputChannelCount,
                window: SlidingWindow(kernel: 1, stride: stride), activation: .identity)
    }

    package func callAsFunction(_ input: Activations, in workspace: Workspace) -> Activations {
        let shortcut = projection?(input, in: workspace) ?? input
        let inner = convolutions.dropLast().reduce(input) { $1($0, in: workspace) }
        return convolutions.last!(inner, adding: shortcut, in: workspace)
    }
}
