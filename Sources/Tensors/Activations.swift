/// Feature maps between two layers, [N, H, W, C], in the scratch memory of a `Workspace`.
///
/// Cheap to pass around; the memory is used again once the last copy is gone. `tensor()` takes the numbers out.
public struct Activations {
    public let imageCount: Int
    public let size: SpatialSize
    public let channelCount: Int
    private let buffer: ScratchBuffer

    /// Uninitialised feature maps of the given shape.
    init(imageCount: Int, size: SpatialSize, channelCount: Int, in workspace: Workspace) {
        self.imageCount = imageCount
        self.size = size
        self.channelCount = channelCount
        buffer = workspace.buffer(imageCount * size.area * channelCount)
    }

    /// Copies images `images` of a tensor [N, H, W, C]; all of them if nil.
    public init(copying tensor: Tensor, images: Range<Int>? = nil, in workspace: Workspace) {
        let images = images ?? 0..<(tensor.shape.first ?? 0)
        Self.check(tensor, images)
        self.init(
            imageCount: images.count, size: SpatialSize(height: tensor.shape[1], width: tensor.shape[2]),
            channelCount: tensor.shape[3], in: workspace)
        let imageLength = size.area * channelCount
        guard count > 0 else { return }
        withMutablePointer { own in
            tensor.values.withUnsafeBufferPointer { values in
                own.update(from: values.baseAddress! + images.lowerBound * imageLength, count: count)
            }
        }
    }

    private static func check(_ tensor: Tensor, _ images: Range<Int>) {
        precondition(tensor.shape.count == 4, "feature maps are [N, H, W, C], not \(tensor.shape)")
        precondition(
            images.lowerBound >= 0 && images.upperBound <= tensor.shape[0],
            "images \(images) of a tensor of \(tensor.shape[0])")
    }

    /// Calls `body` with images `images` of a tensor [N, H, W, C] where they are: layers read what they are given and write elsewhere.
    package static func withView<R>(of tensor: Tensor, images: Range<Int>, _ body: (Activations) -> R) -> R {
        check(tensor, images)
        let size = SpatialSize(height: tensor.shape[1], width: tensor.shape[2])
        return tensor.values.withUnsafeBufferPointer { values in
            body(
                Activations(
                    borrowing: images, of: values.baseAddress!, size: size, channelCount: tensor.shape[3]))
        }
    }

    /// What `layers` make of the images, `length` at a time, in one piece: for layers whose maps are so large that the caches hold those
    /// of a few images only, before others whose weights should pass by once for many.
    package func inGroups(
        of length: Int, in workspace: Workspace, _ layers: (Activations) -> Activations
    ) -> Activations {
        guard imageCount > length else { return layers(self) }
        var result: Activations?
        for first in stride(from: 0, to: imageCount, by: length) {
            let group = first..<min(first + length, imageCount)
            let maps = withPointer { own in
                layers(Activations(borrowing: group, of: own, size: size, channelCount: channelCount))
            }
            let whole =
                result
                ?? Activations(
                    imageCount: imageCount, size: maps.size, channelCount: maps.channelCount, in: workspace)
            whole.withMutablePointer { maps.copy(to: $0 + first * maps.size.area * maps.channelCount) }
            result = whole
        }
        return result!
    }

    /// The first `size.area` pixels of the same memory as maps of `size`.
    func resized(_ size: SpatialSize) -> Activations {
        precondition(imageCount == 1 && size.area <= self.size.area, "\(size) of \(self.size) pixels")
        return Activations(imageCount: 1, size: size, channelCount: channelCount, buffer: buffer)
    }

    /// Some of the images that begin at `base`, where they are.
    private init(borrowing images: Range<Int>, of base: UnsafePointer<Float>, size: SpatialSize, channelCount: Int) {
        let imageLength = size.area * channelCount
        let memory = AlignedFloats(
            borrowing: base + images.lowerBound * imageLength, count: images.count * imageLength)
        self.init(
            imageCount: images.count, size: size, channelCount: channelCount, buffer: ScratchBuffer(memory, of: nil))
    }

    private init(imageCount: Int, size: SpatialSize, channelCount: Int, buffer: ScratchBuffer) {
        self.imageCount = imageCount
        self.size = size
        self.channelCount = channelCount
        self.buffer = buffer
    }

    /// Number of floats.
    public var count: Int { imageCount * size.area * channelCount }

    /// N, H, W, C.
    public var shape: [Int] { [imageCount, size.height, size.width, channelCount] }

    /// A copy outside the workspace.
    public func tensor() -> Tensor {
        let values = [Float](unsafeUninitializedCapacity: count) { values, initialized in
            withPointer { own in
                if count > 0 { values.baseAddress!.initialize(from: own, count: count) }
            }
            initialized = count
        }
        return Tensor(shape: shape, values: values)
    }

    /// Copies the numbers, `count` of them, to `destination`.
    package func copy(to destination: UnsafeMutablePointer<Float>) {
        withPointer { destination.update(from: $0, count: count) }
    }

    package func withPointer<R>(_ body: (UnsafePointer<Float>) -> R) -> R {
        withExtendedLifetime(buffer) { body(UnsafePointer(buffer.pointer)) }
    }

    /// Only a layer that has just made these activations may write to them.
    func withMutablePointer<R>(_ body: (UnsafeMutablePointer<Float>) -> R) -> R {
        withExtendedLifetime(buffer) { body(buffer.pointer) }
    }
}
