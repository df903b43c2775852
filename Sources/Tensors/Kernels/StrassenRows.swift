/// Rows A of products C = activation(A B + b) that are made by one step of Strassen's algorithm, seven products of quarters instead of eight: in
/// Winograd's form, see `makeStrassenRowSums`.
///
/// The step is made within a tile, whose products stay in the second cache until C is made of them. The sums of quarters of A are made once,
/// with the rows; those of B for each group of columns. All this takes 5 % of the time (ViT-B/16 on Zen 5, where the products reach 90 % of the
/// core's peak), so that of the eighth that is saved more than half is left.
///
/// Every element is made of chains of fused multiply-adds over half a piece of the depth, added up in a fixed order. It depends on its own
/// row and the other one of its pair, on its own column and the other one of its block, and on nothing else: not on the batch, the tiles or the
/// processor. The error is bounded by the norms of whole blocks, not element by element (Higham, "Accuracy and Stability of
/// Numerical Algorithms", section 23.2.2): a small row beside a large one has errors in proportion to the large one.
struct StrassenRows {
    /// Pairs of rows to multiply together: the more, the less the sums of B cost.
    static let pieceLength = 400
    /// Images whose pairs are as many, at least one.
    static func imagesPerPiece(rowsPerImage: Int) -> Int {
        max(1, pieceLength / max(1, RowPairs.pairsPerImage(rowCount: rowsPerImage)))
    }

    /// Columns of a quarter of a tile: four panels.
    private static let groupWidth = 64
    /// Pairs of rows of a tile, whole tiles of the kernels.
    private static let tileHeight = 96

    private let a: UnsafePointer<Float>
    private let rows: RowPairs
    private let depth: Int
    /// The sums of a piece of the depth after those of another: [tiles][4][tile height][half of the piece].
    private let sums: ScratchBuffer
    /// Zeros in the place of a row that is missing and of what is added, the sums of B, and products.
    private let scratch: ScratchBuffer

    /// Whether a product goes this way: with short sums additions cost what products save, and with few rows the sums of B do. (At 384 it makes
    /// ConvNeXt-T and Swin-T 2 and 3 % faster; with their last maps of 7 x 7 pixels too, single images would be 4 % slower.)
    ///
    /// This decides on bits, and so looks neither at the number of images nor at the processor.
    static func suits(rowsPerImage: Int, depth: Int, columnCount: Int) -> Bool {
        rowsPerImage >= 128 && depth >= 384 && depth.isMultiple(of: 32) && columnCount.isMultiple(of: 2 * groupWidth)
    }

    /// The pieces of a depth, each short enough that seven quarters of B for a group of columns stay in a core's second cache, and the blocks
    /// of as many columns.
    static func pieces(of length: Int) -> [Range<Int>] {
        let (longest, step) = (768, 2 * groupWidth)
        let count = (length + longest - 1) / longest
        let pieceLength = ((length + step - 1) / step + count - 1) / count * step
        return stride(from: 0, to: length, by: pieceLength).map { $0..<min($0 + pieceLength, length) }
    }

    /// - Parameters:
    ///   - a: the first of the rows, one after the other. They must stay as they are.
    ///   - depth: the floats of a row, a multiple of 32 and at least 64.
    init(_ a: UnsafePointer<Float>, _ rows: RowPairs, depth: Int, in workspace: Workspace) {
        self.a = a
        self.rows = rows
        self.depth = depth
        sums = workspace.buffer(Self.sumCount(rows, depth: depth))
        scratch = workspace.buffer(depth + Self.groupWidth * (2 * depth + 5 * Self.tileHeight))
        scratch.pointer.update(repeating: 0, count: depth)
        withExtendedLifetime((sums, scratch)) {
            for piece in Self.pieces(of: depth) { makeSums(of: piece) }
        }
    }

    private func makeSums(of piece: Range<Int>) {
        let half = piece.count / 2
        let target = sums(of: piece)
        for run in rows.runs(of: rows.pairs) {
            var first = a + (run.rows.lowerBound &* depth &+ piece.lowerBound)
            for pair in run.pairs {
                let (tile, index) = pair.quotientAndRemainder(dividingBy: Self.tileHeight)
                makeStrassenRowSums(
                    first, run.isSingle ? zeros : first + depth, halfDepth: half,
                    into: target + (tile &* 4 &* Self.tileHeight &+ index) &* half, distance: Self.tileHeight &* half)
                first += 2 &* depth
            }
        }
    }

    private func sums(of piece: Range<Int>) -> UnsafeMutablePointer<Float> {
        sums.pointer + Self.sumCount(rows, depth: piece.lowerBound)
    }

