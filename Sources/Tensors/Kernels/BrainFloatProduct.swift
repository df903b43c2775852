import BrainFloatKernels

// Products whose operands are brain floats: groups of panels go through the kernels of `BrainFloatKernels`, pieces of rows at a time where more
// has to be done to the sums while they are in the first cache.

/// Where the rows of A lie, as `GatheredRows` says of floats; pieces are of `pairCount` pairs.
struct BrainFloatRows {
    let base: UnsafePointer<UInt16>
    let rowOffsets: UnsafePointer<Int>
    let rowCount: Int
    let segmentOffsets: UnsafePointer<Int>
    let segmentCount: Int
    let pairCount: Int

    /// Calls `body` with `rowCount` rows at `base`, `stride` numbers apart.
    @inline(__always)
    static func withMatrix(
        _ base: UnsafePointer<UInt16>, rowCount: Int, stride: Int, pairCount: Int, _ body: (BrainFloatRows) -> Void
    ) {
        withUnsafeTemporaryAllocation(of: Int.self, capacity: rowCount + 1) { offsets in
            for row in 0..<rowCount { offsets[row] = row &* stride }
            offsets[rowCount] = 0
            let offsets = UnsafePointer(offsets.baseAddress!)
            body(
                BrainFloatRows(
                    base: base, rowOffsets: offsets, rowCount: rowCount, segmentOffsets: offsets + rowCount,
                    segmentCount: 1, pairCount: pairCount))
        }
    }
}

/// Rows that are added to a product, `stride` floats apart.
struct ResidualRows {
    let base: UnsafePointer<Float>
    let stride: Int
}

/// Where a product goes: floats, or brain floats if only products use it. Rows are `stride` numbers apart.
enum ProductTarget {
    case floats(UnsafeMutablePointer<Float>, stride: Int)
    case brainFloats(UnsafeMutablePointer<UInt16>, stride: Int)
}

/// C = activation(A * B + bias + residual), B in panels [columnCount / 16][pairs of K][16][2], the last filled up; whole panels of the bias
/// can be read. The residual may be the result.
func multiply(
    _ a: BrainFloatRows, panels: UnsafePointer<UInt16>, columnCount: Int, bias: UnsafePointer<Float>,
    residual: ResidualRows? = nil, activation: ActivationFunction, into target: ProductTarget
) {
    let width = PackedMatrix.panelWidth
    let panelLength = a.segmentCount &* a.pairCount &* 2 &* width
    var column = 0
    while column < columnCount {
        let left = (columnCount &- column &+ width &- 1) / width
        // Six are two times three, and five three and two.
        let group = left >= 7 || left == 4 ? 4 : min(left, 3)
        let columns = min(group &* width, columnCount &- column)
        let panel = panels + column / width &* panelLength
        // The panels behind these, or the first ones again for the rows to come.
        let ahead = column &+ columns < columnCount ? panel + group &* panelLength : panels
        let added = residual.map { ResidualRows(base: $0.base + column, stride: $0.stride) }
        if columns == group &* width, activation != .gelu, case .floats(let c, let stride) = target {
            multiplyGroup(
                group, a, rows: 0..<a.rowCount, panel, panelLength, ahead, bias + column, added,
                rectified: activation == .relu, into: c + column, stride: stride)
        } else {
            multiplyByPieces(
                group, a, panel, panelLength, ahead, columns: column..<column &+ columns, bias + column, added,
                activation, into: target)
        }
        column &+= group &* width
    }
}

/// Some columns of all rows, as many at a time as stay in the first cache while they are rectified, rounded or cut off.
private func multiplyByPieces(
    _ group: Int, _ a: BrainFloatRows, _ panels: UnsafePointer<UInt16>, _ panelLength: Int,
    _ ahead: UnsafePointer<UInt16>, columns: Range<Int>, _ bias: UnsafePointer<Float>, _ residual: ResidualRows?,
    _ activation: ActivationFunction, into target: ProductTarget
) {
    let step = 48
    let width = group &* PackedMatrix.panelWidth
    let isWhole = columns.count == width
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * step * width) { memory in
        let tile = memory.baseAddress!
        var first = 0
        while first < a.rowCount {
            let rows = first..<min(a.rowCount, first &+ step)
            var added = residual.map { ResidualRows(base: $0.base + first &* $0.stride, stride: $0.stride) }
            if !isWhole, let rest = added {
                // Whole panels are read.
                let copy = tile + step &* width
                for row in 0..<rows.count {
                    (copy + row &* width).update(from: rest.base + row &* rest.stride, count: columns.count)
                }
                added = ResidualRows(base: copy, stride: width)
            }
            multiplyGroup(
                group, a, rows: rows, panels, panelLength,
                ahead + first * group * panelLength / max(a.rowCount, 1) & ~31, bias, added,
                rectified: activation == .relu, into: tile,
                stride: width)
            if activation == .gelu {
                applyGELU(to: tile, rowCount: rows.count, columnCount: columns.count, stride: width)
            }
            switch target {
            case .floats(let c, let stride):
                for row in 0..<rows.count {
                    (c + (first &+ row) &* stride + columns.lowerBound).update(
                        from: tile + row &* width, count: columns.count)
                }
            case .brainFloats(let c, let stride):
                roundMatrix(
                    tile, stride: width, rowCount: rows.count, columnCount: columns.count,
                    into: c + first &* stride + columns.lowerBound, stride: stride)
            }
            first &+= step
        }
    }
}

/// Some rows of a group of four, three, two or one whole panels.
@inline(__always)
private func multiplyGroup(
    _ count: Int, _ a: BrainFloatRows, rows: Range<Int>, _ panels: UnsafePointer<UInt16>, _ panelLength: Int,
    _ ahead: UnsafePointer<UInt16>, _ bias: UnsafePointer<Float>, _ residual: ResidualRows?, rectified: Bool,
    into c: UnsafeMutablePointer<Float>, stride: Int
) {
    let kernel =
        switch count {
        case 4: BrainFloatKernels.multiplyFourPanels
        case 3: BrainFloatKernels.multiplyThreePanels
        case 2: BrainFloatKernels.multiplyTwoPanels
        default: BrainFloatKernels.multiplyOnePanel
        }
    kernel(
        a.base, a.rowOffsets + rows.lowerBound, rows.count, a.segmentOffsets, a.segmentCount, a.pairCount, panels,
        panelLength, ahead, bias, residual?.base, residual?.stride ?? 0, rectified, c, stride)
}

/// The same with a matrix's rounded weights and rows of floats, which are rounded first.
func multiplyRounded(
    _ a: GatheredRows, _ b: PackedMatrix, bias: UnsafePointer<Float>, residual: ResidualRows? = nil,
    activation: ActivationFunction, into target: ProductTarget, in workspace: Workspace
) {
    let matrix = b.brainFloats
    let length = 2 * matrix.pairCount
    let memory = workspace.brainFloatBuffer(a.rowCount * length)
    roundRows(
        a.base, rowOffsets: a.rowOffsets, rowCount: a.rowCount, segmentOffsets: a.segmentOffsets,
        segmentCount: a.segmentCount, segmentLength: a.segmentLength, into: memory.brainFloats, stride: length)
    withExtendedLifetime(memory) {
        BrainFloatRows.withMatrix(
            memory.brainFloats, rowCount: a.rowCount, stride: length, pairCount: matrix.pairCount
        ) { rows in
            matrix.withPanels {
                multiply(
                    rows, panels: $0, columnCount: matrix.columnCount, bias: bias, residual: residual,
                    activation: activation, into: target)
            }
        }
    }
}
