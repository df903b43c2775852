import Backbones
import Inference
import Tensors

/// Passes of changed images through the backbone, a few at a time, on the calling thread.
struct Passes {
    let experiment: Experiment
    let workspace: BackboneWorkspace

    /// Images that pass together.
    static let length = 24

    /// The features [1, H, W, D] of each image, which is normalised pixels [S, S, 3].
    func features(of images: [[Float]]) -> [Tensor] {
        stride(from: 0, to: images.count, by: Self.length).flatMap { start in
            batch(images[start..<min(images.count, start + Self.length)]).images
        }
    }

    /// The features [n, H, W, D] of a few images.
    func batch(_ images: ArraySlice<[Float]>) -> Tensor {
        let side = experiment.input.crop
        return experiment.features(
            ofNormalised: Tensor(shape: [images.count, side, side, 3], values: images.flatMap { $0 }),
            workspace: workspace)
    }
}

extension Tensor {
    /// Each of the images of [n, H, W, D] alone.
    var images: [Tensor] {
        let length = shape.dropFirst().reduce(1, *)
        return (0..<shape[0]).map {
            Tensor(shape: [1] + shape.dropFirst(), values: Array(values[$0 * length..<($0 + 1) * length]))
        }
    }
}
