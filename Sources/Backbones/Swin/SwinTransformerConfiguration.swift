import Tensors

/// What distinguishes one Swin transformer from another.
package struct SwinTransformerConfiguration: Equatable, Sendable {
    package enum Version: Sendable {
        /// Normalises before attention and feed-forward layers; a learned position bias (arXiv 2103.14030).
        case first
        /// Normalises after them; cosine attention; the position bias is a small network's (arXiv 2111.09883).
        case second
    }

    package var version: Version
    /// Channels of the first stage; every stage doubles them.
    package var width: Int
    /// Of each stage.
    package var blockCounts: [Int]
    /// Of each stage.
    package var headCounts: [Int]
    /// Of the windows, in pixels of a map, where the map is not smaller.
    package var windowSide: Int

    package init(_ version: Version, width: Int, blockCounts: [Int], headCounts: [Int], windowSide: Int) {
        precondition(blockCounts.count == headCounts.count && !blockCounts.isEmpty, "blocks and heads for every stage")
        self.version = version
        self.width = width
        self.blockCounts = blockCounts
        self.headCounts = headCounts
        self.windowSide = windowSide
    }

    /// Of the layer normalisations.
    static let epsilon = 1e-5
    static let patchWindow = SlidingWindow(kernel: 4, stride: 4)

    /// Channels of stage `stage`.
    func width(ofStage stage: Int) -> Int { width << stage }

    /// D.
    package var channelCount: Int { width(ofStage: blockCounts.count - 1) }

    /// Pixels beyond the last whole patch of 4x4 are left out; after that, odd sizes are rounded up.
    package func featureMapSize(for input: SpatialSize) -> SpatialSize {
        var size = Self.patchWindow.outputSize(for: input)
        for _ in 1..<max(1, blockCounts.count) {
            size = SpatialSize(height: (size.height + 1) / 2, width: (size.width + 1) / 2)
        }
        return size
    }
}
