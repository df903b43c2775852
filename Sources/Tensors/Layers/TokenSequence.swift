// Between feature maps and the sequences of tokens that a vision transformer works on. A sequence of T tokens is [N, T, 1, D].

extension Activations {
    /// The pixels of each image as tokens behind the same tokens for all of them: [N, H, W, D] to [N, L + H W, 1, D], the
    /// pixels row by row.
    ///
    /// - Parameters:
    ///   - leading: [L, D]: a class token, for example.
    ///   - positions: [H W, D], added to the pixels.
    public func tokens(after leading: [Float], adding positions: [Float], in workspace: Workspace) -> Activations {
        precondition(leading.count.isMultiple(of: channelCount), "leading tokens of \(channelCount) channels")
        let imageLength = size.area * channelCount
        precondition(positions.count == imageLength, "a position for each of \(size.area) tokens")
        let result = Activations(
            imageCount: imageCount,
            size: SpatialSize(height: leading.count / channelCount + size.area, width: 1),
            channelCount: channelCount, in: workspace)
        result.withMutablePointer { result in
            withPointer { own in
                for image in 0..<imageCount {
                    let sequence = result + image * (leading.count + imageLength)
                    leading.withUnsafeBufferPointer { leading in
                        if let start = leading.baseAddress { sequence.update(from: start, count: leading.count) }
                    }
                    let pixels = sequence + leading.count
                    pixels.update(from: own + image * imageLength, count: imageLength)
                    positions.withUnsafeBufferPointer {
                        add($0.baseAddress!, to: pixels, count: imageLength, activation: .identity)
                    }
                }
            }
        }
        return result
    }

    /// The last H W tokens of each sequence as a map: [N, L + H W, 1, D] to [N, H, W, D].
    public func map(of mapSize: SpatialSize, in workspace: Workspace) -> Activations {
        precondition(size.width == 1 && size.height >= mapSize.area, "a sequence of \(mapSize.area) tokens or more")
        let result = Activations(imageCount: imageCount, size: mapSize, channelCount: channelCount, in: workspace)
        let (mapLength, length) = (mapSize.area * channelCount, size.area * channelCount)
        result.withMutablePointer { result in
            withPointer { own in
                for image in 0..<imageCount {
                    (result + image * mapLength).update(
                        from: own + (image + 1) * length - mapLength, count: mapLength)
                }
            }
        }
        return result
    }

    /// The channels of 2x2 pixels together: [N, H, W, C] to [N, H / 2, W / 2, 4 C], upper left, lower left, upper right,
    /// lower right, as Swin transformers want them. An odd size is rounded up; what is missing is zeros.
    public func mergedPatches(in workspace: Workspace) -> Activations {
        let mergedSize = SpatialSize(height: (size.height + 1) / 2, width: (size.width + 1) / 2)
        let result = Activations(
            imageCount: imageCount, size: mergedSize, channelCount: 4 * channelCount, in: workspace)
        result.withMutablePointer { result in
            withPointer { own in
                var next = result
                for image in 0..<imageCount {
                    for y in 0..<mergedSize.height {
                        for x in 0..<mergedSize.width {
                            for (row, column) in [
                                (2 * y, 2 * x), (2 * y + 1, 2 * x), (2 * y, 2 * x + 1), (2 * y + 1, 2 * x + 1),
                            ] {
                                if row < size.height && column < size.width {
                                    let pixel = (image * size.height + row) * size.width + column
                                    next.update(from: own + pixel * channelCount, count: channelCount)
                                } else {
                                    next.update(repeating: 0, count: channelCount)
                                }
                                next += channelCount
                            }
                        }
                    }
                }
            }
        }
        return result
    }
}
