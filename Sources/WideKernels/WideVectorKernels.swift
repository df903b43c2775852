import VectorKernels

// The bodies of `VectorKernels` compiled for AVX-512: sixteen lanes in one register. The arithmetic is the same, and so are the bits.

/// See `VectorKernels.add`.
public func add(_ y: UnsafePointer<Float>, to x: UnsafeMutablePointer<Float>, count: Int, rectified: Bool) {
    VectorKernels.add(y, to: x, count: count, rectified: rectified)
}

/// See `VectorKernels.applyGELU`.
public func applyGELU(to x: UnsafeMutablePointer<Float>, rowCount: Int, columnCount: Int, stride: Int) {
    VectorKernels.applyGELU(to: x, rowCount: rowCount, columnCount: columnCount, stride: stride)
}

/// See `VectorKernels.rectifiedAffine`.
public func rectifiedAffine(
    _ x: UnsafePointer<Float>, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>,
    into y: UnsafeMutablePointer<Float>, count: Int
) {
    VectorKernels.rectifiedAffine(x, scale: scale, shift: shift, into: y, count: count)
}

/// See `VectorKernels.averageOfRectified`.
public func averageOfRectified(
    _ x: UnsafePointer<Float>, right: Int, below: Int, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>,
    into y: UnsafeMutablePointer<Float>, count: Int
) {
    VectorKernels.averageOfRectified(x, right: right, below: below, scale: scale, shift: shift, into: y, count: count)
}

/// See `VectorKernels.takeMaximum`.
public func takeMaximum(
    of pixels: UnsafePointer<UnsafePointer<Float>>, pixelCount: Int, into y: UnsafeMutablePointer<Float>, count: Int
) {
    VectorKernels.takeMaximum(of: pixels, pixelCount: pixelCount, into: y, count: count)
}

/// See `VectorKernels.normaliseRows`.
public func normaliseRows(
    _ x: UnsafePointer<Float>, rowCount: Int, weight: UnsafePointer<Float>, bias: UnsafePointer<Float>,
    epsilon: Float, count: Int, into y: UnsafeMutablePointer<Float>
) {
    VectorKernels.normaliseRows(
        x, rowCount: rowCount, weight: weight, bias: bias, epsilon: epsilon, count: count, into: y)
}

/// See `VectorKernels.exponentiateScores`.
public func exponentiateScores(
    _ x: UnsafeMutablePointer<Float>, factor: Float, bias: UnsafePointer<Float>?, mask: UnsafePointer<Float>?,
    count: Int, paddedCount: Int
) -> SIMD8<Float> {
    VectorKernels.exponentiateScores(
        x, factor: factor, bias: bias, mask: mask, count: count, paddedCount: paddedCount)
}

/// See `VectorKernels.convolveDepthwise`.
public func convolveDepthwise(
    _ x: UnsafePointer<Float>, channelCount: Int, sliceCount: Int, weights: UnsafePointer<Float>, kernelSide: Int,
    biases: UnsafePointer<Float>, scratch: UnsafeMutablePointer<Float>, into y: UnsafeMutablePointer<Float>,
    height: Int, width: Int
) {
    VectorKernels.convolveDepthwise(
        x, channelCount: channelCount, sliceCount: sliceCount, weights: weights, kernelSide: kernelSide, biases: biases,
        scratch: scratch, into: y, height: height, width: width)
}

/// See `VectorKernels.transformWinogradInput`.
public func transformWinogradInput(
    _ tile: UnsafePointer<Float>, rowStride: Int, channelCount: Int, into result: UnsafeMutablePointer<Float>,
    positionStride: Int, scratch: UnsafeMutablePointer<Float>
) {
    VectorKernels.transformWinogradInput(
        tile, rowStride: rowStride, channelCount: channelCount, into: result, positionStride: positionStride,
        scratch: scratch)
}

/// See `VectorKernels.transformWinogradOutput`.
public func transformWinogradOutput(
    _ products: UnsafePointer<Float>, positionStride: Int, channelCount: Int, bias: UnsafePointer<Float>,
    adding residual: UnsafePointer<Float>?, rectified: Bool, rows: Int, columns: Int,
    into result: UnsafeMutablePointer<Float>, rowStride: Int, pixelStride: Int, scratch: UnsafeMutablePointer<Float>
) {
    VectorKernels.transformWinogradOutput(
        products, positionStride: positionStride, channelCount: channelCount, bias: bias, adding: residual,
        rectified: rectified, rows: rows, columns: columns, into: result, rowStride: rowStride,
        pixelStride: pixelStride, scratch: scratch)
}

/// See `VectorKernels.makeStrassenRowSums`.
public func makeStrassenRowSums(
    _ first: UnsafePointer<Float>, _ second: UnsafePointer<Float>, halfDepth: Int,
    into sums: UnsafeMutablePointer<Float>, distance: Int
) {
    VectorKernels.makeStrassenRowSums(first, second, halfDepth: halfDepth, into: sums, distance: distance)
}

