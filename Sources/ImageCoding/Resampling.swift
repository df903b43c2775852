/// The two passes of Pillow's resize, bit for bit: along the rows first, then along the columns, rounded to bytes after
/// each.
///
/// Only the wanted part of the output is computed. A pixel's value does not depend on what else is computed.
enum Resampling {
    /// The part [rows, columns] of `image` scaled to `width` x `height`.
    static func resize(
        _ image: PixelImage, width: Int, height: Int, columns: Range<Int>, rows: Range<Int>,
        interpolation: Interpolation
    ) -> PixelImage {
        let vertical =
            height == image.height
            ? nil
            : ResamplingWeights(
                inputCount: image.height, outputCount: height, outputs: rows, interpolation: interpolation)
        let neededRows = vertical?.inputRange ?? rows
        let between: [UInt8]
        if width == image.width {
            between =
                image.cropped(
                    x: columns.lowerBound, y: neededRows.lowerBound, width: columns.count, height: neededRows.count
                ).pixels
        } else {
            let horizontal = ResamplingWeights(
                inputCount: image.width, outputCount: width, outputs: columns, interpolation: interpolation)
            between = alongRows(of: image, rows: neededRows, horizontal)
        }
        guard let vertical else { return PixelImage(width: columns.count, height: rows.count, pixels: between) }
        let pixels = alongColumns(of: between, rowByteCount: columns.count * 3, vertical)
        return PixelImage(width: columns.count, height: rows.count, pixels: pixels)
    }

    /// The byte nearest to a sum in fixed point.
    @inline(__always)
    private static func byte<Vector: SIMD>(_ sum: Vector) -> Vector where Vector.Scalar == Int32 {
        (sum &>> Vector(repeating: ResamplingWeights.precisionBitCount)).clamped(
            lowerBound: Vector(repeating: 0), upperBound: Vector(repeating: 255))
    }

    // MARK: - Rows

    /// [rows, outputs, 3]: each row scaled.
    ///
    /// A row is first spread to four bytes a pixel; two neighbouring pixels then fill a vector of eight, and each weight is
    /// stored four times to meet it.
    private static func alongRows(of image: PixelImage, rows: Range<Int>, _ axis: ResamplingWeights) -> [UInt8] {
        let outputCount = axis.starts.count
        let pairCount = axis.stride / 2
        let inputs = axis.inputRange
        var paired = [SIMD8<Int32>](repeating: .zero, count: outputCount * pairCount)
        for index in paired.indices {
            paired[index] = SIMD8(
                lowHalf: SIMD4(repeating: axis.weights[2 * index]),
                highHalf: SIMD4(repeating: axis.weights[2 * index + 1]))
        }
        // The last pair of a short sum reads beyond the row; its weights are zero.
        var spread = [UInt32](repeating: 0, count: inputs.count + axis.stride)
        let byteCount = rows.count * outputCount * 3
        return [UInt8](unsafeUninitializedCapacity: byteCount + 1) { output, initializedCount in
            image.pixels.withUnsafeBytes { source in
                spread.withUnsafeMutableBufferPointer { spread in
                    paired.withUnsafeBufferPointer { paired in
                        axis.starts.withUnsafeBufferPointer { starts in
                            axis.counts.withUnsafeBufferPointer { counts in
                                var target = UnsafeMutableRawPointer(output.baseAddress!)
                                for row in rows {
                                    spreadRow(
                                        source, at: (row * image.width + inputs.lowerBound) * 3, to: spread,
                                        inputs.count)
                                    let pixels = UnsafeRawPointer(spread.baseAddress!)
                                    for index in 0..<outputCount {
                                        var sum = SIMD8<Int32>(
                                            lowHalf: SIMD4(repeating: ResamplingWeights.half), highHalf: .zero)
                                        let weights = paired.baseAddress! + index &* pairCount
                                        let taps = pixels + 4 &* (starts[index] &- inputs.lowerBound)
                                        for pair in 0..<(counts[index] &+ 1) / 2 {
                                            let bytes = taps.loadUnaligned(
                                                fromByteOffset: 8 &* pair, as: SIMD8<UInt8>.self)
                                            sum &+= SIMD8<Int32>(truncatingIfNeeded: bytes) &* weights[pair]
                                        }
                                        let bytes = SIMD4<UInt8>(truncatingIfNeeded: byte(sum.lowHalf &+ sum.highHalf))
                                        // Four bytes, of which the next pixel overwrites the last.
                                        target.storeBytes(of: bytes, as: SIMD4<UInt8>.self)
                                        target += 3
                                    }
                                }
                            }
                        }
                    }
                }
            }
            initializedCount = byteCount
        }
    }

