import Datasets
import ImageCoding

/// What tests say of the pixels of drawn birds.
enum DrawnPixels {
    static func differs(_ first: PixelImage, _ second: PixelImage, _ pixel: Int) -> Bool {
        first.pixels[3 * pixel..<3 * pixel + 3] != second.pixels[3 * pixel..<3 * pixel + 3]
    }

    /// Pixels whose centre is inside a polygon (even-odd rule).
    static func mask(_ region: PartDataset.PartRegion, side: Int) -> [Bool] {
        var inside = [Bool](repeating: false, count: side * side)
        for polygon in region.polygons {
            let corners = stride(from: 0, to: polygon.count, by: 2).map {
                (Double(polygon[$0]), Double(polygon[$0 + 1]))
            }
            for row in region.box[1]..<region.box[3] {
                let y = Double(row) + 0.5
                for column in region.box[0]..<region.box[2] {
                    let x = Double(column) + 0.5
                    var crossings = 0
                    for (index, end) in corners.enumerated() {
                        let start = corners[(index + corners.count - 1) % corners.count]
                        if (start.1 > y) != (end.1 > y),
                            x < start.0 + (y - start.1) / (end.1 - start.1) * (end.0 - start.0)
                        {
                            crossings += 1
                        }
                    }
                    if crossings % 2 == 1 { inside[row * side + column] = true }
                }
            }
        }
        return inside
    }

    static func dilated(_ mask: [Bool], side: Int, by distance: Int) -> [Bool] {
        var result = mask
        for row in 0..<side {
            for column in 0..<side where mask[row * side + column] {
                for y in max(0, row - distance)...min(side - 1, row + distance) {
                    for x in max(0, column - distance)...min(side - 1, column + distance) {
                        result[y * side + x] = true
                    }
                }
            }
        }
        return result
    }
}
