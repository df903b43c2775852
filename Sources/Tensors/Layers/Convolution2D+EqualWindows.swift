import Glibc

/// In batches whose images differ little from one another (`Workspace.expectsSimilarImages`), a convolution copies what it would only
/// compute again: a tile of the result whose inputs are, bit for bit, those of the same tile of the image before.
extension Convolution2D {
    /// The tiles of a batch's results that have to be computed, and those that the image before already has; both ascending.
    struct TileChoice {
        var computed: [Int] = []
        var copied: [Int] = []
    }

    /// Every tile, unless the workspace expects similar images: then those of the first image and those whose inputs differ.
    func choice(
        of grid: TileGrid, padded: Activations, adding residual: Activations?, in workspace: Workspace
    ) -> TileChoice {
        let tiles = 0..<padded.imageCount * grid.tilesPerImage
        guard workspace.expectsSimilarImages else { return TileChoice(computed: Array(tiles)) }
        var choice = TileChoice()
        for tile in tiles {
            let area = grid.area(ofTile: tile)
            if area.image > 0 && hasEqualInputs(area, padded) && residual.map({ isEqual(area, $0) }) ?? true {
                choice.copied.append(tile)
            } else {
                choice.computed.append(tile)
            }
        }
        return choice
    }

    /// Whether a tile's windows see what they see in the image before.
    private func hasEqualInputs(_ area: TileGrid.Area, _ padded: Activations) -> Bool {
        func length(_ count: Int, _ stride: Int, _ dilation: Int, _ kernel: Int) -> Int {
            (count - 1) * stride + (kernel - 1) * dilation + 1
        }
        return padded.hasEqualPixels(
            image: area.image, y: area.y * window.stride.height, x: area.x * window.stride.width,
            height: length(area.height, window.stride.height, window.dilation.height, window.kernel.height),
            width: length(area.width, window.stride.width, window.dilation.width, window.kernel.width))
    }

    private func isEqual(_ area: TileGrid.Area, _ residual: Activations) -> Bool {
        residual.hasEqualPixels(image: area.image, y: area.y, x: area.x, height: area.height, width: area.width)
    }

    /// Fills in tiles from the images before theirs; ascending, so that those are complete.
    func copy(_ tiles: [Int], of grid: TileGrid, in output: UnsafeMutablePointer<Float>, pixelStride: Int) {
        let size = grid.outputSize
        var next = 0
        while next < tiles.count {
            let area = grid.area(ofTile: tiles[next])
            // As many as lie side by side.
            var width = area.width
            next += 1
            while next < tiles.count, area.x + width < size.width, tiles[next] == tiles[next - 1] + 1 {
                width += grid.area(ofTile: tiles[next]).width
                next += 1
            }
            for row in area.y..<area.y + area.height {
                let target = output + ((area.image * size.height + row) * size.width + area.x) * pixelStride
                copyPixels(
                    from: target - size.area * pixelStride, stride: pixelStride, to: target, stride: pixelStride,
                    count: width)
            }
        }
    }

    private func copyPixels(
        from source: UnsafePointer<Float>, stride: Int, to target: UnsafeMutablePointer<Float>,
        stride targetStride: Int,
        count: Int
    ) {
        guard stride != outputChannelCount || targetStride != outputChannelCount else {
            return target.update(from: source, count: count * outputChannelCount)
        }
        for pixel in 0..<count {
            (target + pixel * targetStride).update(from: source + pixel * stride, count: outputChannelCount)
        }
    }

    /// The tiles' pixels, by gathered windows.
    func compute(
        _ tiles: [Int], of grid: TileGrid, _ input: Activations, adding residual: Activations?,
        into output: UnsafeMutablePointer<Float>, pixelStride: Int, in workspace: Workspace
    ) {
        let size = grid.outputSize
        // First pixels and lengths of the tiles' rows.
        let lines = tiles.flatMap { tile in
            let area = grid.area(ofTile: tile)
            return (area.y..<area.y + area.height).map {
                (first: (area.image * size.height + $0) * size.width + area.x, count: area.width)
            }
        }
        let linesPerBlock = blockRowCount / TileGrid.side
        let results = workspace.buffer(linesPerBlock * TileGrid.side * outputChannelCount)
        let segments = segments(rowStride: input.size.width * inputChannelCount)
        withUnsafeTemporaryAllocation(of: Int.self, capacity: linesPerBlock * TileGrid.side) { offsets in
            for start in stride(from: 0, to: lines.count, by: linesPerBlock) {
                let block = lines[start..<min(lines.count, start + linesPerBlock)]
                var count = 0
                for line in block {
                    let offset = offset(ofPixel: line.first, inputSize: input.size, outputSize: size)
                    for column in 0..<line.count {
                        offsets[count] = offset + column * window.stride.width * inputChannelCount
                        count += 1
                    }
                }
                multiply(
                    rowCount: count, offsets, segments, of: input,
                    activation: residual == nil ? activation : .identity, into: results.pointer,
                    pixelStride: outputChannelCount, in: workspace)
                var source = results.pointer
                for line in block {
                    residual?.withPointer {
                        add(
                            $0 + line.first * outputChannelCount, to: source, count: line.count * outputChannelCount,
                            activation: activation)
                    }
                    copyPixels(
                        from: source, stride: outputChannelCount, to: output + line.first * pixelStride,
                        stride: pixelStride, count: line.count)
                    source += line.count * outputChannelCount
                }
            }
        }
        withExtendedLifetime(results) {}
    }
}

extension Activations {
    /// Whether a rectangle of an image has the bits it has in the image before.
    fileprivate func hasEqualPixels(image: Int, y: Int, x: Int, height: Int, width: Int) -> Bool {
        let (rowLength, imageLength) = (size.width * channelCount, size.area * channelCount)
        return withPointer { own in
            let first = own + image * imageLength + y * rowLength + x * channelCount
            return (0..<height).allSatisfy { row in
                let pixels = first + row * rowLength
                return memcmp(pixels, pixels - imageLength, width * channelCount * MemoryLayout<Float>.stride) == 0
            }
        }
    }
}
