import Tensors

/// What distinguishes one residual network from another.
///
/// The published ones differ in the kind of block and in `blockCounts` only; small ones for tests and the demo also in
/// widths, strides and stem.
public struct ResNetConfiguration: Equatable, Sendable {
    /// What a block computes beside its shortcut.
    public enum Block: String, Codable, Sendable {
        /// Two 3x3 convolutions (ResNet-18 and 34).
        case basic
        /// A 1x1 convolution that narrows, a 3x3, a 1x1 that widens again (ResNet-50 and up); the stride is the 3x3's,
        /// as in torchvision.
        case bottleneck

        /// Channels that leave a block, as a multiple of its width.
        public var expansion: Int { self == .basic ? 1 : 4 }
    }

    /// The layers before the first stage.
    public struct Stem: Equatable, Sendable {
        public var width: Int
        /// Side of the convolution's kernel, odd; its padding is half of it.
        public var kernelSide: Int
        public var stride: Int
        /// Whether a 3x3 maximum with stride 2 follows.
        public var hasPooling: Bool

        public init(width: Int, kernelSide: Int = 7, stride: Int = 2, hasPooling: Bool = true) {
            self.width = width
            self.kernelSide = kernelSide
            self.stride = stride
            self.hasPooling = hasPooling
        }
    }

    /// Blocks of one width; the first applies the stride.
    public struct Stage: Equatable, Sendable {
        /// Channels inside a block.
        public var width: Int
        public var blockCount: Int
        public var stride: Int

        public init(width: Int, blockCount: Int, stride: Int) {
            self.width = width
            self.blockCount = blockCount
            self.stride = stride
        }
    }

    public var block: Block
    public var stem: Stem
    public var stages: [Stage]

    public init(block: Block, stem: Stem, stages: [Stage]) {
        self.block = block
        self.stem = stem
        self.stages = stages
    }

    /// The published layout: a 7x7 stem of 64 channels, stages of 64, 128, 256 and 512.
    public init(block: Block, blockCounts: [Int]) {
        self.init(
            block: block, stem: Stem(width: 64),
            stages: zip([64, 128, 256, 512], zip(blockCounts, [1, 2, 2, 2])).map {
                Stage(width: $0, blockCount: $1.0, stride: $1.1)
            })
    }

    /// D, the channels of the last feature map.
    public var channelCount: Int { (stages.last?.width ?? 0) * block.expansion }

    var stemWindow: SlidingWindow {
        SlidingWindow(kernel: stem.kernelSide, stride: stem.stride, padding: stem.kernelSide / 2)
    }

    static let poolingWindow = SlidingWindow(kernel: 3, stride: 2, padding: 1)

    /// Size of the last feature map of images of `input` pixels.
    public func featureMapSize(for input: SpatialSize) -> SpatialSize {
        var size = stemWindow.outputSize(for: input)
        if stem.hasPooling { size = Self.poolingWindow.outputSize(for: size) }
        for stage in stages {
            size = SlidingWindow(kernel: 3, stride: stage.stride, padding: 1).outputSize(for: size)
        }
        return size
    }
}
