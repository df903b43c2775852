import VectorKernels

extension Convolution2D {
    /// Tiles that are computed together: whole tiles of the matrix kernel's rows, whose transforms stay near the core, and the more the
    /// larger the weights are that pass by.
    private var tilesPerBlock: Int {
        let weightCount = inputChannelCount * outputChannelCount
        return weightCount >= 32 * 1024 ? 48 : 24
    }

    /// The same as `compute`, tile by tile of four by four pixels.
    func compute(
        _ input: Activations, with winograd: WinogradWeights, adding residual: Activations?,
        into output: UnsafeMutablePointer<Float>, pixelStride: Int, in workspace: Workspace
    ) {
        let grid = TileGrid(outputSize: window.outputSize(for: input.size))
        let padded = input.padded(by: window.padding, to: grid.paddedSize, in: workspace)
        let inputs = inputChannelCount
        // Whole panels: the columns beyond the outputs are zeros.
        let columns = biases[0].count
        let choice = choice(of: grid, padded: padded, adding: residual, in: workspace)
        let block = min(tilesPerBlock, choice.computed.count)
        // A vector more than the tiles fill: with strides of whole pages, all 36 positions of a tile would fall on the same lines of the
        // first cache.
        let (inputStride, productStride) = (block * inputs + 16, block * columns + 16)
        let transformed = workspace.buffer(36 * inputStride)
        let products = workspace.buffer(36 * productStride)
        let scratch = workspace.buffer(winogradScratchCount + columns)
        let zeros = scratch.pointer + winogradScratchCount
        zeros.update(repeating: 0, count: columns)

        winograd.withPanels { panels in
            for first in stride(from: 0, to: choice.computed.count, by: block) {
                let tiles = choice.computed[first..<min(first + block, choice.computed.count)]
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
                    let area = grid.area(ofTile: tile)
                    finish(area, of: grid, adding: residual, into: output, pixelStride: pixelStride) {
                        residual, target, rowStride in
                        transformWinogradOutput(
                            products.pointer + index * columns, positionStride: productStride,
                            channelCount: outputChannelCount, bias: biases[0], adding: residual,
                            rectified: activation == .relu, rows: area.height, columns: area.width, into: target,
                            rowStride: rowStride, pixelStride: pixelStride, scratch: scratch.pointer)
                    }
                }
            }
        }
        withExtendedLifetime((transformed, products, scratch)) {}
        copy(choice.copied, of: grid, in: output, pixelStride: pixelStride)
    }

    /// A tile's products to the pixels of the result that they are about.
    ///
    /// - Parameter transform: receives the residual (or nil) and the result where the tile's first pixel lies, and floats from row to row.
    func finish(
        _ area: TileGrid.Area, of grid: TileGrid, adding residual: Activations?,
        into output: UnsafeMutablePointer<Float>, pixelStride: Int,
        _ transform: (_ residual: UnsafePointer<Float>?, _ target: UnsafeMutablePointer<Float>, _ rowStride: Int) ->
            Void
    ) {
        let size = grid.outputSize
        let pixel = (area.image * size.height + area.y) * size.width + area.x
        let (target, rowStride) = (output + pixel * pixelStride, size.width * pixelStride)
        if let residual {
            residual.withPointer { transform($0 + pixel * pixelStride, target, rowStride) }
        } else {
            transform(nil, target, rowStride)
        }
        guard activation == .gelu else { return }
        for row in 0..<area.height {
            applyGELU(
                to: target + row * rowStride, rowCount: area.width, columnCount: outputChannelCount,
                stride: pixelStride)
        }
    }
}
