import VectorKernels
import WideKernels

// The kernels of `VectorKernels`, for the processor that the program runs on: compiled for AVX-512 where it has that, else for AVX2.

/// See `VectorKernels.add`.
func add(_ y: UnsafePointer<Float>, to x: UnsafeMutablePointer<Float>, count: Int, rectified: Bool) {
    if Processor.hasWideVectors {
        WideKernels.add(y, to: x, count: count, rectified: rectified)
    } else {
        VectorKernels.add(y, to: x, count: count, rectified: rectified)
    }
}

/// See `VectorKernels.applyGELU`.
func applyGELU(to x: UnsafeMutablePointer<Float>, rowCount: Int, columnCount: Int, stride: Int) {
    if Processor.hasWideVectors {
        WideKernels.applyGELU(to: x, rowCount: rowCount, columnCount: columnCount, stride: stride)
    } else {
        VectorKernels.applyGELU(to: x, rowCount: rowCount, columnCount: columnCount, stride: stride)
    }
}

/// See `VectorKernels.rectifiedAffine`.
func rectifiedAffine(
    _ x: UnsafePointer<Float>, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>,
    into y: UnsafeMutablePointer<Float>, count: Int
) {
    if Processor.hasWideVectors {
        WideKernels.rectifiedAffine(x, scale: scale, shift: shift, into: y, count: count)
    } else {
        VectorKernels.rectifiedAffine(x, scale: scale, shift: shift, into: y, count: count)
    }
}

/// See `VectorKernels.averageOfRectified`.
func averageOfRectified(
    _ x: UnsafePointer<Float>, right: Int, below: Int, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>,
    into y: UnsafeMutablePointer<Float>, count: Int
) {
    if Processor.hasWideVectors {
        WideKernels.averageOfRectified(x, right: right, below: below, scale: scale, shift: shift, into: y, count: count)
    } else {
        VectorKernels.averageOfRectified(
            x, right: right, below: below, scale: scale, shift: shift, into: y, count: count)
    }
}

/// See `VectorKernels.takeMaximum`.
func takeMaximum(
    of pixels: UnsafePointer<UnsafePointer<Float>>, pixelCount: Int, into y: UnsafeMutablePointer<Float>, count: Int
) {
    if Processor.hasWideVectors {
        WideKernels.takeMaximum(of: pixels, pixelCount: pixelCount, into: y, count: count)
    } else {
        VectorKernels.takeMaximum(of: pixels, pixelCount: pixelCount, into: y, count: count)
    }
}

/// See `VectorKernels.normaliseRows`.
func normaliseRows(
    _ x: UnsafePointer<Float>, rowCount: Int, weight: UnsafePointer<Float>, bias: UnsafePointer<Float>,
    epsilon: Float, count: Int, into y: UnsafeMutablePointer<Float>
) {
    if Processor.hasWideVectors {
        WideKernels.normaliseRows(
            x, rowCount: rowCount, weight: weight, bias: bias, epsilon: epsilon, count: count, into: y)
    } else {
        VectorKernels.normaliseRows(
            x, rowCount: rowCount, weight: weight, bias: bias, epsilon: epsilon, count: count, into: y)
    }
}

/// See `VectorKernels.exponentiateScores`.
func exponentiateScores(
    _ x: UnsafeMutablePointer<Float>, factor: Float, bias: UnsafePointer<Float>?, mask: UnsafePointer<Float>?,
    count: Int, paddedCount: Int
) -> SIMD8<Float> {
    if Processor.hasWideVectors {
        WideKernels.exponentiateScores(
            x, factor: factor, bias: bias, mask: mask, count: count, paddedCount: paddedCount)
    } else {
        VectorKernels.exponentiateScores(
            x, factor: factor, bias: bias, mask: mask, count: count, paddedCount: paddedCount)
    }
}

/// See `VectorKernels.convolveDepthwise`.
func convolveDepthwise(
    _ x: UnsafePointer<Float>, channelCount: Int, sliceCount: Int, weights: UnsafePointer<Float>, kernelSide: Int,
    biases: UnsafePointer<Float>, scratch: UnsafeMutablePointer<Float>, into y: UnsafeMutablePointer<Float>,
    height: Int, width: Int
) {
    if Processor.hasWideVectors {
        WideKernels.convolveDepthwise(
            x, channelCount: channelCount, sliceCount: sliceCount, weights: weights, kernelSide: kernelSide,
            biases: biases,
            scratch: scratch, into: y, height: height, width: width)
    } else {
        VectorKernels.convolveDepthwise(
            x, channelCount: channelCount, sliceCount: sliceCount, weights: weights, kernelSide: kernelSide,
            biases: biases,
            scratch: scratch, into: y, height: height, width: width)
    }
}

