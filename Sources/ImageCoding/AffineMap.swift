import ElementaryFunctions

/// Where each pixel of a transformed image comes from:
/// x' = a x + b y + c, y' = d x + e y + f, with pixel centres at half integers.
struct AffineMap: Equatable {
    var a, b, c, d, e, f: Double

    /// A turn by `angle` degrees clockwise and a shear by `shear` degrees along the rows, both about the centre of `image`:
    /// torchvision's `_get_inverse_affine_matrix`, operation by operation.
    init(angle: Double, shear: Double, of image: PixelImage) {
        let (turn, slope) = (angle * (Double.pi / 180), shear * (Double.pi / 180))
        let (centreX, centreY) = (Double(image.width) * 0.5, Double(image.height) * 0.5)
        // The general formula divides by the cosine of a shear along the columns, which is 1 here.
        let forwardA = cosine(turn)
        let forwardB = -cosine(turn) * tangent(slope) - sine(turn)
        let forwardC = sine(turn)
        let forwardD = -sine(turn) * tangent(slope) + cosine(turn)
        (a, b, d, e) = (forwardD, -forwardB, -forwardC, forwardA)
        c = 0 + (a * -centreX + b * -centreY)
        f = 0 + (d * -centreX + e * -centreY)
        c += centreX
        f += centreY
    }
}

extension PixelImage {
    /// The image seen through an affine map, of the same size: Pillow's `transform(size, AFFINE, ..., BILINEAR)` byte for
    /// byte. What comes from outside the image is black.
    func transformed(by map: AffineMap) -> PixelImage {
        var result = PixelImage(width: width, height: height)
        let (columnLimit, rowLimit) = (Double(width), Double(height))
        pixels.withUnsafeBufferPointer { source in
            result.pixels.withUnsafeMutableBufferPointer { target in
                for row in 0..<height {
                    for column in 0..<width {
                        let (toX, toY) = (Double(column) + 0.5, Double(row) + 0.5)
                        var x = map.a * toX + map.b * toY + map.c
                        var y = map.d * toX + map.e * toY + map.f
                        guard x >= 0, x < columnLimit, y >= 0, y < rowLimit else { continue }
                        x -= 0.5
                        y -= 0.5
                        let (left, top) = (x.rounded(.down), y.rounded(.down))
                        let (across, down) = (x - left, y - top)
                        // At the border, the border pixel goes on.
                        let first = max(0, Int(left)) * 3
                        let second = min(width - 1, Int(left) + 1) * 3
                        let upper = max(0, Int(top)) * width * 3
                        let lower = Int(top) + 1 < height ? (Int(top) + 1) * width * 3 : upper
                        let place = (row * width + column) * 3
                        for channel in 0..<3 {
                            func along(_ start: Int) -> Double {
                                let from = Double(source[start + first + channel])
                                return from + (Double(source[start + second + channel]) - from) * across
                            }
                            let above = along(upper)
                            target[place + channel] = UInt8(above + (along(lower) - above) * down)
                        }
                    }
                }
            }
        }
        return result
    }
}
