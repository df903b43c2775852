import Tensors

/// relu(convolutions(x) + shortcut(x)): a block of a residual network, its batch normalisations folded in.
package struct ResidualBlock: Sendable {
    /// All but the last followed by a ReLU of their own.
    private let convolutions: [Convolution2D]
    /// The shortcut where shapes change; elsewhere the input itself.
    private let projection: Convolution2D?
    /// Before the projection.
    private let pooling: AveragePooling2D?
    package let outputChannelCount: Int

    /// Reads `prefix`.conv1, .bn1, ... and, where the shape changes, .downsample.0 and .1 (.1 and .2 where a pooling is .0).
    ///
    /// - Parameters:
    ///   - prefix: such as `layer3.0`.
    ///   - width: the stage's.
    package init(
        _ configuration: ResNetConfiguration, prefix: String, inputChannelCount: Int, width: Int, stride: Int,
        from loader: inout ParameterLoader
    ) throws {
        let outputChannelCount = width * configuration.block.expansion
        let pointwise = SlidingWindow(kernel: 1)
        let strided = SlidingWindow(kernel: 3, stride: stride, padding: 1)
        let inner = configuration.bottleneckWidth(width)
        let plan: [(window: SlidingWindow, channelCount: Int, groupCount: Int)] =
            switch configuration.block {
            case .basic: [(strided, width, 1), (SlidingWindow(kernel: 3, padding: 1), width, 1)]
            case .bottleneck:
                [
                    (pointwise, inner, 1), (strided, inner, configuration.groupCount),
                    (pointwise, outputChannelCount, 1),
                ]
            }
        var convolutions: [Convolution2D] = []
        var channelCount = inputChannelCount
        for (index, step) in plan.enumerated() {
            convolutions.append(
                try loader.convolution(
                    "\(prefix).conv\(index + 1)", normalisedBy: "\(prefix).bn\(index + 1)",
                    inputChannelCount: channelCount, outputChannelCount: step.channelCount, window: step.window,
                    groupCount: step.groupCount, activation: .relu))
            channelCount = step.channelCount
        }
        self.convolutions = convolutions
        self.outputChannelCount = outputChannelCount
        guard stride != 1 || inputChannelCount != outputChannelCount else {
            (pooling, projection) = (nil, nil)
            return
        }
        let averages = configuration.averagesShortcuts
        let first = averages ? 1 : 0
        // Means of what lies inside the image, also where its last row or column is alone.
        pooling =
            averages && stride > 1
            ? AveragePooling2D(SlidingWindow(kernel: 2, stride: stride), countsPadding: false, coversEdge: true) : nil
        projection = try loader.convolution(
            "\(prefix).downsample.\(first)", normalisedBy: "\(prefix).downsample.\(first + 1)",
            inputChannelCount: inputChannelCount, outputChannelCount: outputChannelCount,
            window: SlidingWindow(kernel: 1, stride: averages ? 1 : stride), activation: .identity)
    }

    package func callAsFunction(_ input: Activations, in workspace: Workspace) -> Activations {
        let pooled = pooling?(input, in: workspace) ?? input
        let shortcut = projection?(pooled, in: workspace) ?? pooled
        let inner = convolutions.dropLast().reduce(input) { $1($0, in: workspace) }
        return convolutions.last!(inner, adding: shortcut, in: workspace)
    }
}
