/// The two passes of Pillow's resize, bit for bit, each rounded to bytes.
///
/// Only the wanted part of the output is computed. A pixel's value does not depend on what else is computed.
struct Resampling {
    /// The part of the image that has been computed, or the whole source.
    private var image: PixelImage
    /// Where the part's first column and row lie on axes that may be scaled already.
    private var firstColumn = 0
    private var firstRow = 0

    /// The part [rows, columns] of `image` scaled to `width` x `height`.
    static func resize(
        _ image: PixelImage, width: Int, height: Int, columns: Range<Int>, rows: Range<Int>,
        interpolation: Interpolation
    ) -> PixelImage {
        let horizontal =
            width == image.width
            ? nil
            : ResamplingWeights(
                inputCount: image.width, outputCount: width, outputs: columns, interpolation: interpolation)
        let vertical =
            height == image.height
            ? nil
            : ResamplingWeights(
                inputCount: image.height, outputCount: height, outputs: rows, interpolation: interpolation)
        var part = Resampling(image: image)
        if verticalPassComesFirst(image, width: width, height: height) {
            if let vertical { part.scaleColumns(horizontal?.inputRange ?? columns, vertical) }
            if let horizontal { part.scaleRows(rows, horizontal) }
        } else {
            if let horizontal { part.scaleRows(vertical?.inputRange ?? rows, horizontal) }
            if let vertical { part.scaleColumns(columns, vertical) }
        }
        guard part.image.width != columns.count || part.image.height != rows.count else { return part.image }
        return part.image.cropped(
            x: columns.lowerBound - part.firstColumn, y: rows.lowerBound - part.firstRow, width: columns.count,
            height: rows.count)
    }

    /// Pillow 13 scales along the columns first where the height loses more than twice as many pixels as the width (tall
    /// images). Older ones never do; the two orders differ by one step of rounding here and there.
    private static func verticalPassComesFirst(_ image: PixelImage, width: Int, height: Int) -> Bool {
        let loss = image.height - height
        return loss > 0 && loss > 2 * (image.width - width)
    }

    /// The byte nearest to a sum in fixed point.
    @inline(__always)
    private static func byte<Vector: SIMD>(_ sum: Vector) -> Vector where Vector.Scalar == Int32 {
        (sum &>> Vector(repeating: ResamplingWeights.precisionBitCount)).clamped(
            lowerBound: Vector(repeating: 0), upperBound: Vector(repeating: 255))
    }

    // MARK: - Rows

    /// Scales `rows` along their length.
    ///
    /// A row is first spread to four bytes a pixel; two neighbouring pixels then fill a vector of eight, and each weight is
    /// stored four times to meet it.
    private mutating func scaleRows(_ rows: Range<Int>, _ axis: ResamplingWeights) {
        let outputCount = axis.outputs.count
        let pairCount = axis.stride / 2
        let inputs = axis.inputRange
        var paired = [SIMD8<Int32>](repeating: .zero, count: outputCount * pairCount)
        for index in paired.indices {
            paired[index] = SIMD8(
                lowHalf: SIMD4(repeating: axis.weights[2 * index]),
                highHalf: SIMD4(repeating: axis.weights[2 * index + 1]))
        }
        // The last pair of an odd sum reads one pixel beyond the row, with weight zero.
        var spread = [UInt32](repeating: 0, count: inputs.count + axis.stride)
        let byteCount = rows.count * outputCount * 3
        // One byte more than the pixels: each is written as four bytes, of which the next one overwrites the last.
        var output = [UInt8](unsafeUninitializedCapacity: byteCount + 1) { output, initializedCount in
            let target = UnsafeMutableRawPointer(output.baseAddress!)
            image.pixels.withUnsafeBytes { source in
                spread.withUnsafeMutableBufferPointer { spread in
                    paired.withUnsafeBufferPointer { paired in
                        for (index, row) in rows.enumerated() {
                            let offset = ((row - firstRow) * image.width + inputs.lowerBound - firstColumn) * 3
                            Self.spread(source, at: offset, to: spread, inputs.count)
                            Self.sumPixels(
                                UnsafeRawPointer(spread.baseAddress!), axis, paired.baseAddress!, pairCount,
                                to: target + index * outputCount * 3)
                        }
                    }
                }
            }
            initializedCount = byteCount + 1
        }
        output.removeLast()
        image = PixelImage(width: outputCount, height: rows.count, pixels: output)
        firstColumn = axis.outputs.lowerBound
        firstRow = rows.lowerBound
    }

