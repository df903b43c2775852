import ElementaryFunctions
import Tensors

/// A precision the head's mathematics runs in: Float in the product, Double where a test needs exactness.
package protocol HeadScalar: BinaryFloatingPoint, SIMDScalar, Sendable, Codable {
    /// `Tensors.multiply` in this precision: C = alpha * op(A) * op(B) + beta * C, row-major, tile by tile.
    static func product(
        rows: Int, columns: Int, depth: Int, alpha: Self,
        _ a: UnsafePointer<Self>, stride aStride: Int, _ aOrientation: Orientation,
        _ b: UnsafePointer<Self>, stride bStride: Int, _ bOrientation: Orientation,
        beta: Self, into c: UnsafeMutablePointer<Self>, stride cStride: Int,
        tile: (rows: Int, columns: Int), upperOnly: Bool, team: WorkerTeam,
        finish: (Range<Int>, Range<Int>) -> Void)

    /// The transpose of a matrix [N, K], ready for products with rows.
    associatedtype RowFactor: Sendable

    /// `Tensors.RowFactor` in this precision.
    static func rowFactor(
        transposing matrix: UnsafePointer<Self>, columnCount: Int, depth: Int, team: WorkerTeam
    ) -> RowFactor

    /// C [rows, columns.count] = A B^T of the columns, which begin with a multiple of 16. A row's bits depend on nothing but
    /// that row of A and B.
    static func rowProduct(
        rows: Int, _ a: UnsafePointer<Self>, _ factor: RowFactor, columns: Range<Int>,
        into c: UnsafeMutablePointer<Self>, stride: Int)

    /// The largest and the smallest element of each column of `tile` and the first rows that have them.
    ///
    /// - Parameters:
    ///   - tile: at least one row, `stride` apart; up to 15 numbers behind the last column are read, and must be finite.
    ///   - maxima: with all that follow, a number for each column.
    /// - Returns: false if an element is not finite.
    static func findExtrema(
        _ tile: UnsafePointer<Self>, stride: Int, rowCount: Int, columnCount: Int,
        maxima: UnsafeMutablePointer<Self>, maximumRows: UnsafeMutablePointer<Int32>,
        minima: UnsafeMutablePointer<Self>, minimumRows: UnsafeMutablePointer<Int32>
    ) -> Bool

    /// The sum of `count` rows of a panel of 64 columns, each times its factor, in their order; `columnCount` of the sums are wanted.
    static func sumRows(
        of panel: UnsafePointer<Self>, rows: UnsafePointer<Int32>, factors: UnsafePointer<Self>, count: Int,
        into sums: UnsafeMutablePointer<Self>, columnCount: Int)

    /// Words of four bytes that a number takes.
    static var wordCount: Int { get }

    /// `Tensors.invert` in this precision.
    static func inverse(size: Int, _ matrix: UnsafeMutablePointer<Self>, stride: Int) -> Bool

    /// The lanes where `a` is less than `b`. The standard library's comparison of vectors of a generic scalar is a loop over
    /// the lanes even when specialised; that of a concrete one is an instruction.
    static func isLess(_ a: SIMD8<Self>, _ b: SIMD8<Self>) -> SIMDMask<SIMD8<SIMDMaskScalar>>

    /// Whole numbers from 0 to 2^23 - 1, such as those of pixels. The standard library's conversion from a generic scalar is not one
    /// instruction even when specialised.
    static func wholeNumbers(_ x: SIMD8<Self>) -> SIMD8<Int32>

    /// e^x for x <= 0, lane by lane; may flush results below the smallest normal number.
    static func exponential(_ x: SIMD8<Self>) -> SIMD8<Self>

    /// The natural logarithm of positive normal numbers, lane by lane.
    static func logarithm(_ x: SIMD8<Self>) -> SIMD8<Self>

    /// (bits + 1/2) / 2^23 for the upper 23 bits of each word: strictly between 0 and 1, and the same number in
    /// every precision.
    static func openUniform(_ words: SIMD8<UInt32>) -> SIMD8<Self>

    /// The largest spectral norm of a skew matrix whose exponential is that of `MatrixExponential` without squaring, by the
    /// backward-error bound of Bader, Blanes and Casas 2019, table 2.
    static var exponentialLimit: Double { get }

    /// max|U^T U - I| above which an orthogonal matrix is polished.
    static var polishThreshold: Self { get }
}