/// See `VectorKernels.transformWinogradInput`.
func transformWinogradInput(
    _ tile: UnsafePointer<Float>, rowStride: Int, channelCount: Int, into result: UnsafeMutablePointer<Float>,
    positionStride: Int, scratch: UnsafeMutablePointer<Float>
) {
    if Processor.hasWideVectors {
        WideKernels.transformWinogradInput(
            tile, rowStride: rowStride, channelCount: channelCount, into: result, positionStride: positionStride,
            scratch: scratch)
    } else {
        VectorKernels.transformWinogradInput(
            tile, rowStride: rowStride, channelCount: channelCount, into: result, positionStride: positionStride,
            scratch: scratch)
    }
}

/// See `VectorKernels.transformWinogradOutput`.
func transformWinogradOutput(
    _ products: UnsafePointer<Float>, positionStride: Int, channelCount: Int, bias: UnsafePointer<Float>,
    adding residual: UnsafePointer<Float>?, rectified: Bool, rows: Int, columns: Int,
    into result: UnsafeMutablePointer<Float>, rowStride: Int, pixelStride: Int, scratch: UnsafeMutablePointer<Float>
) {
    if Processor.hasWideVectors {
        WideKernels.transformWinogradOutput(
            products, positionStride: positionStride, channelCount: channelCount, bias: bias, adding: residual,
            rectified: rectified, rows: rows, columns: columns, into: result, rowStride: rowStride,
            pixelStride: pixelStride, scratch: scratch)
    } else {
        VectorKernels.transformWinogradOutput(
            products, positionStride: positionStride, channelCount: channelCount, bias: bias, adding: residual,
            rectified: rectified, rows: rows, columns: columns, into: result, rowStride: rowStride,
            pixelStride: pixelStride, scratch: scratch)
    }
}

/// See `VectorKernels.makeStrassenRowSums`.
func makeStrassenRowSums(
    _ first: UnsafePointer<Float>, _ second: UnsafePointer<Float>, halfDepth: Int,
    into sums: UnsafeMutablePointer<Float>, distance: Int
) {
    if Processor.hasWideVectors {
        WideKernels.makeStrassenRowSums(first, second, halfDepth: halfDepth, into: sums, distance: distance)
    } else {
        VectorKernels.makeStrassenRowSums(first, second, halfDepth: halfDepth, into: sums, distance: distance)
    }
}

/// See `VectorKernels.makeStrassenColumnSums`.
func makeStrassenColumnSums(
    upper: UnsafePointer<Float>, lower: UnsafePointer<Float>, columnDistance: Int, count: Int,
    into sums: UnsafeMutablePointer<Float>, distance: Int
) {
    if Processor.hasWideVectors {
        WideKernels.makeStrassenColumnSums(
            upper: upper, lower: lower, columnDistance: columnDistance, count: count, into: sums, distance: distance)
    } else {
        VectorKernels.makeStrassenColumnSums(
            upper: upper, lower: lower, columnDistance: columnDistance, count: count, into: sums, distance: distance)
    }
}

/// See `VectorKernels.finishStrassenRows`.
func finishStrassenRows(
    _ products: UnsafePointer<Float>, slotDistance: Int, pairCount: Int, rowsPerPair: Int, count: Int,
    adding added: UnsafePointer<Float>, addedStride: Int, into result: UnsafeMutablePointer<Float>, stride: Int,
    columnDistance: Int
) {
    if Processor.hasWideVectors {
        WideKernels.finishStrassenRows(
            products, slotDistance: slotDistance, pairCount: pairCount, rowsPerPair: rowsPerPair, count: count,
            adding: added, addedStride: addedStride, into: result, stride: stride, columnDistance: columnDistance)
    } else {
        VectorKernels.finishStrassenRows(
            products, slotDistance: slotDistance, pairCount: pairCount, rowsPerPair: rowsPerPair, count: count,
            adding: added, addedStride: addedStride, into: result, stride: stride, columnDistance: columnDistance)
    }
}

