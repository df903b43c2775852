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
        let size = window.outputSize(for: input.size)
        let (tileRows, tileColumns) = ((size.height + 3) / 4, (size.width + 3) / 4)
        let padded = input.padded(
            by: window.padding, to: SpatialSize(height: 4 * tileRows + 2, width: 4 * tileColumns + 2), in: workspace)
        let (C, K) = (inputChannelCount, outputChannelCount)
        let tilesPerImage = tileRows * tileColumns
        let tileCount = input.imageCount * tilesPerImage
        let block = min(tilesPerBlock, tileCount)
        // A vector more than the tiles fill: with strides of whole pages, all 36 positions of a tile would fall on the same lines of the
        // first cache.
        let (inputStride, productStride) = (block * C + 16, block * K + 16)
        let transformed = workspace.buffer(36 * inputStride)
        let products = workspace.buffer(36 * productStride)
        let zeros = [Float](repeating: 0, count: biases[0].count)
        let rowStride = padded.size.width * C

        /// Image, row and column of a tile.
        func place(_ tile: Int) -> (image: Int, row: Int, column: Int) {
            let (image, rest) = tile.quotientAndRemainder(dividingBy: tilesPerImage)
            let (row, column) = rest.quotientAndRemainder(dividingBy: tileColumns)
            return (image, row, column)
        }
        withUnsafeTemporaryAllocation(of: Float.self, capacity: winogradScratchCount) { scratch in
            let scratch = scratch.baseAddress!
            for first in stride(from: 0, to: tileCount, by: block) {
                let count = min(block, tileCount - first)
                padded.withPointer { padded in
                    for index in 0..<count {
                        let (image, row, column) = place(first + index)
                        let pixel = (image * (4 * tileRows + 2) + 4 * row) * rowStride + 4 * column * C
                        transformWinogradInput(
                            padded + pixel, rowStride: rowStride, channelCount: C,
                            into: transformed.pointer + index * C, positionStride: inputStride, scratch: scratch)
                    }
                }
                for position in 0..<36 {
                    GatheredRows.forEachPiece(
                        of: UnsafePointer(transformed.pointer) + position * inputStride, rowCount: count, rowLength: C,
                        pieceLength: count
                    ) { rows, _ in
                        multiply(
                            rows, winograd.matrices[position], adding: AddedRows(repeating: zeros),
                            activation: .identity,
                            into: products.pointer + position * productStride, stride: K, in: workspace)
                    }
                }
                for index in 0..<count {
                    let (image, row, column) = place(first + index)
                    let pixel = (image * size.height + 4 * row) * size.width + 4 * column
                    func transform(_ residual: UnsafePointer<Float>?) {
                        transformWinogradOutput(
                            products.pointer + index * K, positionStride: productStride, channelCount: K, bias: biases[0],
                            adding: residual, activation: activation, rows: min(4, size.height - 4 * row),
                            columns: min(4, size.width - 4 * column), into: output + pixel * pixelStride,
                            rowStride: size.width * pixelStride, pixelStride: pixelStride, scratch: scratch)
                    }
                    if let residual {
                        residual.withPointer { transform($0 + pixel * pixelStride) }
                    } else {
                        transform(nil)
                    }
                }
            }
        }
    }
}
