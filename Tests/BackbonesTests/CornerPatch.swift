import Backbones
import Tensors

/// How much a feature map changes, pixel by pixel, when a patch in a corner of the image becomes bright.
struct CornerPatch {
    let change: [Float]
    private let height: Int
    private let width: Int

    /// - Parameters:
    ///   - images: [1, H, W, 3]; not square, so that swapped axes cannot pass.
    ///   - side: of the patch, in pixels.
    init(
        of backbone: Backbone, in images: Tensor, side: Int, brightness: Float, corner: (bottom: Int, right: Int)
    ) {
        let (imageHeight, imageWidth) = (images.shape[1], images.shape[2])
        var images = images
        let workspace = backbone.makeWorkspace()
        let dark = backbone.featureMaps(of: images, workspace: workspace)
        for y in 0..<side {
            for x in 0..<side {
                let row = corner.bottom == 1 ? imageHeight - 1 - y : y
                let column = corner.right == 1 ? imageWidth - 1 - x : x
                for channel in 0..<3 { images.values[(row * imageWidth + column) * 3 + channel] = brightness }
            }
        }
        let bright = backbone.featureMaps(of: images, workspace: workspace)
        let channelCount = bright.shape[3]
        height = bright.shape[1]
        width = bright.shape[2]
        change = (0..<height * width).map { pixel in
            (0..<channelCount).reduce(0) {
                $0 + abs(bright.values[pixel * channelCount + $1] - dark.values[pixel * channelCount + $1])
            }
        }
    }

    var largest: Float { change.max()! }

    /// The corner whose quarter of the map holds the largest change.
    var corner: (bottom: Int, right: Int) {
        let brightest = change.firstIndex(of: largest)!
        return (brightest / width >= height / 2 ? 1 : 0, brightest % width >= width / 2 ? 1 : 0)
    }

    /// At the map's pixel in a corner.
    subscript(bottom: Int, right: Int) -> Float { change[bottom * (height - 1) * width + right * (width - 1)] }
}
