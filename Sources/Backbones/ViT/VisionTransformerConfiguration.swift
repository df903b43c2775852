import Tensors

/// What distinguishes one vision transformer from another. Heads are 64 channels long, the hidden layer of a block has four
/// times its channels.
package struct VisionTransformerConfiguration: Equatable, Sendable {
    /// D.
    package var width: Int
    package var headCount: Int
    package var blockCount: Int
    /// Side of a patch, in pixels.
    package var patchSide: Int
    /// Tokens of the sequence that stand for no patch and no class.
    package var registerCount: Int
    /// Side of the grid of position embeddings; used where a file does not say it.
    package var gridSide: Int
    /// Whether a factor per channel ends each half of a block (DINOv2). Others may have them (DeiT III) or not.
    package var hasLayerScale: Bool

    package init(
        width: Int, headCount: Int, blockCount: Int, patchSide: Int, registerCount: Int = 0, gridSide: Int,
        hasLayerScale: Bool = false
    ) {
        self.width = width
        self.headCount = headCount
        self.blockCount = blockCount
        self.patchSide = patchSide
        self.registerCount = registerCount
        self.gridSide = gridSide
        self.hasLayerScale = hasLayerScale
    }

    /// Of the layer normalisations.
    static let epsilon = 1e-6

    var patchWindow: SlidingWindow { SlidingWindow(kernel: patchSide, stride: patchSide) }

    /// Pixels beyond the last whole patch are left out.
    package func featureMapSize(for input: SpatialSize) -> SpatialSize { patchWindow.outputSize(for: input) }
}
