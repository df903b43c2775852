import Tensors

/// What distinguishes one densely connected network from another.
package struct DenseNetConfiguration: Equatable, Sendable {
    /// Channels that each layer adds.
    package var growth: Int
    /// Layers of each block.
    package var layerCounts: [Int]
    package var stemWidth: Int
    /// Channels between a layer's two convolutions, as a multiple of `growth`.
    package var bottleneckFactor = 4

    package init(growth: Int, layerCounts: [Int], stemWidth: Int) {
        self.growth = growth
        self.layerCounts = layerCounts
        self.stemWidth = stemWidth
    }

    /// Channels that enter and leave each block; between blocks they are halved.
    var blockWidths: [(input: Int, output: Int)] {
        var width = stemWidth
        return layerCounts.map { count in
            let output = width + count * growth
            defer { width = output / 2 }
            return (width, output)
        }
    }

    /// D.
    package var channelCount: Int { blockWidths.last?.output ?? stemWidth }

    static let stemWindow = SlidingWindow(kernel: 7, stride: 2, padding: 3)
    static let poolingWindow = SlidingWindow(kernel: 3, stride: 2, padding: 1)

    /// Size of the last feature map of images of `input` pixels.
    package func featureMapSize(for input: SpatialSize) -> SpatialSize {
        var size = Self.poolingWindow.outputSize(for: Self.stemWindow.outputSize(for: input))
        for _ in layerCounts.dropFirst() { size = SpatialSize(height: size.height / 2, width: size.width / 2) }
        return size
    }
}
