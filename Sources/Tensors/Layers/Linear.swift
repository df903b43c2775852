/// y = W x + b for rows of numbers: the same product as a 1x1 convolution, whose guarantees it has.
public struct Linear: Sendable {
    private let product: Convolution2D

    /// - Parameters:
    ///   - weights: [outputs, inputs], PyTorch's order.
    ///   - biases: one per output; zero if nil.
    public init(
        inputCount: Int, outputCount: Int, weights: [Float], biases: [Float]? = nil,
        activation: ActivationFunction = .identity
    ) {
        product = Convolution2D(
            inputChannelCount: inputCount, outputChannelCount: outputCount, window: SlidingWindow(kernel: 1),
            weights: weights, biases: biases, activation: activation)
    }

    public var inputCount: Int { product.inputChannelCount }
    public var outputCount: Int { product.outputChannelCount }

    /// Applied to the channels of every pixel: [N, H, W, inputs] to [N, H, W, outputs].
    public func callAsFunction(_ input: Activations, in workspace: Workspace) -> Activations {
        product(input, in: workspace)
    }
}
