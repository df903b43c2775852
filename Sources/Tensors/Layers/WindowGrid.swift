/// How a map is cut into windows whose pixels attend to each other; without windows, into one of all pixels.
///
/// A band is one row of windows: it takes whole rows of the map, which its tokens are numbered along.
struct WindowGrid {
    /// Of the map.
    let size: SpatialSize
    /// Of a window.
    private let extent: SpatialSize
    /// Of the grid, in windows.
    private let counts: SpatialSize
    private let shift: SpatialSize
    /// Masks of windows at the lower edge, at the right edge and at both.
    private let masks: [Edges: [Float]]

    private struct Edges: Hashable {
        let lower: Bool
        let right: Bool
    }

    struct Window {
        /// Of each pixel, row by row, its number within the band; nil beyond the edge of the map.
        let tokens: [Int?]
        /// [T, padded T], 0 for a query and a key that see each other and -100 for others; nil if all do.
        let mask: [Float]?
    }

    init(_ windows: SelfAttention.Windows?, on size: SpatialSize) {
        self.size = size
        let extent = windows?.size ?? size
        self.extent = extent
        counts = SpatialSize(
            height: (size.height + extent.height - 1) / extent.height,
            width: (size.width + extent.width - 1) / extent.width)
        let isShifted = windows?.isShifted ?? false
        shift = SpatialSize(
            height: isShifted && counts.height > 1 ? extent.height / 2 : 0,
            width: isShifted && counts.width > 1 ? extent.width / 2 : 0)
        var masks: [Edges: [Float]] = [:]
        for (lower, right) in [(true, false), (false, true), (true, true)]
        where (!lower || shift.height > 0) && (!right || shift.width > 0) {
            masks[Edges(lower: lower, right: right)] = Self.mask(
                extent: extent, rowsBeforeEdge: lower ? extent.height - shift.height : extent.height,
                columnsBeforeEdge: right ? extent.width - shift.width : extent.width)
        }
        self.masks = masks
    }

    var windowArea: Int { extent.area }
    var bandCount: Int { counts.height }
    /// Pixels of a band, at most.
    var bandArea: Int { min(extent.height, size.height) * size.width }

    /// The rows of the map in the order in which the band has them, as runs.
    func rows(ofBand band: Int) -> [Range<Int>] {
        var runs: [Range<Int>] = []
        for row in rowIndices(ofBand: band).compactMap({ $0 }) {
            if let last = runs.last, last.upperBound == row {
                runs[runs.count - 1] = last.lowerBound..<row + 1
            } else {
                runs.append(row..<row + 1)
            }
        }
        return runs
    }

    func windows(inBand band: Int) -> [Window] {
        var next = 0
        let rowStarts = rowIndices(ofBand: band).map { row -> Int? in
            guard row != nil else { return nil }
            defer { next += size.width }
            return next
        }
        return (0..<counts.width).map { column in
            let columns = indices(column, extent.width, counts.width, shift.width, size.width)
            let edges = Edges(
                lower: shift.height > 0 && band == counts.height - 1,
                right: shift.width > 0 && column == counts.width - 1)
            return Window(
                tokens: rowStarts.flatMap { start in
                    columns.map { column in start.flatMap { start in column.map { start + $0 } } }
                }, mask: masks[edges])
        }
    }

    private func rowIndices(ofBand band: Int) -> [Int?] {
        indices(band, extent.height, counts.height, shift.height, size.height)
    }

    /// The pixels of the map under window `window` along one axis; nil beyond the edge.
    private func indices(_ window: Int, _ extent: Int, _ count: Int, _ shift: Int, _ size: Int) -> [Int?] {
        (0..<extent).map {
            let position = (window * extent + $0 + shift) % (count * extent)
            return position < size ? position : nil
        }
    }

    /// Pixels before the edge of the image see each other, and so do those behind it.
    private static func mask(extent: SpatialSize, rowsBeforeEdge: Int, columnsBeforeEdge: Int) -> [Float] {
        let parts = (0..<extent.area).map { pixel in
            (pixel / extent.width < rowsBeforeEdge ? 0 : 2) + (pixel % extent.width < columnsBeforeEdge ? 0 : 1)
        }
        let stride = AttentionKernel.paddedCount(extent.area)
        var mask = [Float](repeating: 0, count: extent.area * stride)
        for query in parts.indices {
            for key in parts.indices where parts[query] != parts[key] { mask[query * stride + key] = -100 }
        }
        return mask
    }
}