extension Float: HeadScalar {
    package typealias RowFactor = Tensors.RowFactor

    package static var wordCount: Int { 1 }

    @inline(__always)
    package static func isLess(_ a: SIMD8<Float>, _ b: SIMD8<Float>) -> SIMDMask<SIMD8<SIMDMaskScalar>> { a .< b }

    package static func product(
        rows: Int, columns: Int, depth: Int, alpha: Float,
        _ a: UnsafePointer<Float>, stride aStride: Int, _ aOrientation: Orientation,
        _ b: UnsafePointer<Float>, stride bStride: Int, _ bOrientation: Orientation,
        beta: Float, into c: UnsafeMutablePointer<Float>, stride cStride: Int,
        tile: (rows: Int, columns: Int), upperOnly: Bool, team: WorkerTeam, finish: (Range<Int>, Range<Int>) -> Void
    ) {
        multiply(
            rows: rows, columns: columns, depth: depth, alpha: alpha, a, stride: aStride, aOrientation,
            b, stride: bStride, bOrientation, beta: beta, into: c, stride: cStride, tile: tile, upperOnly: upperOnly,
            team: team, finish: finish)
    }

    package static func rowFactor(
        transposing matrix: UnsafePointer<Float>, columnCount: Int, depth: Int, team: WorkerTeam
    ) -> RowFactor {
        RowFactor(transposing: matrix, columnCount: columnCount, depth: depth, team: team)
    }

    package static func rowProduct(
        rows: Int, _ a: UnsafePointer<Float>, _ factor: RowFactor, columns: Range<Int>,
        into c: UnsafeMutablePointer<Float>, stride: Int
    ) {
        factor.multiply(rows: rows, a, columns: columns, into: c, stride: stride)
    }

    package static func findExtrema(
        _ tile: UnsafePointer<Float>, stride: Int, rowCount: Int, columnCount: Int,
        maxima: UnsafeMutablePointer<Float>, maximumRows: UnsafeMutablePointer<Int32>,
        minima: UnsafeMutablePointer<Float>, minimumRows: UnsafeMutablePointer<Int32>
    ) -> Bool {
        Tensors.findExtrema(
            tile, stride: stride, rowCount: rowCount, columnCount: columnCount, maxima: maxima,
            maximumRows: maximumRows, minima: minima, minimumRows: minimumRows)
    }

    package static func sumRows(
        of panel: UnsafePointer<Float>, rows: UnsafePointer<Int32>, factors: UnsafePointer<Float>, count: Int,
        into sums: UnsafeMutablePointer<Float>, columnCount: Int
    ) {
        Tensors.sumRows(of: panel, rows: rows, factors: factors, count: count, into: sums, columnCount: columnCount)
    }

    package static func inverse(size: Int, _ matrix: UnsafeMutablePointer<Float>, stride: Int) -> Bool {
        invert(size: size, matrix, stride: stride)
    }

    package static var exponentialLimit: Double { 1.4616 }
    package static var polishThreshold: Float { 1e-6 }
}

extension Double: HeadScalar {
    package static var wordCount: Int { 2 }

    @inline(__always)
    package static func isLess(_ a: SIMD8<Double>, _ b: SIMD8<Double>) -> SIMDMask<SIMD8<SIMDMaskScalar>> { a .< b }

    package static func product(
        rows: Int, columns: Int, depth: Int, alpha: Double,
        _ a: UnsafePointer<Double>, stride aStride: Int, _ aOrientation: Orientation,
        _ b: UnsafePointer<Double>, stride bStride: Int, _ bOrientation: Orientation,
        beta: Double, into c: UnsafeMutablePointer<Double>, stride cStride: Int,
        tile: (rows: Int, columns: Int), upperOnly: Bool, team: WorkerTeam, finish: (Range<Int>, Range<Int>) -> Void
    ) {
        multiply(
            rows: rows, columns: columns, depth: depth, alpha: alpha, a, stride: aStride, aOrientation,
            b, stride: bStride, bOrientation, beta: beta, into: c, stride: cStride, tile: tile, upperOnly: upperOnly,
            team: team, finish: finish)
    }

