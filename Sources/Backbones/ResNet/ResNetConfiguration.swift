import Tensors

/// What distinguishes one residual network from another.
///
/// The published ones differ in the kind of block, in `blockCounts`, in the inner width of a bottleneck and in the stem;
/// small ones for tests and the demo also in widths and strides.
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
        /// Whether three 3x3 convolutions stand in place of the one, the first two half as wide, the first with the stride
        /// (timm's resnet*d).
        public var isDeep = false

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
    /// Groups of the 3x3 convolution inside a bottleneck (ResNeXt's cardinality), and their width in the first stage: the
    /// convolution has `width` * `groupCount` * `groupWidth` / 64 channels.
    public var groupCount = 1
    public var groupWidth = 64
    /// Whether shortcuts are made smaller by 2x2 means before a 1x1 convolution without stride (timm's resnet*d).
    public var averagesShortcuts = false

    public init(block: Block, stem: Stem, stages: [Stage]) {
        self.block = block
        self.stem = stem
        self.stages = stages
    }

    /// The published layout: a 7x7 stem of 64 channels, stages of 64, 128, 256 and 512.
    public init(block: Block, blockCounts: [Int], groupCount: Int = 1, groupWidth: Int = 64) {
        self.init(
            block: block, stem: Stem(width: 64),
            stages: zip([64, 128, 256, 512], zip(blockCounts, [1, 2, 2, 2])).map {
                Stage(width: $0, blockCount: $1.0, stride: $1.1)
            })
        self.groupCount = groupCount
        self.groupWidth = groupWidth
    }

    /// timm's resnet*d (He et al., "Bag of Tricks", arXiv 1812.01187).
    static func deep(_ block: Block, _ blockCounts: [Int]) -> ResNetConfiguration {
        var result = ResNetConfiguration(block: block, blockCounts: blockCounts)
        result.stem.kernelSide = 3
        result.stem.isDeep = true
        result.averagesShortcuts = true
        return result
    }

    /// Channels of the 3x3 convolution of a bottleneck in a stage of `width`.
    func bottleneckWidth(_ width: Int) -> Int { width * groupWidth / 64 * groupCount }

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
