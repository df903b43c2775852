/// The two passes of Pillow's resize, bit for bit, each rounded to bytes.
///
/// Only the wanted part of the output is computed. A pixel's value does not depend on what else is computed.
struct Resampling {
    /// The part of the image that has been computed, or the whole source.
    private var image: PixelImage
    /// Where the part's first column and row lie on axes that may be scaled already.
    private var firstColumn: Int
    private var firstRow: Int

    /// The rectangle `outputs` of an image scaled to `width` x `height`, of which at least the `inputs` are there.
    static func resize(
        _ part: ImagePart, width: Int, height: Int, outputs: PixelRectangle, interpolation: Interpolation
    ) -> PixelImage {
        let needed = inputs(
            of: outputs, width: width, height: height, fromWidth: part.width, height: part.height,
            interpolation: interpolation)
        precondition(part.holds(needed), "\(needed) is not in the part of the image")
        let (columns, rows) = (outputs.columns, outputs.rows)
        let horizontal =
            width == part.width
            ? nil
            : ResamplingWeights(
                inputCount: part.width, outputCount: width, outputs: columns, interpolation: interpolation)
        let vertical =
            height == part.height
            ? nil
            : ResamplingWeights(
                inputCount: part.height, outputCount: height, outputs: rows, interpolation: interpolation)
        var passes = Resampling(image: part.image, firstColumn: part.x, firstRow: part.y)
        if verticalPassComesFirst(part, width: width, height: height) {
            if let vertical { passes.scaleColumns(needed.columns, vertical) }
            if let horizontal { passes.scaleRows(rows, horizontal) }
        } else {
            if let horizontal { passes.scaleRows(needed.rows, horizontal) }
            if let vertical { passes.scaleColumns(columns, vertical) }
        }
        return ImagePart(
            width: width, height: height, x: passes.firstColumn, y: passes.firstRow, image: passes.image
        ).pixels(of: outputs)
    }

    /// The pixels of an image that the rectangle `outputs` of the scaled image depends on.
    static func inputs(
        of outputs: PixelRectangle, width: Int, height: Int, fromWidth inputWidth: Int, height inputHeight: Int,
        interpolation: Interpolation
    ) -> PixelRectangle {
        func range(_ outputs: Range<Int>, _ outputCount: Int, from inputCount: Int) -> Range<Int> {
            guard outputCount != inputCount else { return outputs }
            let axis = ResamplingWeights.Axis(
                inputCount: inputCount, outputCount: outputCount, interpolation: interpolation)
            return axis.inputs(of: outputs.first!).lowerBound..<axis.inputs(of: outputs.last!).upperBound
        }
        return PixelRectangle(
            range(outputs.columns, width, from: inputWidth), range(outputs.rows, height, from: inputHeight))
    }

    /// Pillow 13 scales along the columns first where the height loses more than twice as many pixels as the width (tall
    /// images). Older ones never do; the two orders differ by one step of rounding here and there.
    private static func verticalPassComesFirst(_ image: ImagePart, width: Int, height: Int) -> Bool {
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
        // The last sums may read beyond the row, with weights of zero.
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
                            let spread = UnsafeRawPointer(spread.baseAddress!)
                            let place = target + index * outputCount * 3
                            // Constants make straight code of the sums; photographs of 500 pixels have 2.
                            switch pairCount {
                            case 2: Self.sumPixels(spread, axis, paired.baseAddress!, pairCount: 2, to: place)
                            case 3: Self.sumPixels(spread, axis, paired.baseAddress!, pairCount: 3, to: place)
                            case 4: Self.sumPixels(spread, axis, paired.baseAddress!, pairCount: 4, to: place)
                            default: Self.sumPixels(spread, axis, paired.baseAddress!, pairCount: pairCount, to: place)
                            }
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

    /// One output row: each pixel the weighted sum of `2 * pairCount` pixels that follow each other in `row`, or fewer and
    /// some of weight zero.
    @inline(__always)
    private static func sumPixels(
        _ row: UnsafeRawPointer, _ axis: ResamplingWeights, _ paired: UnsafePointer<SIMD8<Int32>>, pairCount: Int,
        to target: UnsafeMutableRawPointer
    ) {
        axis.starts.withUnsafeBufferPointer { starts in
            var (weights, target) = (paired, target)
            for index in 0..<starts.count {
                var sum = SIMD8<Int32>(lowHalf: SIMD4(repeating: ResamplingWeights.half), highHalf: .zero)
                let taps = row + 4 &* (starts[index] &- axis.inputRange.lowerBound)
                for pair in 0..<pairCount {
                    let bytes = taps.loadUnaligned(fromByteOffset: 8 &* pair, as: SIMD8<UInt8>.self)
                    sum &+= SIMD8<Int32>(truncatingIfNeeded: bytes) &* weights[pair]
                }
                let bytes = SIMD4<UInt8>(truncatingIfNeeded: byte(sum.lowHalf &+ sum.highHalf))
                target.storeBytes(of: bytes, as: SIMD4<UInt8>.self)
                weights += pairCount
                target += 3
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
