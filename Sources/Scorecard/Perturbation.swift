import ElementaryFunctions
import Tensors

/// An image some of whose cells are filled with something else.
///
/// Images are normalised pixels [S, S, 3]; a cell is the pixels that lie below one of the feature map's.
package struct Perturbation: Sendable {
    /// What takes the place of cells.
    package enum Fill: String, CaseIterable, Sendable {
        /// The image, blurred by a Gaussian of a standard deviation of a sixteenth of its side.
        case blur
        /// The mean of the images the network was trained on: 0 after normalisation.
        case mean
    }

    package let side: Int
    package let map: SpatialSize

    package init(side: Int, map: SpatialSize) {
        self.side = side
        self.map = map
    }

    /// What fills the cells of an image.
    package func filling(_ fill: Fill, of pixels: [Float]) -> [Float] {
        switch fill {
        case .mean: [Float](repeating: 0, count: pixels.count)
        case .blur: blurred(pixels)
        }
    }

    /// Copies the cells of `pixels` that are `kept` into `target`, which holds the filling.
    package func copy(_ kept: some Sequence<Int>, of pixels: [Float], into target: UnsafeMutableBufferPointer<Float>) {
        for cell in kept {
            let (row, column) = (cell / map.width, cell % map.width)
            let first = column * side / map.width
            let count = (column + 1) * side / map.width - first
            for line in row * side / map.height..<(row + 1) * side / map.height {
                let start = (line * side + first) * 3
                for index in start..<start + count * 3 { target[index] = pixels[index] }
            }
        }
    }

    /// Both directions in turn, the border going on outwards.
    private func blurred(_ pixels: [Float]) -> [Float] {
        let deviation = Double(side) / 16
        let radius = Int((3 * deviation).rounded(.up))
        let raw = (-radius...radius).map { exponential(-0.5 * Double($0 * $0) / (deviation * deviation)) }
        let total = raw.reduce(0, +)
        let weights = raw.map { Float($0 / total) }
        var result = pixels
        for isVertical in [false, true] {
            let source = result
            for row in 0..<side {
                for column in 0..<side {
                    var sum = SIMD3<Float>.zero
                    for (tap, weight) in weights.enumerated() {
                        let place = min(max((isVertical ? row : column) + tap - radius, 0), side - 1)
                        let index = (isVertical ? place * side + column : row * side + place) * 3
                        sum += weight * SIMD3(source[index], source[index + 1], source[index + 2])
                    }
                    for channel in 0..<3 { result[(row * side + column) * 3 + channel] = sum[channel] }
                }
            }
        }
        return result
    }
}
