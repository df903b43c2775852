import WideKernels

// The innermost loop of matrix products (of those with many zeros, that of `SparseRows`): a tile of 6 rows by 16 columns of A * B + what is added, kept in 12
// of the 16 vector registers of AVX2 while the sum runs; two more hold a row of B, one an element of A.
//
// Every element is one chain of fused multiply-adds in the order of k, then what is added, then the activation function. It
// depends neither on how many rows the product has nor on where in a tile a row falls, so an image's result does not
// depend on its batch. (OpenBLAS does not promise that: it switches kernels and splits K by the size of the product.)
// B comes packed, A is read in place, so nothing is copied per call: measured on a Zen 4 core, 106-117 GFLOP/s over the
// shapes of ResNet-50, where the peak is about 118 and OpenBLAS gives 71-103. Where there is AVX-512, `WideKernels` multiplies
// groups of panels; its chains are the same.
//
// Index arithmetic here and in the other kernels wraps: shapes are checked where a layer or a product is entered.

/// Where the rows of A lie: row r is made of `segmentCount` pieces of `segmentLength` floats; piece s starts at
/// `rowOffsets[r] + segmentOffsets[s]` from `base`.
///
/// A plain matrix has one segment. A convolution has one per kernel row: the pixels under it are contiguous in NHWC, so
/// its windows can be multiplied where they are.
struct GatheredRows {
    let base: UnsafePointer<Float>
    let rowOffsets: UnsafePointer<Int>
    let rowCount: Int
    let segmentOffsets: UnsafePointer<Int>
    let segmentCount: Int
    let segmentLength: Int

    /// Some of the rows.
    func rows(_ rows: Range<Int>) -> GatheredRows {
        GatheredRows(
            base: base, rowOffsets: rowOffsets + rows.lowerBound, rowCount: rows.count, segmentOffsets: segmentOffsets,
            segmentCount: segmentCount, segmentLength: segmentLength)
    }

    /// Calls `body` with at most `pieceLength` of the contiguous rows at `base` at a time, and the number of the first.
    @inline(__always)
    static func forEachPiece(
        of base: UnsafePointer<Float>, rowCount: Int, rowLength: Int, pieceLength: Int,
        _ body: (GatheredRows, Int) -> Void
    ) {
        withUnsafeTemporaryAllocation(of: Int.self, capacity: pieceLength + 1) { offsets in
            for row in 0..<pieceLength { offsets[row] = row &* rowLength }
            offsets[pieceLength] = 0
            let offsets = UnsafePointer(offsets.baseAddress!)
            for first in stride(from: 0, to: rowCount, by: pieceLength) {
                let rows = GatheredRows(
                    base: base + first * rowLength, rowOffsets: offsets, rowCount: min(pieceLength, rowCount - first),
                    segmentOffsets: offsets + pieceLength, segmentCount: 1, segmentLength: rowLength)
                body(rows, first)
            }
        }
    }
}

/// What is added to the rows of A * B: one row to all of them (`stride` 0), or as many rows, `stride` floats apart. Whole panels
/// of 16 columns can be read.
struct AddedRows {
    let base: UnsafePointer<Float>
    let stride: Int

    /// The same row everywhere, such as a bias.
    init(repeating row: UnsafePointer<Float>) { self.init(base: row, stride: 0) }

    init(base: UnsafePointer<Float>, stride: Int) {
        self.base = base
        self.stride = stride
    }
}

/// C = activation(A * B + added), C row-major with `stride` floats between rows, B as `PackedMatrix` lays it out:
/// [columnCount / 16][depth][16], the last panel filled up.
///
/// A may have fewer elements in a row than B has rows: then the sums are over the first of them. Rows of C may be the rows that
/// are added.
func multiply(
    _ a: GatheredRows, panels: UnsafePointer<Float>, depth: Int, columnCount: Int, adding added: AddedRows,
    activation: ActivationFunction, into c: UnsafeMutablePointer<Float>, stride: Int
) {
    if Processor.hasWideVectors {
        multiplyWide(
            a, panels: panels, depth: depth, columnCount: columnCount, adding: added, activation: activation, into: c,
            stride: stride)
        return
    }
    let width = PackedMatrix.panelWidth
    var column = 0
    while column < columnCount {
        multiply(
            a, panel: panels + column &* depth, adding: AddedRows(base: added.base + column, stride: added.stride),
            activation: activation, into: c + column, stride: stride, columnCount: min(width, columnCount &- column))
        column &+= width
    }
}

