/// The largest and the smallest element of sixteen columns, of the rows so far, and which rows those are: as floats, so that one mask
/// serves for an element and its row.
@usableFromInline
struct ColumnExtrema {
    @usableFromInline var maximum: Vector
    @usableFromInline var maximumRow = Vector()
    @usableFromInline var minimum: Vector
    @usableFromInline var minimumRow = Vector()

    @inlinable @inline(__always)
    init(_ first: Vector) {
        maximum = first
        minimum = first
    }

    @inlinable @inline(__always)
    mutating func take(_ elements: Vector, row: Vector) {
        let (isLarger, isSmaller) = (maximum .< elements, elements .< minimum)
        maximum.replace(with: elements, where: isLarger)
        maximumRow.replace(with: row, where: isLarger)
        minimum.replace(with: elements, where: isSmaller)
        minimumRow.replace(with: row, where: isSmaller)
    }
}

extension SIMD16<Float> {
    /// Whole numbers from 0 to 2^23 - 1. Adding 2^23 leaves them in the low bits.
    @inlinable @inline(__always)
    var wholeNumbers: SIMD16<Int32> {
        unsafeBitCast(self + 0x1p23, to: SIMD16<Int32>.self) & SIMD16<Int32>(repeating: 0x7f_ffff)
    }
}

/// The largest and the smallest element of each column of a matrix, and the first row that has it.
///
/// - Parameters:
///   - x: at least one row, `stride` floats apart; whole vectors are read, so that up to 15 floats behind the last column must be there.
///     Fewer than 2^23 rows.
///   - columnCount: at least 1.
/// - Returns: false if an element is not finite (up to 15 behind the last column count too).
@inlinable @inline(__always)
public func findExtrema(
    _ x: UnsafePointer<Float>, stride: Int, rowCount: Int, columnCount: Int, maxima: UnsafeMutablePointer<Float>,
    maximumRows: UnsafeMutablePointer<Int32>, minima: UnsafeMutablePointer<Float>,
    minimumRows: UnsafeMutablePointer<Int32>
) -> Bool {
    var deviations = Vector()
    var column = 0
    while column < columnCount {
        // Two chains of comparisons at a time; the second is the first once more where there are no further columns.
        let other = column &+ 16 < columnCount ? column &+ 16 : column
        let (first, second) = (load(x + column), load(x + other))
        var (left, right) = (ColumnExtrema(first), ColumnExtrema(second))
        deviations += (first - first) + (second - second)
        var number = Vector()
        var place = x + stride
        var row = 1
        while row < rowCount {
            let (first, second) = (load(place + column), load(place + other))
            number += 1
            deviations += (first - first) + (second - second)
            left.take(first, row: number)
            right.take(second, row: number)
            place += stride
            row &+= 1
        }
        var half = 0
        while half < 2 {
            let found = half == 0 ? left : right
            let start = half == 0 ? column : other
            let (highest, lowest) = (found.maximumRow.wholeNumbers, found.minimumRow.wholeNumbers)
            if start &+ 16 <= columnCount {
                store(found.maximum, to: maxima + start)
                store(found.minimum, to: minima + start)
                UnsafeMutableRawPointer(maximumRows + start).storeBytes(of: highest, as: SIMD16<Int32>.self)
                UnsafeMutableRawPointer(minimumRows + start).storeBytes(of: lowest, as: SIMD16<Int32>.self)
            } else {
                var lane = 0
                while start &+ lane < columnCount {
                    maxima[start &+ lane] = found.maximum[lane]
                    minima[start &+ lane] = found.minimum[lane]
                    maximumRows[start &+ lane] = highest[lane]
                    minimumRows[start &+ lane] = lowest[lane]
                    lane &+= 1
                }
            }
            half &+= 1
        }
        column &+= 32
    }
    var isFinite = true
    var lane = 0
    while lane < 16 {
        isFinite = isFinite && deviations[lane] == 0
        lane &+= 1
    }
    return isFinite
}

/// The sum of some rows of a panel of 64 columns, each times its factor, in the order in which they are listed.
///
/// - Parameters:
///   - rows: of the panel; a row may be listed more than once.
///   - columnCount: how many of the 64 sums are wanted.
@inlinable @inline(__always)
public func sumRows(
    of panel: UnsafePointer<Float>, rows: UnsafePointer<Int32>, factors: UnsafePointer<Float>, count: Int,
    into sums: UnsafeMutablePointer<Float>, columnCount: Int
) {
    var (s0, s1, s2, s3) = (Vector(), Vector(), Vector(), Vector())
    var entry = 0
    while entry < count {
        let row = panel + Int(truncatingIfNeeded: rows[entry]) &* 64
        let factor = Vector(repeating: factors[entry])
        s0.addProduct(load(row), factor)
        s1.addProduct(load(row + 16), factor)
        s2.addProduct(load(row + 32), factor)
        s3.addProduct(load(row + 48), factor)
        entry &+= 1
    }
    if columnCount == 64 {
        store(s0, to: sums)
        store(s1, to: sums + 16)
        store(s2, to: sums + 32)
        store(s3, to: sums + 48)
    } else {
        var column = 0
        while column < columnCount {
            let vector = column < 16 ? s0 : column < 32 ? s1 : column < 48 ? s2 : s3
            sums[column] = vector[column & 15]
            column &+= 1
        }
    }
}
