import ElementaryFunctions
import Tensors

/// A relative position table, [(2 side - 1)^2, heads], and how it is resampled for windows of another size.
///
/// As timm does it (`resize_rel_pos_bias_table`, after Microsoft's BEiT): the learned offsets are taken to lie at the sums of
/// a geometric progression, dense around zero and the farthest where the new window's farthest is, and the new offsets are
/// interpolated linearly between them. It is not bicubic, in spite of what timm does for position embeddings.
struct PositionTable: Sendable {
    let values: [Float]
    let side: Int
    let headCount: Int

    /// The side of the square window that a table of this shape is for; nil if there is none.
    static func windowSide(ofShape shape: [Int]) -> Int? {
        guard shape.count == 2, shape[0] > 0, shape[0] < 1 << 20 else { return nil }
        let extent = Int(Double(shape[0]).squareRoot().rounded())
        return extent * extent == shape[0] && !extent.isMultiple(of: 2) ? (extent + 1) / 2 : nil
    }

    /// A row [heads] for each of the offsets: as learned within the window they were learned for.
    func rows(for offsets: WindowOffsets) -> [Float] {
        offsets.window == SpatialSize(side) ? values : resampled(to: offsets)
    }

    private func resampled(to offsets: WindowOffsets) -> [Float] {
        let rows = taps(windowExtent: offsets.window.height)
        let columns = taps(windowExtent: offsets.window.width)
        let extent = 2 * side - 1
        return rows.flatMap { row in
            columns.flatMap { column in
                (0..<headCount).map { head in
                    func value(_ y: Int, _ x: Int) -> Double { Double(values[(y * extent + x) * headCount + head]) }
                    let upper =
                        value(row.first, column.first) * (1 - column.share)
                        + value(row.first, column.second) * column.share
                    let lower =
                        value(row.second, column.first) * (1 - column.share)
                        + value(row.second, column.second) * column.share
                    return Float(upper * (1 - row.share) + lower * row.share)
                }
            }
        }
    }

    /// Two of the learned offsets and the second one's share of a new offset between them.
    private struct Taps {
        let first: Int
        let second: Int
        let share: Double
    }

    /// Of the offsets -(extent - 1) to extent - 1 of a window along one axis; beyond the learned ones, the last of them.
    private func taps(windowExtent extent: Int) -> [Taps] {
        let places = places(reaching: extent - 1)
        return (1 - extent..<extent).map { offset in
            let second = places.firstIndex { $0 >= Double(offset) } ?? places.count - 1
            let first = max(0, second - 1)
            let distance = places[second] - places[first]
            let share = distance > 0 ? (Double(offset) - places[first]) / distance : 0
            return Taps(first: first, second: second, share: min(max(share, 0), 1))
        }
    }

    /// Where the learned offsets lie: 0, then 1, 1 + q, 1 + q + q^2, ... on both sides, with the q between 1.01 and 1.5 that
    /// takes the last one to `end`, found by bisection to 1e-6.
    private func places(reaching end: Int) -> [Double] {
        let count = side - 1
        var (left, right, q) = (1.01, 1.5, 1.0)
        while right - left > 1e-6 {
            q = (left + right) / 2
            if (1 - power(q, Double(count))) / (1 - q) > Double(end) { right = q } else { left = q }
        }
        var distances: [Double] = []
        var distance = 1.0
        for step in 0..<count {
            distances.append(distance)
            distance += power(q, Double(step + 1))
        }
        return distances.reversed().map { -$0 } + [0] + distances
    }
}