/// All panels with AVX-512: groups of four, then of two, then one.
private func multiplyWide(
    _ a: GatheredRows, panels: UnsafePointer<Float>, depth: Int, columnCount: Int, adding added: AddedRows,
    activation: ActivationFunction, into c: UnsafeMutablePointer<Float>, stride: Int
) {
    let width = PackedMatrix.panelWidth
    var column = 0
    while column < columnCount {
        let left = (columnCount &- column &+ width &- 1) / width
        let group = left >= 4 ? 4 : left >= 2 ? 2 : 1
        let (panel, base) = (panels + column &* depth, added.base + column)
        if columnCount &- column >= group &* width {
            multiplyGroup(
                group, a, rows: 0..<a.rowCount, panel, depth, AddedRows(base: base, stride: added.stride), activation,
                into: c + column, stride: stride)
        } else {
            // A group over the edge is computed whole and stored in part, some rows at a time.
            let piece = min(a.rowCount, 96)
            withUnsafeTemporaryAllocation(of: Float.self, capacity: piece &* group &* width) { tile in
                let tile = tile.baseAddress!
                var first = 0
                while first < a.rowCount {
                    let rows = first..<min(a.rowCount, first &+ piece)
                    multiplyGroup(
                        group, a, rows: rows, panel, depth,
                        AddedRows(base: base + first &* added.stride, stride: added.stride), activation, into: tile,
                        stride: group &* width)
                    for row in rows {
                        copy(
                            tile + (row &- first) &* group &* width, to: c + row &* stride + column,
                            count: columnCount &- column)
                    }
                    first &+= piece
                }
            }
        }
        column &+= group &* width
    }
}

/// A part of a row: the last vector overlaps the one before it. (A library's copy costs more than such a short one.)
@inline(__always)
private func copy(_ source: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, count: Int) {
    guard count >= 8 else {
        for i in 0..<count { target[i] = source[i] }
        return
    }
    var i = 0
    while i < count {
        let first = min(i, count &- 8)
        store(load(source + first), to: target + first)
        i &+= 8
    }
}

/// Some rows of a group of four, two or one whole panels.
@inline(__always)
private func multiplyGroup(
    _ count: Int, _ a: GatheredRows, rows: Range<Int>, _ panels: UnsafePointer<Float>, _ depth: Int,
    _ added: AddedRows, _ activation: ActivationFunction, into c: UnsafeMutablePointer<Float>, stride: Int
) {
    let kernel = count == 4 ? multiplyFourPanels : count == 2 ? multiplyTwoPanels : multiplyOnePanel
    // GELU goes over rows that are still in the first cache.
    let step = activation == .gelu ? 48 : rows.count
    var first = 0
    while first < rows.count {
        let rowCount = min(step, rows.count &- first)
        let result = c + first &* stride
        kernel(
            a.base, a.rowOffsets + (rows.lowerBound &+ first), rowCount, a.segmentOffsets, a.segmentCount,
            a.segmentLength, panels, depth &* PackedMatrix.panelWidth, added.base + first &* added.stride, added.stride,
            activation == .relu, result, stride)
        if activation == .gelu {
            applyGELU(to: result, rowCount: rowCount, columnCount: count &* PackedMatrix.panelWidth, stride: stride)
        }
        first &+= rowCount
    }
}

/// C [rows of A, 64] = A * B + added, for four whole panels and rows that are far from the core.
///
/// - Parameter upcoming: where what is needed after this call begins, and the distance of its pieces of 64 floats: fetched meanwhile, a piece
///   for every 16 terms of the sums of 6 rows.
func multiplyDistantRows(
    _ a: GatheredRows, panels: UnsafePointer<Float>, depth: Int, adding added: AddedRows,
    into c: UnsafeMutablePointer<Float>, upcoming: (base: UnsafePointer<Float>, stride: Int)
) {
    let columnCount = 4 &* PackedMatrix.panelWidth
    if Processor.hasWideVectors {
        multiplyFourPanelsFetchingRows(
            a.base, rowOffsets: a.rowOffsets, rowCount: a.rowCount, segmentOffsets: a.segmentOffsets,
            segmentCount: a.segmentCount, segmentLength: a.segmentLength, panels: panels,
            panelLength: depth &* PackedMatrix.panelWidth, adding: added.base, addedStride: added.stride,
            rectified: false, into: c, stride: columnCount, upcoming: upcoming.base,
            upcomingStride: upcoming.stride)
    } else {
        multiply(
            a, panels: panels, depth: depth, columnCount: columnCount, adding: added, activation: .identity, into: c,
            stride: columnCount)
    }
}

private let tileHeight = 6

