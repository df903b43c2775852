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
        for (pixel, value) in values.enumerated() where value >= limit && value > 0 {
            (top, bottom) = (min(top, pixel / side), max(bottom, pixel / side))
            (left, right) = (min(left, pixel % side), max(right, pixel % side))
        }
        guard bottom >= 0 else { return nil }
        rows = top..<bottom + 1
        columns = left..<right + 1
    }

    /// The `count`-th largest value, by Hoare's selection: a map has as many values as a picture has pixels, and nothing else of their
    /// order is asked for.
    private static func largest(_ count: Int, of values: [Float]) -> Float {
        var values = values
        var (low, high) = (0, values.count - 1)
        while low < high {
            let pivot = values[(low + high) / 2]
            var (first, last) = (low, high)
            while first <= last {
                while values[first] > pivot { first += 1 }
                while values[last] < pivot { last -= 1 }
                guard first <= last else { break }
                values.swapAt(first, last)
                (first, last) = (first + 1, last - 1)
            }
            if count - 1 <= last {
                high = last
            } else if count - 1 >= first {
                low = first
            } else {
                break
            }
        }
        return values[count - 1]
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
