import Synchronization
import Tensors

/// Position embeddings on the square grid they were trained on, and resampled to the grids of other image sizes.
///
/// Resampling is bicubic with antialiasing, as timm does it when it loads weights for another size. (torchvision does it
/// without, on the corners; the original DINOv2 with a small offset.)
final class PositionGrid: Sendable {
    /// [side, side, D].
    private let trained: Tensor
    /// The last size that was asked for.
    private let recent = Mutex<Tensor?>(nil)

    init(side: Int, channelCount: Int, values: [Float]) {
        trained = Tensor(shape: [side, side, channelCount], values: values)
    }

    /// One for each pixel of a map of `size`, row by row, [h w, D].
    func resampled(to size: SpatialSize) -> [Float] {
        let shape = [size.height, size.width, trained.shape[2]]
        if trained.shape == shape { return trained.values }
        if let recent = recent.withLock({ $0 }), recent.shape == shape { return recent.values }
        let result = trained.resampledBicubically(to: size)
        recent.withLock { $0 = result }
        return result.values
    }
}