/// One panel of at most 16 columns, all rows of A.
private func multiply(
    _ a: GatheredRows, panel: UnsafePointer<Float>, adding added: AddedRows, activation: ActivationFunction,
    into c: UnsafeMutablePointer<Float>, stride: Int, columnCount: Int
) {
    let width = PackedMatrix.panelWidth
    var row = 0
    while row < a.rowCount {
        let addedTile = AddedRows(base: added.base + row &* added.stride, stride: added.stride)
        if columnCount == width {
            multiplyTile(
                a, at: row, panel, adding: addedTile, activation, into: c + row &* stride, stride: stride)
        } else {
            // A tile over the edge is computed whole and stored in part.
            withUnsafeTemporaryAllocation(of: Float.self, capacity: tileHeight * width) { tile in
                let tile = tile.baseAddress!
                multiplyTile(a, at: row, panel, adding: addedTile, activation, into: tile, stride: width)
                for r in 0..<min(tileHeight, a.rowCount &- row) {
                    (c + (row &+ r) &* stride).update(from: tile + r &* width, count: columnCount)
                }
            }
        }
        row &+= tileHeight
    }
}

/// Rows `row` to `row` + 5; beyond the last one of A they are computed again and not stored.
@inline(__always)
private func multiplyTile(
    _ a: GatheredRows, at row: Int, _ panel: UnsafePointer<Float>, adding added: AddedRows,
    _ activation: ActivationFunction, into c: UnsafeMutablePointer<Float>, stride: Int
) {
    typealias Vector = SIMD8<Float>
    let last = a.rowCount &- 1
    let start0 = a.base + a.rowOffsets[row]
    let start1 = a.base + a.rowOffsets[min(row &+ 1, last)]
    let start2 = a.base + a.rowOffsets[min(row &+ 2, last)]
    let start3 = a.base + a.rowOffsets[min(row &+ 3, last)]
    let start4 = a.base + a.rowOffsets[min(row &+ 4, last)]
    let start5 = a.base + a.rowOffsets[min(row &+ 5, last)]
    // Twelve variables rather than an array: they have to stay in registers.
    var c00 = Vector()
    var c01 = Vector()
    var c10 = Vector()
    var c11 = Vector()
    var c20 = Vector()
    var c21 = Vector()
    var c30 = Vector()
    var c31 = Vector()
    var c40 = Vector()
    var c41 = Vector()
    var c50 = Vector()
    var c51 = Vector()
    var b = panel
    var segment = 0
    while segment < a.segmentCount {
        let offset = a.segmentOffsets[segment]
        let a0 = start0 + offset
        let a1 = start1 + offset
        let a2 = start2 + offset
        let a3 = start3 + offset
        let a4 = start4 + offset
        let a5 = start5 + offset
        var k = 0
        while k < a.segmentLength {
            let b0 = load(b)
            let b1 = load(b + 8)
            b += 16
            var x = Vector(repeating: a0[k])
            c00.addProduct(x, b0)
            c01.addProduct(x, b1)
            x = Vector(repeating: a1[k])
            c10.addProduct(x, b0)
            c11.addProduct(x, b1)
            x = Vector(repeating: a2[k])
            c20.addProduct(x, b0)
            c21.addProduct(x, b1)
            x = Vector(repeating: a3[k])
            c30.addProduct(x, b0)
            c31.addProduct(x, b1)
            x = Vector(repeating: a4[k])
            c40.addProduct(x, b0)
            c41.addProduct(x, b1)
            x = Vector(repeating: a5[k])
            c50.addProduct(x, b0)
            c51.addProduct(x, b1)
            k &+= 1
        }
        segment &+= 1
    }
    let rectified = activation == .relu
    storeRow(c00, c01, plus: added, 0, rectified, to: c)
    if row &+ 1 <= last { storeRow(c10, c11, plus: added, 1, rectified, to: c + stride) }
    if row &+ 2 <= last { storeRow(c20, c21, plus: added, 2, rectified, to: c + 2 &* stride) }
    if row &+ 3 <= last { storeRow(c30, c31, plus: added, 3, rectified, to: c + 3 &* stride) }
    if row &+ 4 <= last { storeRow(c40, c41, plus: added, 4, rectified, to: c + 4 &* stride) }
    if row &+ 5 <= last { storeRow(c50, c51, plus: added, 5, rectified, to: c + 5 &* stride) }
    if activation == .gelu {
        applyGELU(
            to: c, rowCount: min(tileHeight, a.rowCount &- row), columnCount: PackedMatrix.panelWidth, stride: stride)
    }
}

@inline(__always)
private func storeRow(
    _ x: SIMD8<Float>, _ y: SIMD8<Float>, plus added: AddedRows, _ row: Int, _ rectified: Bool,
    to destination: UnsafeMutablePointer<Float>
) {
    let (x, y) = (
        x + load(added.base + row &* added.stride), y + load(added.base + (row &* added.stride &+ 8))
    )
    store(rectified ? x.rectified : x, to: destination)
    store(rectified ? y.rectified : y, to: destination + 8)
}