    /// Copies `count` pixels of three bytes to four bytes each; the fourth is anything.
    @inline(__always)
    private static func spreadRow(
        _ source: UnsafeRawBufferPointer, at offset: Int, to target: UnsafeMutableBufferPointer<UInt32>, _ count: Int
    ) {
        let base = source.baseAddress! + offset
        // A load of four bytes at the last pixel of the image would end one byte behind it.
        let quick = offset + 3 * count < source.count ? count : count - 1
        for pixel in 0..<quick {
            target[pixel] = base.loadUnaligned(fromByteOffset: 3 &* pixel, as: UInt32.self)
        }
        if quick < count {
            let last = base + 3 * quick
            target[quick] =
                UInt32(last.load(as: UInt8.self)) | UInt32(last.load(fromByteOffset: 1, as: UInt8.self)) << 8
                | UInt32(last.load(fromByteOffset: 2, as: UInt8.self)) << 16
        }
    }

    // MARK: - Columns

    /// [outputs, rowByteCount]: each column scaled. `source` starts at the first row that is needed.
    private static func alongColumns(of source: [UInt8], rowByteCount: Int, _ axis: ResamplingWeights) -> [UInt8] {
        let byteCount = axis.starts.count * rowByteCount
        return [UInt8](unsafeUninitializedCapacity: byteCount) { output, initializedCount in
            source.withUnsafeBytes { source in
                axis.weights.withUnsafeBufferPointer { weights in
                    for index in axis.starts.indices {
                        let rows =
                            source.baseAddress! + (axis.starts[index] - axis.inputRange.lowerBound) * rowByteCount
                        let target = UnsafeMutableRawPointer(output.baseAddress!) + index * rowByteCount
                        sumRows(
                            rows, rowByteCount, weights.baseAddress! + index * axis.stride, axis.counts[index],
                            to: target)
                    }
                }
            }
            initializedCount = byteCount
        }
    }

    /// One output row: the weighted sum of `count` rows that follow each other.
    @inline(__always)
    private static func sumRows(
        _ rows: UnsafeRawPointer, _ rowByteCount: Int, _ weights: UnsafePointer<Int32>, _ count: Int,
        to target: UnsafeMutableRawPointer
    ) {
        var column = 0
        while column &+ 32 <= rowByteCount {
            var sums = (
                SIMD8<Int32>(repeating: ResamplingWeights.half), SIMD8<Int32>(repeating: ResamplingWeights.half),
                SIMD8<Int32>(repeating: ResamplingWeights.half), SIMD8<Int32>(repeating: ResamplingWeights.half)
            )
            var row = rows + column
            for tap in 0..<count {
                let weight = SIMD8<Int32>(repeating: weights[tap])
                sums.0 &+= SIMD8<Int32>(truncatingIfNeeded: row.loadUnaligned(as: SIMD8<UInt8>.self)) &* weight
                sums.1 &+=
                    SIMD8<Int32>(truncatingIfNeeded: row.loadUnaligned(fromByteOffset: 8, as: SIMD8<UInt8>.self))
                    &* weight
                sums.2 &+=
                    SIMD8<Int32>(truncatingIfNeeded: row.loadUnaligned(fromByteOffset: 16, as: SIMD8<UInt8>.self))
                    &* weight
                sums.3 &+=
                    SIMD8<Int32>(truncatingIfNeeded: row.loadUnaligned(fromByteOffset: 24, as: SIMD8<UInt8>.self))
                    &* weight
                row += rowByteCount
            }
            let place = target + column
            place.storeBytes(of: SIMD8<UInt8>(truncatingIfNeeded: byte(sums.0)), as: SIMD8<UInt8>.self)
            place.storeBytes(of: SIMD8<UInt8>(truncatingIfNeeded: byte(sums.1)), toByteOffset: 8, as: SIMD8<UInt8>.self)
            place.storeBytes(
                of: SIMD8<UInt8>(truncatingIfNeeded: byte(sums.2)), toByteOffset: 16, as: SIMD8<UInt8>.self)
            place.storeBytes(
                of: SIMD8<UInt8>(truncatingIfNeeded: byte(sums.3)), toByteOffset: 24, as: SIMD8<UInt8>.self)
            column &+= 32
        }
        while column < rowByteCount {
            var sum = ResamplingWeights.half
            for tap in 0..<count {
                sum &+= Int32(rows.load(fromByteOffset: tap &* rowByteCount &+ column, as: UInt8.self)) &* weights[tap]
            }
            let byte = UInt8(min(max(sum >> ResamplingWeights.precisionBitCount, 0), 255))
            target.storeBytes(of: byte, toByteOffset: column, as: UInt8.self)
            column &+= 1
        }
    }
}
