// What a step of Strassen's algorithm does besides its seven products, in Winograd's form with the fewest additions (Winograd, "On
// Multiplication of 2 x 2 Matrices", Linear Algebra and its Applications 4, 1971). Of matrices cut into quarters 11, 12, 21, 22:
//
//     S1 = A21 + A22    S2 = S1 - A11     S3 = A11 - A21    S4 = A12 - S2
//     T1 = B12 - B11    T2 = B22 - T1     T3 = B22 - B12    T4 = B21 - T2
//
//     P = A11 B11       U = P + S2 T2     V = U + S3 T3     W = S1 T1
//
//     C11 = P + A12 B21     C12 = (U + S4 B22) + W     C21 = V + A22 T4     C22 = V + W
//
// The quarters of A are the halves of the two rows of a pair.

/// S1 to S4 of a pair of rows.
///
/// - Parameters:
///   - first: A11 and, `halfDepth` floats further on, A12; `halfDepth` is a multiple of 16.
///   - second: A21 and A22.
///   - sums: S1; the next one is `distance` floats further on.
@inlinable @inline(__always)
public func makeStrassenRowSums(
    _ first: UnsafePointer<Float>, _ second: UnsafePointer<Float>, halfDepth: Int,
    into sums: UnsafeMutablePointer<Float>, distance: Int
) {
    var k = 0
    while k < halfDepth {
        let (a11, a12) = (load(first + k), load(first + halfDepth + k))
        let (a21, a22) = (load(second + k), load(second + halfDepth + k))
        let s1 = a21 + a22
        let s2 = s1 - a11
        store(s1, to: sums + k)
        store(s2, to: sums + distance + k)
        store(a11 - a21, to: sums + 2 &* distance + k)
        store(a12 - s2, to: sums + 3 &* distance + k)
        k &+= 16
    }
}

/// T1 to T4 of columns of B, packed.
///
/// - Parameters:
///   - upper: `count` floats of B11, a multiple of 16; those of B12 are `columnDistance` floats further on.
///   - lower: the same of B21 and B22.
///   - sums: T1; the next one is `distance` floats further on.
@inlinable @inline(__always)
public func makeStrassenColumnSums(
    upper: UnsafePointer<Float>, lower: UnsafePointer<Float>, columnDistance: Int, count: Int,
    into sums: UnsafeMutablePointer<Float>, distance: Int
) {
    var i = 0
    while i < count {
        let (b11, b12) = (load(upper + i), load(upper + columnDistance + i))
        let (b21, b22) = (load(lower + i), load(lower + columnDistance + i))
        let t1 = b12 - b11
        let t2 = b22 - t1
        store(t1, to: sums + i)
        store(t2, to: sums + distance + i)
        store(b22 - b12, to: sums + 2 &* distance + i)
        store(b21 - t2, to: sums + 3 &* distance + i)
        i &+= 16
    }
}

/// The rows of C of some pairs, some columns of either half of them.
///
/// - Parameters:
///   - products: C11 without what is added, and `slotDistance` floats further on each: U + S4 B22; V; W; C21. Their rows are those of the pairs,
///     of `count` floats, a multiple of 16.
///   - rowsPerPair: 2, or 1 if the second rows are missing.
///   - added: what is added to the first row of C, the next one's being `addedStride` floats further on; at the columns of C12 and
///     C22 it is `columnDistance` floats further on.
///   - result: the first row of C, likewise; may be what is added.
@inlinable @inline(__always)
public func finishStrassenRows(
    _ products: UnsafePointer<Float>, slotDistance: Int, pairCount: Int, rowsPerPair: Int, count: Int,
    adding added: UnsafePointer<Float>, addedStride: Int, into result: UnsafeMutablePointer<Float>, stride: Int,
    columnDistance: Int
) {
    var (source, added, row) = (products, added, result)
    for _ in 0..<pairCount {
        for second in 0..<rowsPerPair {
            let left = source + 4 &* second &* slotDistance
            let right = source + (1 &+ second) &* slotDistance
            let w = source + 3 &* slotDistance
            var i = 0
            while i < count {
                store(load(left + i) + load(added + i), to: row + i)
                store(
                    (load(right + i) + load(w + i)) + load(added + columnDistance + i), to: row + columnDistance + i)
                i &+= 16
            }
            added += addedStride
            row += stride
        }
        source += count
    }
}
