/// The shapes of a product, checked, and the tiles it is cut into.
struct ProductGrid {
    private let tiles: [(rows: Range<Int>, columns: Range<Int>)]
    /// Multiplications.
    private let work: Int

    init(
        rows: Int, columns: Int, depth: Int, aStride: Int, _ aOrientation: Orientation, bStride: Int,
        _ bOrientation: Orientation, cStride: Int, tile: (rows: Int, columns: Int), upperOnly: Bool
    ) {
        precondition(
            rows >= 0 && columns >= 0 && depth >= 0, "a product of [\(rows), \(depth)] and [\(depth), \(columns)]")
        precondition(
            aStride >= (aOrientation == .asStored ? depth : rows)
                && bStride >= (bOrientation == .asStored ? columns : depth) && cStride >= columns,
            "rows of a product overlap: [\(rows), \(depth)] \(aStride) apart, [\(depth), \(columns)] \(bStride) apart, "
                + "result \(cStride) apart")
        precondition(
            tile.rows > 0 && tile.columns > 0 && tile.columns.isMultiple(of: PackedMatrix.panelWidth),
            "tiles are whole panels, not \(tile)")
        precondition(!upperOnly || tile.rows == tile.columns, "tiles on the diagonal are squares, not \(tile)")
        var tiles: [(rows: Range<Int>, columns: Range<Int>)] = []
        for row in stride(from: 0, to: rows, by: tile.rows) {
            for column in stride(from: 0, to: columns, by: tile.columns)
            where !upperOnly || row < min(column + tile.columns, columns) {
                tiles.append((row..<min(row + tile.rows, rows), column..<min(column + tile.columns, columns)))
            }
        }
        self.tiles = tiles
        work = rows * columns * depth
    }

    /// The team that is worth waking: for a little work, the calling thread.
    func team(from team: WorkerTeam) -> WorkerTeam { work < 1 << 21 ? WorkerTeam(workerCount: 1) : team }

    /// Calls `body` for every tile, with `scratchCount` floats of the worker's own.
    func forEachTile(
        on team: WorkerTeam, scratchCount: Int,
        _ body: (_ rows: Range<Int>, _ columns: Range<Int>, _ scratch: UnsafeMutablePointer<Float>) -> Void
    ) {
        let scratch = Workspace.shared.buffer(team.workerCount * scratchCount)
        nonisolated(unsafe) let pointer = scratch.pointer
        withExtendedLifetime(scratch) {
            withoutActuallyEscaping(body) { body in
                nonisolated(unsafe) let body = body
                team.forEach(tiles.count) { [tiles] worker, index in
                    body(tiles[index].rows, tiles[index].columns, pointer + worker * scratchCount)
                }
            }
        }
    }
}
