import Tensors

/// What distinguishes one ConvNeXt from another.
package struct ConvNeXtConfiguration: Equatable, Sendable {
    /// Channels of each stage.
    package var widths: [Int]
    package var blockCounts: [Int]

    package init(widths: [Int], blockCounts: [Int]) {
        precondition(widths.count == blockCounts.count && !widths.isEmpty, "a width and a block count for each stage")
        self.widths = widths
        self.blockCounts = blockCounts
    }

    /// D.
    package var channelCount: Int { widths[widths.count - 1] }

    static let stemWindow = SlidingWindow(kernel: 4, stride: 4)
    /// Between stages.
    static let reductionWindow = SlidingWindow(kernel: 2, stride: 2)
    static let kernelSide = 7
    /// Of every layer normalisation.
    static let epsilon = 1e-6

    /// Size of the last feature map of images of `input` pixels.
    package func featureMapSize(for input: SpatialSize) -> SpatialSize {
        widths.dropFirst().reduce(Self.stemWindow.outputSize(for: input)) { size, _ in
            Self.reductionWindow.outputSize(for: size)
        }
    }
}
