import BrainFloatKernels

/// Convolutions whose products are of brain floats.
extension Convolution2D {
    /// The same as `compute`: by F(2x2, 3x3) where that is possible, else over rows that are gathered and rounded.
    func computeRounded(
        _ input: Activations, adding residual: Activations?, into output: UnsafeMutablePointer<Float>,
        pixelStride: Int, in workspace: Workspace
    ) {
        if let brainFloatWinograd {
            return compute(
                input, with: brainFloatWinograd.matrices, adding: residual, into: output, pixelStride: pixelStride,
                in: workspace)
        }
        let outputSize = window.outputSize(for: input.size)
        let padded = input.padded(by: window.padding, in: workspace)
        let segments = segments(rowStride: padded.size.width * inputChannelCount)
        let (inputs, outputs) = (inputChannelCount / weights.count, outputChannelCount / weights.count)
        let rowCount = input.imageCount * outputSize.area
        func multiplyBlocks(_ input: UnsafePointer<Float>, _ residual: UnsafePointer<Float>?) {
            withUnsafeTemporaryAllocation(of: Int.self, capacity: blockRowCount) { rowOffsets in
                for first in stride(from: 0, to: rowCount, by: blockRowCount) {
                    let rows = first..<min(rowCount, first + blockRowCount)
                    fill(rowOffsets, rows: rows, inputSize: padded.size, outputSize: outputSize)
                    for group in weights.indices {
                        segments.offsets.withUnsafeBufferPointer { offsets in
                            let gathered = GatheredRows(
                                base: input + group * inputs, rowOffsets: UnsafePointer(rowOffsets.baseAddress!),
                                rowCount: rows.count, segmentOffsets: offsets.baseAddress!,
                                segmentCount: offsets.count, segmentLength: segments.length)
                            multiplyRounded(
                                gathered, weights[group], bias: biases[group],
                                residual: residual.map {
                                    ResidualRows(
                                        base: $0 + first * outputChannelCount + group * outputs,
                                        stride: outputChannelCount)
                                }, activation: activation,
                                into: .floats(output + first * pixelStride + group * outputs, stride: pixelStride),
                                in: workspace)
                        }
                    }
                }
            }
        }
        padded.withPointer { input in
            if let residual {
                residual.withPointer { multiplyBlocks(input, $0) }
            } else {
                multiplyBlocks(input, nil)
            }
        }
    }

    /// Tile by tile of two by two pixels.
    private func compute(
        _ input: Activations, with matrices: [BrainFloatMatrix], adding residual: Activations?,
        into output: UnsafeMutablePointer<Float>, pixelStride: Int, in workspace: Workspace
    ) {
        let grid = TileGrid(outputSize: window.outputSize(for: input.size), tileSide: 2)
        let padded = input.padded(by: window.padding, to: grid.paddedSize, in: workspace)
        let (inputs, outputs) = (inputChannelCount, outputChannelCount)
        let tileCount = input.imageCount * grid.tilesPerImage
        let block = min(brainFloatTilesPerBlock, tileCount)
        // A vector more than the tiles fill, so that the positions of a tile do not fall on the same lines of the first cache.
        let (inputStride, productStride) = (block * inputs + 32, block * outputs + 16)
        let transformed = workspace.brainFloatBuffer(16 * inputStride)
        let products = workspace.buffer(16 * productStride)
        let zeros = [Float](repeating: 0, count: outputs)
        for first in stride(from: 0, to: tileCount, by: block) {
            let tiles = first..<min(first + block, tileCount)
            padded.withPointer { padded in
                for (index, tile) in tiles.enumerated() {
                    transformWinogradInput(
                        padded + grid.paddedPixel(ofTile: tile) * inputs, rowStride: grid.paddedSize.width * inputs,
                        channelCount: inputs, into: transformed.brainFloats + index * inputs,
                        positionStride: inputStride)
                }
            }
            for position in 0..<16 {
                BrainFloatRows.withMatrix(
                    transformed.brainFloats + position * inputStride, rowCount: tiles.count, stride: inputs,
                    pairCount: inputs / 2
                ) { rows in
                    matrices[position].withPanels {
                        Tensors.multiply(
                            rows, panels: $0, columnCount: outputs, bias: zeros, activation: .identity,
                            into: .floats(products.pointer + position * productStride, stride: outputs))
                    }
                }
            }
            for (index, tile) in tiles.enumerated() {
                let area = grid.area(ofTile: tile)
                finish(area, of: grid, adding: residual, into: output, pixelStride: pixelStride) {
                    residual, target, rowStride in
                    transformWinogradOutput(
                        products.pointer + index * outputs, positionStride: productStride, channelCount: outputs,
                        bias: biases[0], adding: residual, rectified: activation == .relu, rows: area.height,
                        columns: area.width, into: target, rowStride: rowStride, pixelStride: pixelStride)
                }
            }
        }
        withExtendedLifetime((transformed, products)) {}
    }

    private var brainFloatTilesPerBlock: Int { inputChannelCount * outputChannelCount >= 256 * 1024 ? 96 : 48 }
}