    /// The matrix itself, which has to stay where it is.
    package struct RowFactor: @unchecked Sendable {
        fileprivate let matrix: UnsafePointer<Double>
        fileprivate let depth: Int
    }

    package static func rowFactor(
        transposing matrix: UnsafePointer<Double>, columnCount: Int, depth: Int, team: WorkerTeam
    ) -> RowFactor {
        RowFactor(matrix: matrix, depth: depth)
    }

    package static func rowProduct(
        rows: Int, _ a: UnsafePointer<Double>, _ factor: RowFactor, columns: Range<Int>,
        into c: UnsafeMutablePointer<Double>, stride: Int
    ) {
        let depth = factor.depth
        multiply(
            rows: rows, columns: columns.count, depth: depth, a, stride: depth, .asStored,
            factor.matrix + columns.lowerBound * depth, stride: depth, .transposed, into: c, stride: stride)
    }

    package static func findExtrema(
        _ tile: UnsafePointer<Double>, stride: Int, rowCount: Int, columnCount: Int,
        maxima: UnsafeMutablePointer<Double>, maximumRows: UnsafeMutablePointer<Int32>,
        minima: UnsafeMutablePointer<Double>, minimumRows: UnsafeMutablePointer<Int32>
    ) -> Bool {
        var isFinite = true
        for column in 0..<columnCount {
            (maxima[column], minima[column]) = (tile[column], tile[column])
            (maximumRows[column], minimumRows[column]) = (0, 0)
            for row in 0..<rowCount {
                let element = tile[row * stride + column]
                isFinite = isFinite && element.isFinite
                if maxima[column] < element { (maxima[column], maximumRows[column]) = (element, Int32(row)) }
                if element < minima[column] { (minima[column], minimumRows[column]) = (element, Int32(row)) }
            }
        }
        return isFinite
    }

    package static func sumRows(
        of panel: UnsafePointer<Double>, rows: UnsafePointer<Int32>, factors: UnsafePointer<Double>, count: Int,
        into sums: UnsafeMutablePointer<Double>, columnCount: Int
    ) {
        for column in 0..<columnCount { sums[column] = 0 }
        for entry in 0..<count {
            let row = panel + Int(rows[entry]) * 64
            for column in 0..<columnCount { sums[column].addProduct(row[column], factors[entry]) }
        }
    }

    package static func inverse(size: Int, _ matrix: UnsafeMutablePointer<Double>, stride: Int) -> Bool {
        invert(size: size, matrix, stride: stride)
    }

    package static func exponential(_ x: SIMD8<Double>) -> SIMD8<Double> {
        var result = SIMD8<Double>.zero
        for lane in 0..<8 { result[lane] = ElementaryFunctions.exponential(x[lane]) }
        return result
    }

    package static func logarithm(_ x: SIMD8<Double>) -> SIMD8<Double> {
        var result = SIMD8<Double>.zero
        for lane in 0..<8 { result[lane] = ElementaryFunctions.logarithm(x[lane]) }
        return result
    }

    @inline(__always)
    package static func wholeNumbers(_ x: SIMD8<Double>) -> SIMD8<Int32> {
        var result = SIMD8<Int32>.zero
        for lane in 0..<8 { result[lane] = Int32(x[lane]) }
        return result
    }

    package static func openUniform(_ words: SIMD8<UInt32>) -> SIMD8<Double> {
        var result = SIMD8<Double>.zero
        for lane in 0..<8 { result[lane] = (Double(words[lane] >> 9) + 0.5) * 0x1p-23 }
        return result
    }

    package static var exponentialLimit: Double { 0.2996 }
    package static var polishThreshold: Double { 1e-14 }
}
