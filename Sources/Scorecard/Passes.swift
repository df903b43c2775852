import Backbones
import Inference
import Tensors

/// Passes of changed images through the backbone, a few at a time, on the calling thread.
final class Passes {
    let experiment: Experiment
    let workspace: BackboneWorkspace
    /// Normalised pixels [length, S, S, 3], used again for each batch.
    private var pixels: [Float]

    /// Images that pass together.
    static let length = 24

    init(experiment: Experiment, workspace: BackboneWorkspace) {
        self.experiment = experiment
        self.workspace = workspace
        pixels = [Float](repeating: 0, count: Self.length * experiment.input.crop * experiment.input.crop * 3)
    }

    /// The features [1, H, W, D] of each image, which is normalised pixels [S, S, 3].
    func features(of images: [[Float]]) -> [Tensor] {
        batches(of: images.count) { index, target in _ = target.update(fromContentsOf: images[index]) }
            .flatMap(\.images)
    }

    /// The features [n, H, W, D] of images, a few at a time.
    ///
    /// - Parameter draw: writes the normalised pixels [S, S, 3] of an image, all of them.
    func batches(
        of count: Int, draw: (_ image: Int, _ target: UnsafeMutableBufferPointer<Float>) throws -> Void
    ) rethrows -> [Tensor] {
        let side = experiment.input.crop
        let length = side * side * 3
        return try stride(from: 0, to: count, by: Self.length).map { start in
            let images = start..<min(count, start + Self.length)
            try pixels.withUnsafeMutableBufferPointer { pixels in
                for image in images {
                    let first = (image - start) * length
                    try draw(image, UnsafeMutableBufferPointer(rebasing: pixels[first..<first + length]))
                }
            }
            let isFull = images.count == Self.length
            return experiment.features(
                ofNormalised: Tensor(
                    shape: [images.count, side, side, 3],
                    values: isFull ? pixels : Array(pixels[..<(images.count * length)])), workspace: workspace)
        }
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
