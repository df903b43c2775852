import VectorKernels

extension Convolution2D {
    /// Tiles that are computed together: whole tiles of the matrix kernel's rows, whose transforms stay near the core, and the more the
    /// larger the weights are that pass by.
    private var tilesPerBlock: Int {
        let weightCount = inputChannelCount * outputChannelCount
        return weightCount >= 256 * 1024 ? 48 : 24
    }

    /// The same as `compute`, tile by tile of four by four pixels.
    func compute(
        _ input: Activations, with winograd: WinogradWeights, adding residual: Activations?,
        into output: UnsafeMutablePointer<Float>, pixelStride: Int, in workspace: Workspace
    ) {
        let grid = WinogradGrid(outputSize: window.outputSize(for: input.size))
        let padded = input.padded(by: window.padding, to: grid.paddedSize, in: workspace)
        let inputs = inputChannelCount
        // Whole panels: the columns beyond the outputs are zeros.
        let columns = biases[0].count
        let tileCount = input.imageCount * grid.tilesPerImage
        let block = min(tilesPerBlock, tileCount)
        // A vector more than the tiles fill: with strides of whole pages, all 36 positions of a tile would fall on the same lines of the
        // first cache.
        let (inputStride, productStride) = (block * inputs + 16, block * columns + 16)
        let transformed = workspace.buffer(36 * inputStride)
        let products = workspace.buffer(36 * productStride)
        let scratch = workspace.buffer(winogradScratchCount + columns)
        let zeros = scratch.pointer + winogradScratchCount
        zeros.update(repeating: 0, count: columns)

        winograd.withPanels { panels in
            for first in stride(from: 0, to: tileCount, by: block) {
                let tiles = first..<min(first + block, tileCount)
                padded.withPointer { padded in
                    for (index, tile) in tiles.enumerated() {
                        transformWinogradInput(
                            padded + grid.paddedPixel(ofTile: tile) * inputs,
                            rowStride: grid.paddedSize.width * inputs, channelCount: inputs,
                            into: transformed.pointer + index * inputs, positionStride: inputStride,
                            scratch: scratch.pointer)
                    }
                }
                for position in 0..<36 {
                    GatheredRows.forEachPiece(
                        of: UnsafePointer(transformed.pointer + position * inputStride), rowCount: tiles.count,
                        rowLength: inputs, pieceLength: tiles.count
                    ) { rows, _ in
                        Tensors.multiply(
                            rows, panels: panels[position], depth: inputs, columnCount: columns,
                            adding: AddedRows(repeating: zeros), activation: .identity,
                            into: products.pointer + position * productStride, stride: columns)
                    }
                }
                for (index, tile) in tiles.enumerated() {
                    finish(
                        products.pointer + index * columns, positionStride: productStride, tile: tile, of: grid,
                        adding: residual, into: output, pixelStride: pixelStride, scratch: scratch.pointer)
                }
            }
        }
        withExtendedLifetime((transformed, products, scratch)) {}
    }

    /// A tile's products to the pixels of the result that they are about.
    private func finish(
        _ products: UnsafePointer<Float>, positionStride: Int, tile: Int, of grid: WinogradGrid,
        adding residual: Activations?, into output: UnsafeMutablePointer<Float>, pixelStride: Int,
        scratch: UnsafeMutablePointer<Float>
    ) {
        let place = grid.place(ofTile: tile)
        let size = grid.outputSize
        let (rows, columns) = (min(4, size.height - place.y), min(4, size.width - place.x))
        let pixel = (place.image * size.height + place.y) * size.width + place.x
        func transform(_ residual: UnsafePointer<Float>?) {
            transformWinogradOutput(
                products, positionStride: positionStride, channelCount: outputChannelCount, bias: biases[0],
                adding: residual, rectified: activation == .relu, rows: rows, columns: columns,
                into: output + pixel * pixelStride, rowStride: size.width * pixelStride, pixelStride: pixelStride,
                scratch: scratch)
        }
        if let residual {
            residual.withPointer { transform($0 + pixel * pixelStride) }
        } else {
            transform(nil)
        }
        guard activation == .gelu else { return }
        for row in 0..<rows {
            applyGELU(
                to: output + (pixel + row * size.width) * pixelStride, rowCount: columns,
                columnCount: outputChannelCount, stride: pixelStride)
        }
    }
}

/// Where the tiles of four by four pixels of a batch of results lie, image by image and row by row.
private struct WinogradGrid {
    let outputSize: SpatialSize
    private let rowCount: Int
    private let columnCount: Int

    init(outputSize: SpatialSize) {
        self.outputSize = outputSize
        rowCount = (outputSize.height + 3) / 4
        columnCount = (outputSize.width + 3) / 4
    }

    var tilesPerImage: Int { rowCount * columnCount }

    /// Of inputs with what all tiles need.
    var paddedSize: SpatialSize { SpatialSize(height: 4 * rowCount + 2, width: 4 * columnCount + 2) }

    /// A tile's image and the first row and column of it.
    func place(ofTile tile: Int) -> (image: Int, y: Int, x: Int) {
        let (image, rest) = tile.quotientAndRemainder(dividingBy: tilesPerImage)
        let (row, column) = rest.quotientAndRemainder(dividingBy: columnCount)
        return (image, 4 * row, 4 * column)
    }

    /// The first pixel that a tile needs, counted over all padded inputs.
    func paddedPixel(ofTile tile: Int) -> Int {
        let (image, y, x) = place(ofTile: tile)
        return (image * paddedSize.height + y) * paddedSize.width + x
    }
}
