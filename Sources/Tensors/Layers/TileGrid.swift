/// Where the tiles of four by four pixels of a batch of results lie, image by image and row by row.
struct TileGrid {
    static let side = 4

    let outputSize: SpatialSize
    private let rowCount: Int
    private let columnCount: Int

    init(outputSize: SpatialSize) {
        self.outputSize = outputSize
        rowCount = (outputSize.height + Self.side - 1) / Self.side
        columnCount = (outputSize.width + Self.side - 1) / Self.side
    }

    var tilesPerImage: Int { rowCount * columnCount }

    /// What of a result a tile is: its first row and column, and how many of its four it has inside the image.
    struct Area {
        let image: Int
        let y: Int
        let x: Int
        let height: Int
        let width: Int
    }

    func area(ofTile tile: Int) -> Area {
        let (image, rest) = tile.quotientAndRemainder(dividingBy: tilesPerImage)
        let (row, column) = rest.quotientAndRemainder(dividingBy: columnCount)
        let (y, x) = (Self.side * row, Self.side * column)
        return Area(
            image: image, y: y, x: x, height: min(Self.side, outputSize.height - y),
            width: min(Self.side, outputSize.width - x))
    }

    /// Size of the inputs of windows of 3x3 with what all tiles need.
    var paddedSize: SpatialSize {
        SpatialSize(height: Self.side * rowCount + 2, width: Self.side * columnCount + 2)
    }

    /// The first pixel that a tile needs, counted over all inputs of `paddedSize`.
    func paddedPixel(ofTile tile: Int) -> Int {
        let area = area(ofTile: tile)
        return (area.image * paddedSize.height + area.y) * paddedSize.width + area.x
    }
}