    /// One output row: each pixel the weighted sum of pixels that follow each other in `row`.
    @inline(__always)
    private static func sumPixels(
        _ row: UnsafeRawPointer, _ axis: ResamplingWeights, _ paired: UnsafePointer<SIMD8<Int32>>, _ pairCount: Int,
        to target: UnsafeMutableRawPointer
    ) {
        axis.starts.withUnsafeBufferPointer { starts in
            axis.counts.withUnsafeBufferPointer { counts in
                var target = target
                for index in 0..<starts.count {
                    var sum = SIMD8<Int32>(lowHalf: SIMD4(repeating: ResamplingWeights.half), highHalf: .zero)
                    let weights = paired + index &* pairCount
                    let taps = row + 4 &* (starts[index] &- axis.inputRange.lowerBound)
                    for pair in 0..<(counts[index] &+ 1) / 2 {
                        let bytes = taps.loadUnaligned(fromByteOffset: 8 &* pair, as: SIMD8<UInt8>.self)
                        sum &+= SIMD8<Int32>(truncatingIfNeeded: bytes) &* weights[pair]
                    }
                    let bytes = SIMD4<UInt8>(truncatingIfNeeded: byte(sum.lowHalf &+ sum.highHalf))
                    target.storeBytes(of: bytes, as: SIMD4<UInt8>.self)
                    target += 3
                }
            }
        }
    }

    /// Copies `count` pixels of three bytes to four bytes each; the fourth is anything.
    @inline(__always)
    private static func spread(
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

    /// Scales `columns` along their length.
    private mutating func scaleColumns(_ columns: Range<Int>, _ axis: ResamplingWeights) {
        let rowByteCount = columns.count * 3
        let stride = image.width * 3
        let byteCount = axis.outputs.count * rowByteCount
        let output = [UInt8](unsafeUninitializedCapacity: byteCount) { output, initializedCount in
            image.pixels.withUnsafeBytes { source in
                let source = source.baseAddress! + (columns.lowerBound - firstColumn) * 3
                axis.weights.withUnsafeBufferPointer { weights in
                    for position in axis.starts.indices {
                        Self.sumRows(
                            source + (axis.starts[position] - firstRow) * stride, stride, rowByteCount,
                            weights.baseAddress! + position * axis.stride, axis.counts[position],
                            to: UnsafeMutableRawPointer(output.baseAddress!) + position * rowByteCount)
                    }
                }
            }
            initializedCount = byteCount
        }
        image = PixelImage(width: columns.count, height: axis.outputs.count, pixels: output)
        firstColumn = columns.lowerBound
        firstRow = axis.outputs.lowerBound
    }

    /// One output row: the weighted sum of `count` rows that lie `stride` bytes apart.
    @inline(__always)
    private static func sumRows(
        _ rows: UnsafeRawPointer, _ stride: Int, _ rowByteCount: Int, _ weights: UnsafePointer<Int32>, _ count: Int,
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
                row += stride
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
                sum &+= Int32(rows.load(fromByteOffset: tap &* stride &+ column, as: UInt8.self)) &* weights[tap]
            }
            let byte = UInt8(min(max(sum >> ResamplingWeights.precisionBitCount, 0), 255))
            target.storeBytes(of: byte, toByteOffset: column, as: UInt8.self)
            column &+= 1
        }
    }
}
