import ExplanationMetrics

/// Rows and columns of an image's pixels.
package struct PixelBox: Equatable, Sendable {
    package let rows: Range<Int>
    package let columns: Range<Int>

    /// The smallest box around a share of the pixels, those with the largest positive values; nil if none is positive.
    ///
    /// - Parameter values: [side, side].
    package init?(around share: Double, of values: [Float], side: Int) {
        let count = max(1, Int(share * Double(values.count)))
        let limit = Self.largest(count, of: values)
        var (top, bottom, left, right) = (side, -1, side, -1)
        values.withUnsafeBufferPointer { values in
            for row in 0..<side {
                let pixels = values[row * side..<(row + 1) * side]
                func isIn(_ value: Float) -> Bool { value >= limit && value > 0 }
                guard let first = pixels.firstIndex(where: isIn), let last = pixels.lastIndex(where: isIn) else {
                    continue
                }
                (top, bottom) = (min(top, row), row)
                (left, right) = (min(left, first - row * side), max(right, last - row * side))
            }
        }
        guard bottom >= 0 else { return nil }
        rows = top..<bottom + 1
        columns = left..<right + 1
    }

    /// The `count`-th largest of the positive values; 0 if there are fewer.
    ///
    /// Positive floats are in the order of their bits: the upper ones say in which of 2,048 classes a value is, and only in one class
    /// is there anything to look for.
    private static func largest(_ count: Int, of values: [Float]) -> Float {
        func number(_ value: Float) -> Int { Int(value.bitPattern >> 20) }
        return withUnsafeTemporaryAllocation(of: Int.self, capacity: 2048) { counts in
            counts.initialize(repeating: 0)
            values.withUnsafeBufferPointer { values in
                for value in values where value > 0 { counts[number(value)] &+= 1 }
            }
            var left = count
            for found in counts.indices.reversed() {
                guard left > counts[found] else {
                    let inClass = values.filter { $0 > 0 && number($0) == found }
                    return OrderStatistic.pair(at: inClass.count - left, of: inClass).0
                }
                left -= counts[found]
            }
            return 0
        }
    }

    private init(rows: Range<Int>, columns: Range<Int>) {
        self.rows = rows
        self.columns = columns
    }

    /// With the pixels around it, as far as there are any.
    package func widened(by margin: Int, side: Int) -> PixelBox {
        func wider(_ range: Range<Int>) -> Range<Int> {
            max(0, range.lowerBound - margin)..<min(side, range.upperBound + margin)
        }
        return PixelBox(rows: wider(rows), columns: wider(columns))
    }

    /// Which of the pixels [side, side] it holds.
    package func mask(side: Int) -> [Bool] {
        var mask = [Bool](repeating: false, count: side * side)
        for row in rows {
            for column in columns { mask[row * side + column] = true }
        }
        return mask
    }
}
