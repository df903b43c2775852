/// What stands at a place of sorted values, without sorting them.
package enum OrderStatistic {
    /// The values at `place` and at the next place of `values.sorted()`, or the last twice where there is none next.
    ///
    /// - Precondition: `place` is a place of them; none is not a number.
    package static func pair(at place: Int, of values: [Float]) -> (Float, next: Float) {
        var values = values
        return values.withUnsafeMutableBufferPointer { values in
            select(place, in: values)
            let next = values[(place + 1)...].min()
            return (values[place], next ?? values[place])
        }
    }

    /// Moves the value that belongs to `place` there, no larger ones before it and no smaller ones behind it (Hoare's selection).
    private static func select(_ place: Int, in values: UnsafeMutableBufferPointer<Float>) {
        var (first, last) = (0, values.count - 1)
        while first < last {
            let pivot = median(values[first], values[(first + last) / 2], values[last])
            var (left, right) = (first, last)
            while left <= right {
                while values[left] < pivot { left += 1 }
                while values[right] > pivot { right -= 1 }
                if left <= right {
                    values.swapAt(left, right)
                    left += 1
                    right -= 1
                }
            }
            if place <= right {
                last = right
            } else if place >= left {
                first = left
            } else {
                return
            }
        }
    }

    private static func median(_ a: Float, _ b: Float, _ c: Float) -> Float { max(min(a, b), min(max(a, b), c)) }
}
