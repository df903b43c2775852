import Synchronization
import Tensors
import Testing

/// A product with its operands, stored with gaps of NaN between the rows, and the result by its definition.
private struct Product {
    let rows, columns, depth: Int
    let orientations: (a: Orientation, b: Orientation)
    let (a, b, c): ([Float], [Float], [Float])
    let (aStride, bStride, cStride): (Int, Int, Int)

    init(_ rows: Int, _ columns: Int, _ depth: Int, _ a: Orientation = .asStored, _ b: Orientation = .asStored) {
        (self.rows, self.columns, self.depth) = (rows, columns, depth)
        orientations = (a, b)
        func stored(_ rows: Int, _ columns: Int, gap: Int, seed: UInt64) -> [Float] {
            let values = noise(rows * columns, seed: seed)
            return (0..<rows).flatMap { values[$0 * columns..<($0 + 1) * columns] + Array(repeating: .nan, count: gap) }
        }
        (aStride, bStride, cStride) = (
            (a == .asStored ? depth : rows) + 3, (b == .asStored ? columns : depth) + 1, columns + 2
        )
        self.a = a == .asStored ? stored(rows, depth, gap: 3, seed: 1) : stored(depth, rows, gap: 3, seed: 1)
        self.b = b == .asStored ? stored(depth, columns, gap: 1, seed: 2) : stored(columns, depth, gap: 1, seed: 2)
        c = stored(rows, columns, gap: 2, seed: 3)
    }

    /// alpha * op(A) * op(B) + beta * C without the gaps.
    func expected(alpha: Double, beta: Double) -> [Double] {
        (0..<rows).flatMap { i in
            (0..<columns).map { j in
                let sum = (0..<depth).reduce(0.0) { sum, k in
                    let x = orientations.a == .asStored ? a[i * aStride + k] : a[k * aStride + i]
                    let y = orientations.b == .asStored ? b[k * bStride + j] : b[j * bStride + k]
                    return sum + Double(x) * Double(y)
                }
                return alpha * sum + (beta == 0 ? 0 : beta * Double(c[i * cStride + j]))
            }
        }
    }

    func computed(
        alpha: Float = 1, beta: Float = 0, tile: (rows: Int, columns: Int) = (256, 256), team: Int = 1
    ) -> [Float] {
        var result = beta == 0 ? c.map { _ in Float.nan } : c
        multiply(
            rows: rows, columns: columns, depth: depth, alpha: alpha, a, stride: aStride, orientations.a, b,
            stride: bStride, orientations.b, beta: beta, into: &result, stride: cStride, tile: tile,
            team: WorkerTeam(workerCount: team))
        return withoutGaps(result)
    }

    func computedInDouble(alpha: Double, beta: Double) -> [Double] {
        var result = beta == 0 ? c.map { _ in Double.nan } : c.map { Double($0) }
        multiply(
            rows: rows, columns: columns, depth: depth, alpha: alpha, a.map { Double($0) }, stride: aStride,
            orientations.a, b.map { Double($0) }, stride: bStride, orientations.b, beta: beta, into: &result,
            stride: cStride, tile: (48, 32), team: WorkerTeam(workerCount: 3))
        return withoutGaps(result)
    }

    /// The result, after a look at what was not to be written.
    private func withoutGaps<Scalar: BinaryFloatingPoint>(_ result: [Scalar]) -> [Scalar] {
        for row in 0..<rows {
            #expect(result[(row * cStride + columns)..<(row + 1) * cStride].allSatisfy { $0.isNaN }, "row \(row)")
        }
        return (0..<rows).flatMap { result[$0 * cStride..<$0 * cStride + columns] }
    }
}

@Suite struct MatrixProductTests {
    /// Below, at and above a vector, a panel, a tile of the kernel, a block of a transpose and a piece of the sums.
    static let shapes = [
        (1, 1, 1), (5, 7, 9), (6, 16, 8), (7, 17, 255), (13, 33, 256), (64, 64, 257), (70, 129, 65), (258, 272, 513),
        (3, 300, 600), (300, 3, 31),
    ]

    @Test(arguments: shapes, [Orientation.asStored, .transposed])
    func agreesWithItsDefinition(shape: (rows: Int, columns: Int, depth: Int), a: Orientation) {
        for b in [Orientation.asStored, .transposed] {
            let product = Product(shape.rows, shape.columns, shape.depth, a, b)
            for (alpha, beta) in [(1.0, 0.0), (-1, 1), (2.5, 0), (0.75, -0.5)] {
                let expected = product.expected(alpha: alpha, beta: beta)
                let single = product.computed(alpha: Float(alpha), beta: Float(beta))
                #expect(relativeError(single, expected) < 4e-6, "\(b), \(alpha), \(beta)")
                let double = product.computedInDouble(alpha: alpha, beta: beta)
                #expect(zip(double, expected).allSatisfy { abs($0 - $1) < 1e-12 }, "\(b), \(alpha), \(beta)")
            }
        }
    }

    /// Tiles of 16 columns never use AVX-512, larger ones do where the processor has it.
    @Test(arguments: [(70, 129, 65), (258, 272, 513), (40, 512, 1000)], [Orientation.asStored, .transposed])
    func theBitsDependNeitherOnTilesNorOnTheTeamNorOnTheProcessor(
        shape: (rows: Int, columns: Int, depth: Int), orientation: Orientation
    ) {
        let product = Product(shape.rows, shape.columns, shape.depth, orientation, orientation)
        for (alpha, beta) in [(Float(1), Float(0)), (-0.3, 0.7)] {
            let whole = product.computed(alpha: alpha, beta: beta)
            for (tile, team) in [((1, 16), 1), ((6, 16), 3), ((64, 48), 7), ((100, 64), 2), ((1000, 1008), 1)] {
                #expect(product.computed(alpha: alpha, beta: beta, tile: tile, team: team) == whole, "\(tile), \(team)")
            }
        }
    }

