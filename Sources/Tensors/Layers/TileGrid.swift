/// Where the tiles of four by four pixels, or of another side, of a batch of results lie, image by image and row by row.
struct TileGrid {
    static let side = 4

    let outputSize: SpatialSize
    private let tileSide: Int
    private let rowCount: Int
    private let columnCount: Int

    init(outputSize: SpatialSize, tileSide: Int = Self.side) {
        self.outputSize = outputSize
        self.tileSide = tileSide
        rowCount = (outputSize.height + tileSide - 1) / tileSide
        columnCount = (outputSize.width + tileSide - 1) / tileSide
    }

    var tilesPerImage: Int { rowCount * columnCount }

    /// What of a result a tile is: its first row and column, and how many of them it has inside the image.
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
        let (y, x) = (tileSide * row, tileSide * column)
        return Area(
            image: image, y: y, x: x, height: min(tileSide, outputSize.height - y),
            width: min(tileSide, outputSize.width - x))
    }

    /// Size of the inputs of windows of 3x3 with what all tiles need.
    var paddedSize: SpatialSize {
        SpatialSize(height: tileSide * rowCount + 2, width: tileSide * columnCount + 2)
    }

    /// The first pixel that a tile needs, counted over all inputs of `paddedSize`.
    func paddedPixel(ofTile tile: Int) -> Int {
        let area = area(ofTile: tile)
        return (area.image * paddedSize.height + area.y) * paddedSize.width + area.x
    }
}