    /// The floats that the sums of so much of the depth take: four halves for each pair of whole tiles.
    private static func sumCount(_ rows: RowPairs, depth: Int) -> Int {
        (rows.pairs.count + tileHeight - 1) / tileHeight * tileHeight * 2 * depth
    }

    private var zeros: UnsafePointer<Float> { UnsafePointer(scratch.pointer) }
    private var columnSums: UnsafeMutablePointer<Float> { scratch.pointer + depth }
    private var products: UnsafeMutablePointer<Float> { columnSums + 2 * Self.groupWidth * depth }

    /// Some columns of the product with the rows of B from `firstDepth` on.
    ///
    /// - Parameters:
    ///   - columns: one block, or all of them.
    ///   - biases: what is added to every row of C; if nil, C has what is added.
    ///   - activation: the identity or GELU.
    ///   - c: the first row at the first of the columns; the next one is `stride` floats further on.
    func multiply(
        _ b: PackedMatrix, from firstDepth: Int = 0, columns: Range<Int>, adding biases: UnsafePointer<Float>?,
        activation: ActivationFunction, into c: UnsafeMutablePointer<Float>, stride: Int
    ) {
        precondition(activation != .relu, "what follows is GELU or nothing")
        b.withPanels { panels in
            let groups = groups(of: b, panels, from: firstDepth, columns: columns)
            withExtendedLifetime((sums, scratch)) {
                for (index, group) in groups.enumerated() {
                    let biases = biases.map { $0 + (columns.lowerBound + group.column) }
                    multiply(
                        group, next: groups[min(index + 1, groups.count - 1)],
                        adding: group.piece.lowerBound == 0 ? biases : nil,
                        activation: group.piece.upperBound < depth ? .identity : activation, into: c + group.column,
                        stride: stride)
                }
            }
        }
    }

    /// In the order in which they are multiplied.
    private func groups(
        of b: PackedMatrix, _ panels: UnsafePointer<Float>, from firstDepth: Int, columns: Range<Int>
    ) -> [ColumnGroup] {
        Self.pieces(of: depth).flatMap { piece in
            Self.pieces(of: columns.count).flatMap { block in
                Swift.stride(from: 0, to: block.count / 2, by: Self.groupWidth).map { first in
                    let column = block.lowerBound + first
                    return ColumnGroup(
                        piece: piece, column: column, columnDistance: block.count / 2,
                        b11: panels + (columns.lowerBound + column) * b.depth
                            + (firstDepth + piece.lowerBound) * PackedMatrix.panelWidth,
                        depth: b.depth)
                }
            }
        }
    }

    /// Columns of B, a group and those half a block further on, in a piece of the depth.
    private struct ColumnGroup {
        let piece: Range<Int>
        let column: Int
        let columnDistance: Int
        let b11: UnsafePointer<Float>
        /// Of all of B.
        let depth: Int

        var half: Int { piece.count / 2 }
        var b21: UnsafePointer<Float> { b11 + half &* PackedMatrix.panelWidth }
        var b22: UnsafePointer<Float> { b21 + columnDistance &* depth }

        /// B11 and B21, or B12 and B22, of one of the panels.
        func part(_ index: Int) -> UnsafePointer<Float> {
            b11 + (index / 2 &* PackedMatrix.panelWidth &+ index % 2 &* columnDistance) &* depth
        }
    }

    private func multiply(
        _ group: ColumnGroup, next: ColumnGroup, adding biases: UnsafePointer<Float>?,
        activation: ActivationFunction, into c: UnsafeMutablePointer<Float>, stride: Int
    ) {
        let (width, half) = (PackedMatrix.panelWidth, group.half)
        for panel in 0..<Self.groupWidth / width {
            let offset = panel &* group.depth &* width
            makeStrassenColumnSums(
                upper: group.b11 + offset, lower: group.b21 + offset,
                columnDistance: group.columnDistance &* group.depth, count: half &* width,
                into: columnSums + panel &* half &* width, distance: Self.groupWidth &* half)
        }
        var tileSums = UnsafePointer(sums(of: group.piece))
        var part = 0
        for first in Swift.stride(from: 0, to: rows.pairs.count, by: Self.tileHeight) {
            let pairs = rows.pairs.dropFirst(first).prefix(Self.tileHeight)
            let runs = rows.runs(of: pairs)
            let tile = UnsafePointer(c) + runs[0].rows.lowerBound &* stride
            multiply(runs, rowCount: pairs.count, sums: tileSums, group) { call in
                // The two halves of the tile of C, before it is made; until then the parts of the next columns of B: two rows of a panel at a
                // time, so that two calls go over a part. Where a call is longer than that, it hints at what nobody needs.
                guard call < 5 else { return (tile + (call &- 5) &* group.columnDistance, stride) }
                part += 1
                return (next.part((part &- 1) % 8), 2 &* width)
            }
            finish(
                runs, adding: biases, activation: activation, into: c, stride: stride,
                columnDistance: group.columnDistance)
            tileSums += 4 &* Self.tileHeight &* half
        }
    }