    @Test func aRowDoesNotDependOnTheOthers() {
        let (rows, columns, depth) = (50, 80, 700)
        let (a, b) = (noise(rows * depth, seed: 1), noise(depth * columns, seed: 2))
        var whole = [Float](repeating: 0, count: rows * columns)
        multiply(
            rows: rows, columns: columns, depth: depth, a, stride: depth, .asStored, b, stride: columns, .asStored,
            into: &whole,
            stride: columns)
        for row in 0..<rows {
            var alone = [Float](repeating: 0, count: columns)
            multiply(
                rows: 1, columns: columns, depth: depth, Array(a[row * depth..<(row + 1) * depth]), stride: depth,
                .asStored, b, stride: columns, .asStored, into: &alone, stride: columns)
            #expect(alone.elementsEqual(whole[row * columns..<(row + 1) * columns]))
        }
    }

    /// Rounding errors of one chain of 8192 terms that are all positive would be several times larger.
    @Test func longSumsStayAccurate() {
        let depth = 8192
        let (a, b) = (noise(6 * depth, seed: 1).map { abs($0) }, noise(depth * 32, seed: 2).map { abs($0) })
        var result = [Float](repeating: 0, count: 6 * 32)
        multiply(
            rows: 6, columns: 32, depth: depth, a, stride: depth, .asStored, b, stride: 32, .asStored, into: &result,
            stride: 32)
        for row in 0..<6 {
            for column in 0..<32 {
                let exact = (0..<depth).reduce(0.0) { $0 + Double(a[row * depth + $1]) * Double(b[$1 * 32 + column]) }
                #expect(abs(Double(result[row * 32 + column]) / exact - 1) < 8e-7)
            }
        }
    }

    @Test func withoutTermsOnlyTheOldContentsCount() {
        var result: [Float] = [3, .nan]
        multiply(
            rows: 1, columns: 1, depth: 0, [], stride: 0, .asStored, [], stride: 1, .asStored, beta: 2, into: &result,
            stride: 2)
        #expect(result[0] == 6 && result[1].isNaN)
        multiply(
            rows: 1, columns: 1, depth: 0, [], stride: 0, .asStored, [], stride: 1, .asStored, into: &result, stride: 2)
        #expect(result[0] == 0)
        multiply(
            rows: 0, columns: 1, depth: 1, [], stride: 1, .asStored, [2], stride: 1, .asStored, into: &result, stride: 2
        )
        multiply(
            rows: 1, columns: 0, depth: 1, [1], stride: 1, .asStored, [], stride: 0, .asStored, into: &result, stride: 2
        )
        #expect(result[0] == 0)
    }

    @Test func aBrokenOperandShowsInTheRowAndColumnItBelongsTo() {
        var (a, b) = (noise(8 * 300, seed: 1), noise(300 * 48, seed: 2))
        (a[3 * 300 + 270], b[10 * 48 + 5]) = (.nan, .infinity)
        var result = [Float](repeating: 0, count: 8 * 48)
        multiply(
            rows: 8, columns: 48, depth: 300, a, stride: 300, .asStored, b, stride: 48, .asStored, into: &result,
            stride: 48)
        for row in 0..<8 {
            for column in 0..<48 {
                let element = result[row * 48 + column]
                #expect(row == 3 ? element.isNaN : column == 5 ? element.isInfinite : element.isFinite)
            }
        }
    }

    @Test func tilesBelowTheDiagonalAreLeftAloneAndEachOtherIsFinishedOnce() {
        let size = 100
        let a = noise(size * size, seed: 1)
        var result = [Float](repeating: .nan, count: size * size)
        let finished = Mutex<[[Int]]>([])
        multiply(
            rows: size, columns: size, depth: size, a, stride: size, .asStored, a, stride: size, .asStored,
            into: &result, stride: size,
            tile: (32, 32), upperOnly: true, team: WorkerTeam(workerCount: 3)
        ) { rows, columns in
            finished.withLock { $0.append([rows.lowerBound, rows.upperBound, columns.lowerBound, columns.upperBound]) }
        }
        for row in 0..<size {
            for column in 0..<size {
                #expect(result[row * size + column].isNaN == (column / 32 < row / 32), "\(row), \(column)")
            }
        }
        let expected = (0..<4).flatMap { row in
            (row..<4).map { [row * 32, min(size, row * 32 + 32), $0 * 32, min(size, $0 * 32 + 32)] }
        }
        #expect(finished.withLock { $0.sorted { $0.lexicographicallyPrecedes($1) } } == expected)
    }

    @Test func shapesThatDoNotFitStopTheProgram() async {
        await #expect(processExitsWith: .failure) {
            var result = [Float](repeating: 0, count: 4)
            let matrix: [Float] = [1, 2, 3, 4]
            multiply(
                rows: 2, columns: 2, depth: 2, matrix, stride: 1, .asStored, matrix, stride: 2, .asStored,
                into: &result, stride: 2)
        }
        await #expect(processExitsWith: .failure) {
            var result = [Float](repeating: 0, count: 4)
            let matrix: [Float] = [1, 2, 3, 4]
            multiply(
                rows: 2, columns: 2, depth: 1, matrix, stride: 2, .asStored, matrix, stride: 1, .transposed,
                into: &result,
                stride: 1)
        }
        await #expect(processExitsWith: .failure) {
            var result = [Double](repeating: 0, count: 4)
            multiply(
                rows: -1, columns: 2, depth: 1, [1.0], stride: 1, .asStored, [1.0, 2], stride: 2, .asStored,
                into: &result, stride: 2)
        }
    }
}