/// See `VectorKernels.findExtrema`.
package func findExtrema(
    _ x: UnsafePointer<Float>, stride: Int, rowCount: Int, columnCount: Int, maxima: UnsafeMutablePointer<Float>,
    maximumRows: UnsafeMutablePointer<Int32>, minima: UnsafeMutablePointer<Float>,
    minimumRows: UnsafeMutablePointer<Int32>
) -> Bool {
    if Processor.hasWideVectors {
        WideKernels.findExtrema(
            x, stride: stride, rowCount: rowCount, columnCount: columnCount, maxima: maxima, maximumRows: maximumRows,
            minima: minima, minimumRows: minimumRows)
    } else {
        VectorKernels.findExtrema(
            x, stride: stride, rowCount: rowCount, columnCount: columnCount, maxima: maxima, maximumRows: maximumRows,
            minima: minima, minimumRows: minimumRows)
    }
}

/// See `VectorKernels.sumRows`.
package func sumRows(
    of panel: UnsafePointer<Float>, rows: UnsafePointer<Int32>, factors: UnsafePointer<Float>, count: Int,
    into sums: UnsafeMutablePointer<Float>, columnCount: Int
) {
    if Processor.hasWideVectors {
        WideKernels.sumRows(
            of: panel, rows: rows, factors: factors, count: count, into: sums, columnCount: columnCount)
    } else {
        VectorKernels.sumRows(
            of: panel, rows: rows, factors: factors, count: count, into: sums, columnCount: columnCount)
    }
}

/// See `VectorKernels.countNonzeros`.
func countNonzeros(_ first: UnsafePointer<Float>, _ second: UnsafePointer<Float>, count: Int) -> Int {
    if Processor.hasWideVectors {
        WideKernels.countNonzeros(first, second, count: count)
    } else {
        VectorKernels.countNonzeros(first, second, count: count)
    }
}

/// See `VectorKernels.listNonzeros`.
func listNonzeros(
    _ a: UnsafePointer<Float>, rowOffsets: UnsafePointer<Int>, pairCount: Int, count: Int,
    bitIndices: UnsafePointer<UInt64>, indices: UnsafeMutablePointer<UInt8>, listLength: Int,
    counts: UnsafeMutablePointer<Int>
) {
    if Processor.hasWideVectors {
        WideKernels.listNonzeros(
            a, rowOffsets: rowOffsets, pairCount: pairCount, count: count, bitIndices: bitIndices, indices: indices,
            listLength: listLength, counts: counts)
    } else {
        VectorKernels.listNonzeros(
            a, rowOffsets: rowOffsets, pairCount: pairCount, count: count, bitIndices: bitIndices, indices: indices,
            listLength: listLength, counts: counts)
    }
}

/// See `VectorKernels.packHalves`.
package func packHalves(
    _ halves: UnsafeRawPointer, count: Int, masks: UnsafeMutablePointer<UInt16>, into packed: UnsafeMutableRawPointer
) -> Int {
    Processor.hasWideVectors
        ? WideKernels.packHalves(halves, count: count, masks: masks, into: packed)
        : VectorKernels.packHalves(halves, count: count, masks: masks, into: packed)
}

/// See `VectorKernels.packFloats`.
package func packFloats(
    _ floats: UnsafeRawPointer, count: Int, masks: UnsafeMutablePointer<UInt16>, into packed: UnsafeMutableRawPointer
) -> Int {
    Processor.hasWideVectors
        ? WideKernels.packFloats(floats, count: count, masks: masks, into: packed)
        : VectorKernels.packFloats(floats, count: count, masks: masks, into: packed)
}

/// See `VectorKernels.unpackHalves`.
package func unpackHalves(
    _ packed: UnsafeRawPointer, masks: UnsafePointer<UInt16>, count: Int, into floats: UnsafeMutablePointer<Float>
) {
    if Processor.hasWideVectors {
        WideKernels.unpackHalves(packed, masks: masks, count: count, into: floats)
    } else {
        VectorKernels.unpackHalves(packed, masks: masks, count: count, into: floats)
    }
}

/// See `VectorKernels.unpackFloats`.
package func unpackFloats(
    _ packed: UnsafeRawPointer, masks: UnsafePointer<UInt16>, count: Int, into floats: UnsafeMutablePointer<Float>
) {
    if Processor.hasWideVectors {
        WideKernels.unpackFloats(packed, masks: masks, count: count, into: floats)
    } else {
        VectorKernels.unpackFloats(packed, masks: masks, count: count, into: floats)
    }
}