    /// The matrices that a tile of C is made of: see `finishStrassenRows`.
    private func multiply(
        _ runs: [RowPairs.Run], rowCount: Int, sums: UnsafePointer<Float>, _ b: ColumnGroup,
        upcoming: (_ call: Int) -> (base: UnsafePointer<Float>, stride: Int)
    ) {
        let (tileHeight, half, piece) = (Self.tileHeight, b.half, b.piece)
        withUnsafeTemporaryAllocation(of: Int.self, capacity: 3 &* tileHeight &+ 1) { offsets in
            let offsets = offsets.baseAddress!
            let (firstRows, secondRows, segment) = (
                offsets + tileHeight, offsets + 2 &* tileHeight, offsets + 3 &* tileHeight
            )
            segment[0] = 0
            for run in runs {
                var row = run.rows.lowerBound &* depth &+ piece.lowerBound
                for index in run.pairs {
                    offsets[index] = index &* half
                    firstRows[index] = row
                    // What is made of a row that is missing is not used.
                    secondRows[index] = run.isSingle ? row : row &+ depth
                    row &+= 2 &* depth
                }
            }
            let (factorLength, sumLength) = (tileHeight &* half, Self.groupWidth &* half)
            let t1 = UnsafePointer(columnSums)
            var call = 0
            /// Slot `target` = the product + slot `summand`.
            func multiply(
                _ base: UnsafePointer<Float>, _ rowOffsets: UnsafePointer<Int>, _ panels: UnsafePointer<Float>,
                depth: Int, adding summand: Int?, into target: Int
            ) {
                let slotLength = tileHeight &* Self.groupWidth
                let rows = GatheredRows(
                    base: base, rowOffsets: rowOffsets, rowCount: rowCount, segmentOffsets: segment, segmentCount: 1,
                    segmentLength: half)
                multiplyDistantRows(
                    rows, panels: panels, depth: depth,
                    adding: summand.map { AddedRows(base: products + $0 &* slotLength, stride: Self.groupWidth) }
                        ?? AddedRows(repeating: zeros), into: products + target &* slotLength,
                    upcoming: upcoming(call))
                call += 1
            }
            // P, then U = P + S2 T2, and C11 = P + A12 B21 in the place of P.
            multiply(a, firstRows, b.b11, depth: b.depth, adding: nil, into: 0)
            multiply(sums + factorLength, offsets, t1 + sumLength, depth: half, adding: 0, into: 1)
            multiply(a + half, firstRows, b.b21, depth: b.depth, adding: 0, into: 0)
            // V = U + S3 T3, and U + S4 B22 in the place of U.
            multiply(sums + 2 &* factorLength, offsets, t1 + 2 &* sumLength, depth: half, adding: 1, into: 2)
            multiply(sums + 3 &* factorLength, offsets, b.b22, depth: b.depth, adding: 1, into: 1)
            // W and C21 = V + A22 T4.
            multiply(sums, offsets, t1, depth: half, adding: nil, into: 3)
            multiply(a + half, secondRows, t1 + 3 &* sumLength, depth: half, adding: 2, into: 4)
        }
    }

    private func finish(
        _ runs: [RowPairs.Run], adding biases: UnsafePointer<Float>?, activation: ActivationFunction,
        into c: UnsafeMutablePointer<Float>, stride: Int, columnDistance: Int
    ) {
        for run in runs {
            let row = c + run.rows.lowerBound &* stride
            finishStrassenRows(
                products + run.pairs.lowerBound &* Self.groupWidth, slotDistance: Self.tileHeight &* Self.groupWidth,
                pairCount: run.pairs.count, rowsPerPair: run.isSingle ? 1 : 2, count: Self.groupWidth,
                adding: biases ?? UnsafePointer(row), addedStride: biases == nil ? stride : 0, into: row,
                stride: stride, columnDistance: columnDistance)
        }
        guard activation == .gelu else { return }
        let tileRows = runs[0].rows.lowerBound..<runs[runs.count - 1].rows.upperBound
        for column in [0, columnDistance] {
            applyGELU(
                to: c + (tileRows.lowerBound &* stride &+ column), rowCount: tileRows.count,
                columnCount: Self.groupWidth, stride: stride)
        }
    }
}