/// See `VectorKernels.makeStrassenColumnSums`.
public func makeStrassenColumnSums(
    upper: UnsafePointer<Float>, lower: UnsafePointer<Float>, columnDistance: Int, count: Int,
    into sums: UnsafeMutablePointer<Float>, distance: Int
) {
    VectorKernels.makeStrassenColumnSums(
        upper: upper, lower: lower, columnDistance: columnDistance, count: count, into: sums, distance: distance)
}

/// See `VectorKernels.finishStrassenRows`.
public func finishStrassenRows(
    _ products: UnsafePointer<Float>, slotDistance: Int, pairCount: Int, rowsPerPair: Int, count: Int,
    adding added: UnsafePointer<Float>, addedStride: Int, into result: UnsafeMutablePointer<Float>, stride: Int,
    columnDistance: Int
) {
    VectorKernels.finishStrassenRows(
        products, slotDistance: slotDistance, pairCount: pairCount, rowsPerPair: rowsPerPair, count: count,
        adding: added, addedStride: addedStride, into: result, stride: stride, columnDistance: columnDistance)
}

/// See `VectorKernels.findExtrema`.
public func findExtrema(
    _ x: UnsafePointer<Float>, stride: Int, rowCount: Int, columnCount: Int, maxima: UnsafeMutablePointer<Float>,
    maximumRows: UnsafeMutablePointer<Int32>, minima: UnsafeMutablePointer<Float>,
    minimumRows: UnsafeMutablePointer<Int32>
) -> Bool {
    VectorKernels.findExtrema(
        x, stride: stride, rowCount: rowCount, columnCount: columnCount, maxima: maxima, maximumRows: maximumRows,
        minima: minima, minimumRows: minimumRows)
}

/// See `VectorKernels.sumRows`.
public func sumRows(
    of panel: UnsafePointer<Float>, rows: UnsafePointer<Int32>, factors: UnsafePointer<Float>, count: Int,
    into sums: UnsafeMutablePointer<Float>, columnCount: Int
) {
    VectorKernels.sumRows(of: panel, rows: rows, factors: factors, count: count, into: sums, columnCount: columnCount)
}

/// See `VectorKernels.countNonzeros`.
public func countNonzeros(_ first: UnsafePointer<Float>, _ second: UnsafePointer<Float>, count: Int) -> Int {
    VectorKernels.countNonzeros(first, second, count: count)
}

/// See `VectorKernels.listNonzeros`.
public func listNonzeros(
    _ a: UnsafePointer<Float>, rowOffsets: UnsafePointer<Int>, pairCount: Int, count: Int,
    bitIndices: UnsafePointer<UInt64>, indices: UnsafeMutablePointer<UInt8>, listLength: Int,
    counts: UnsafeMutablePointer<Int>
) {
    VectorKernels.listNonzeros(
        a, rowOffsets: rowOffsets, pairCount: pairCount, count: count, bitIndices: bitIndices, indices: indices,
        listLength: listLength, counts: counts)
}

/// See `VectorKernels.multiplySparsePairsByEightPanels`.
public func multiplySparsePairsByEightPanels(
    _ a: UnsafePointer<Float>, rowOffsets: UnsafePointer<Int>, pairCount: Int, indices: UnsafePointer<UInt8>,
    listLength: Int, counts: UnsafePointer<Int>, panels: UnsafePointer<Float>, panelLength: Int, isNew: Bool,
    adding added: UnsafePointer<Float>?, rectified: Bool, into c: UnsafeMutablePointer<Float>, stride: Int
) {
    VectorKernels.multiplySparsePairsByEightPanels(
        a, rowOffsets: rowOffsets, pairCount: pairCount, indices: indices, listLength: listLength, counts: counts,
        panels: panels, panelLength: panelLength, isNew: isNew, adding: added,
        rectified: rectified, into: c, stride: stride)
}

/// See `VectorKernels.packHalves`.
public func packHalves(
    _ halves: UnsafeRawPointer, count: Int, masks: UnsafeMutablePointer<UInt16>, into packed: UnsafeMutableRawPointer
) -> Int {
    VectorKernels.packHalves(halves, count: count, masks: masks, into: packed)
}

/// See `VectorKernels.packFloats`.
public func packFloats(
    _ floats: UnsafeRawPointer, count: Int, masks: UnsafeMutablePointer<UInt16>, into packed: UnsafeMutableRawPointer
) -> Int {
    VectorKernels.packFloats(floats, count: count, masks: masks, into: packed)
}

/// See `VectorKernels.unpackHalves`.
public func unpackHalves(
    _ packed: UnsafeRawPointer, masks: UnsafePointer<UInt16>, count: Int, into floats: UnsafeMutablePointer<Float>
) {
    VectorKernels.unpackHalves(packed, masks: masks, count: count, into: floats)
}

/// See `VectorKernels.unpackFloats`.
public func unpackFloats(
    _ packed: UnsafeRawPointer, masks: UnsafePointer<UInt16>, count: Int, into floats: UnsafeMutablePointer<Float>
) {
    VectorKernels.unpackFloats(packed, masks: masks, count: count, into: floats)
}
