/// Whether a matrix enters a product as it is stored or transposed.
public enum Orientation: Sendable {
    case asStored
    case transposed
}

/// C = alpha * op(A) * op(B) + beta * C for row-major matrices, in single precision, by the kernel of the layers.
///
/// op(A) is [`rows`, `depth`], op(B) is [`depth`, `columns`], C is [`rows`, `columns`]; each stride is the distance, in
/// elements, between rows as stored. With `beta` 0, C need not be initialised. C overlaps neither A nor B.
///
/// Each element is made of sums over 256 terms, each a chain of fused multiply-adds, added up in their order. So its bits depend on its
/// row of op(A), its column of op(B) and `depth`: not on the other elements, the tiles, the team or the processor. (256 keeps
/// the chains short, whose rounding errors grow with their length, and a panel of that depth fits the L1 cache.)
///
/// - Parameters:
///   - tile: what a worker computes at a time.
///   - upperOnly: leaves alone the tiles that lie below the diagonal as a whole.
///   - finish: called with rows and columns of each tile, by the worker that computed it; it may write what no other tile reads
///     or writes.
package func multiply(
    rows: Int, columns: Int, depth: Int, alpha: Float = 1,
    _ a: UnsafePointer<Float>, stride aStride: Int, _ aOrientation: Orientation,
    _ b: UnsafePointer<Float>, stride bStride: Int, _ bOrientation: Orientation,
    beta: Float = 0, into c: UnsafeMutablePointer<Float>, stride cStride: Int,
    tile: (rows: Int, columns: Int) = (256, 256), upperOnly: Bool = false,
    team: WorkerTeam = WorkerTeam(workerCount: 1), finish: (Range<Int>, Range<Int>) -> Void = { _, _ in }
) {
    let grid = ProductGrid(
        rows: rows, columns: columns, depth: depth, aStride: aStride, aOrientation, bStride: bStride, bOrientation,
        cStride: cStride, tile: tile, upperOnly: upperOnly)
    let team = grid.team(from: team)
    let factor = PackedMatrix(
        packing: b, stride: bStride, bOrientation, depth: depth, columnCount: columns, team: team)
    withRows(of: a, stride: aStride, aOrientation, rows: rows, depth: depth, team: team) { a, aStride in
        factor.withPanels { panels in
            let product = TileProduct(
                rows: a, stride: aStride, panels: panels, depth: depth, alpha: alpha, beta: beta, result: c,
                resultStride: cStride)
            grid.forEachTile(on: team, scratchCount: product.scratchCount(for: tile)) { rows, columns, scratch in
                product.compute(rows, columns, scratch: scratch)
                finish(rows, columns)
            }
        }
    }
}

/// `body` receives the rows of op(A), one after the other in memory: A itself or a transposed copy.
private func withRows(
    of a: UnsafePointer<Float>, stride: Int, _ orientation: Orientation, rows: Int, depth: Int, team: WorkerTeam,
    _ body: (_ a: UnsafePointer<Float>, _ stride: Int) -> Void
) {
    guard orientation == .transposed else { return body(a, stride) }
    // Rows whose distance is a power of two would compete for the same places of the cache.
    let copyStride = (depth + 15) / 16 * 16 + 16
    let copy = Workspace.shared.buffer(rows * copyStride)
    nonisolated(unsafe) let (source, target) = (a, copy.pointer)
    let side = 64
    team.forEachRange(of: rows, length: side) { _, range in
        for first in Swift.stride(from: 0, to: depth, by: side) {
            transpose(
                source + (first &* stride &+ range.lowerBound), stride: stride, rowCount: min(side, depth &- first),
                columnCount: range.count, into: target + (range.lowerBound &* copyStride &+ first),
                stride: copyStride)
        }
    }
    withExtendedLifetime(copy) { body(UnsafePointer(target), copyStride) }
}

/// Tiles of a product whose operands are packed.
private struct TileProduct: @unchecked Sendable {
    let rows: UnsafePointer<Float>
    let stride: Int
    let panels: UnsafePointer<Float>
    let depth: Int
    let alpha: Float
    let beta: Float
    let result: UnsafeMutablePointer<Float>
    let resultStride: Int

    private static let pieceDepth = 256

    /// A row of zeros and the tile's sums, in whole panels. The odd distance between rows keeps them apart in the cache.
    private static func scratchStride(_ columnCount: Int) -> Int { (columnCount + 15) / 16 * 16 + 16 }

    func scratchCount(for tile: (rows: Int, columns: Int)) -> Int {
        (tile.rows + 1) * Self.scratchStride(tile.columns)
    }

    func compute(_ tileRows: Range<Int>, _ tileColumns: Range<Int>, scratch: UnsafeMutablePointer<Float>) {
        let sumStride = Self.scratchStride(tileColumns.count)
        let paddedCount = sumStride - 16
        let sums = scratch + sumStride
        scratch.update(repeating: 0, count: sumStride)
        let target = result + (tileRows.lowerBound * resultStride + tileColumns.lowerBound)
        // What is finished with its first piece need not be copied.
        let isDirect = depth <= Self.pieceDepth && alpha == 1 && beta == 0 && tileColumns.count == paddedCount
        withUnsafeTemporaryAllocation(of: Int.self, capacity: tileRows.count + 1) { offsets in
            for row in 0..<tileRows.count { offsets[row] = row * stride }
            offsets[tileRows.count] = 0
            let offsets = UnsafePointer(offsets.baseAddress!)
            // At least once, so that without terms the sums are zeros.
            var first = 0
            repeat {
                let piece = GatheredRows(
                    base: rows + (tileRows.lowerBound * stride + first), rowOffsets: offsets, rowCount: tileRows.count,
                    segmentOffsets: offsets + tileRows.count, segmentCount: 1,
                    segmentLength: min(Self.pieceDepth, depth - first))
                multiply(
                    piece, panels: panels + (tileColumns.lowerBound * depth + first * PackedMatrix.panelWidth),
                    depth: depth, columnCount: paddedCount,
                    adding: first == 0 ? AddedRows(repeating: scratch) : AddedRows(base: sums, stride: sumStride),
                    activation: .identity, into: isDirect ? target : sums,
                    stride: isDirect ? resultStride : sumStride)
                first += Self.pieceDepth
            } while first < depth
        }
        guard !isDirect else { return }
        for row in 0..<tileRows.count {
            combine(
                sums + row * sumStride, factor: alpha, with: target + row * resultStride, factor: beta,
                count: tileColumns.count)
        }
    }
}
