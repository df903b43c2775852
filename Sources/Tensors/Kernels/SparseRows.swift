import Glibc
import VectorKernels
import WideKernels

/// Rows A of products in which many elements are zero, such as what a ReLU leaves. The places that are not zero are multiplied, which gives the
/// bits that all places give.
///
/// Rows go in pairs, as they follow each other; a pair's places are those where one of its two rows is not zero. (Of a ResNet's features for
/// CIFAR-100 43 % are not zero; in 51 % of the places of two neighbouring pixels one of them is not.)
struct SparseRows {
    /// Places whose rows of B, of a group of columns, stay in the first cache: at most 32 KB, 16 KB of one that has no more.
    private static let depthStep = {
        guard Processor.hasWideVectors else { return 128 }
        return sysconf(Int32(_SC_LEVEL1_DCACHE_SIZE)) > 32 << 10 ? 64 : 32
    }()
    /// Bytes of a pair's list of places: `depthStep` and what the last write may go beyond.
    private static let listLength = depthStep + 8
    /// The share of places above which all of them are multiplied in less time; with a single group of columns the lists cost more.
    private static func largestShare(columnCount: Int) -> Double { columnCount > groupWidth ? 0.8 : 0.7 }
    /// Columns that are multiplied together: as many panels as the sums of two rows stay in registers for.
    private static let groupWidth = (Processor.hasWideVectors ? 8 : 2) * PackedMatrix.panelWidth

    private static let multiplyPairs =
        Processor.hasWideVectors
        ? WideKernels.multiplySparsePairsByEightPanels : VectorKernels.multiplySparsePairsByTwoPanels

    /// How many of some columns these products are made for; the others are not worth it.
    static func columnCount(of count: Int) -> Int { count / groupWidth * groupWidth }

    private let a: GatheredRows
    private var pairCount: Int { a.rowCount / 2 }
    private var first: UnsafePointer<Float> { a.base + a.segmentOffsets[0] }

    /// - Parameters:
    ///   - a: an even number of rows.
    ///   - columnCount: those of the product, as `columnCount(of:)` gives them.
    /// - Returns: nil if too few elements are zero for that to save time, judged by some of the rows.
    init?(_ a: GatheredRows, columnCount: Int) {
        guard
            columnCount > 0, a.segmentCount == 1, a.segmentLength >= 64, a.segmentLength.isMultiple(of: 16),
            a.rowCount >= 16,
            a.rowCount.isMultiple(of: 2)
        else { return nil }
        self.a = a
        let step = (pairCount + 7) / 8
        let seen = stride(from: step / 2, to: pairCount, by: step)
        let found = seen.reduce((places: 0, all: 0)) { sum, pair in
            let places = countNonzeros(
                first + a.rowOffsets[2 * pair], first + a.rowOffsets[2 * pair + 1], count: a.segmentLength)
            return (sum.places + places, sum.all + a.segmentLength)
        }
        guard Double(found.places) <= Self.largestShare(columnCount: columnCount) * Double(found.all) else {
            return nil
        }
    }

    /// C = activation(A * B + added), as `multiply` has it with all places.
    ///
    /// - Parameters:
    ///   - panels: B in panels of `depth` rows, all of it finite.
    ///   - added: what is added to each row, nowhere -0.
    ///   - activation: not GELU.
    func multiply(
        panels: UnsafePointer<Float>, depth: Int, columnCount: Int, adding added: UnsafePointer<Float>,
        activation: ActivationFunction, into c: UnsafeMutablePointer<Float>, stride: Int
    ) {
        let width = PackedMatrix.panelWidth
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: pairCount * Self.listLength) { indices in
            withUnsafeTemporaryAllocation(of: Int.self, capacity: pairCount) { counts in
                let (indices, counts) = (indices.baseAddress!, counts.baseAddress!)
                for k in Swift.stride(from: 0, to: a.segmentLength, by: Self.depthStep) {
                    let length = min(Self.depthStep, a.segmentLength - k)
                    let isLast = k + length == a.segmentLength
                    listNonzeros(
                        first + k, rowOffsets: a.rowOffsets, pairCount: pairCount, count: length,
                        bitIndices: Self.bitIndices, indices: indices, listLength: Self.listLength, counts: counts)
                    for column in Swift.stride(from: 0, to: columnCount, by: Self.groupWidth) {
                        Self.multiplyPairs(
                            first + k, a.rowOffsets, pairCount, indices, Self.listLength, counts,
                            panels + (column * depth + k * width), depth * width, k == 0,
                            isLast ? added + column : nil, activation == .relu, c + column, stride)
                    }
                }
            }
        }
    }

    /// Of each byte the numbers of the bits it has, see `listNonzeros`.
    nonisolated(unsafe) private static let bitIndices: UnsafePointer<UInt64> = {
        let table = UnsafeMutablePointer<UInt64>.allocate(capacity: 256)
        for byte in 0..<256 {
            let bits = (0..<8).filter { byte >> $0 & 1 == 1 }
            table[byte] = bits.enumerated().reduce(0) { $0 | UInt64($1.element) << (8 * UInt64($1.offset)) }
        }
        return UnsafePointer(table)
    }()
}

/// C = activation(A * B + added) for some columns of B, which begin with a panel; of A the places that are not zero, if that takes less time.
func multiply(
    _ a: GatheredRows, _ b: PackedMatrix, columns: Range<Int>, adding added: AddedRows,
    activation: ActivationFunction, into c: UnsafeMutablePointer<Float>, stride: Int
) {
    b.withPanels { panels in
        /// Some rows of some of the columns, as they are numbered here.
        func multiplyAll(_ rows: Range<Int>, _ part: Range<Int>) {
            guard !rows.isEmpty, !part.isEmpty else { return }
            Tensors.multiply(
                a.rows(rows), panels: panels + (columns.lowerBound + part.lowerBound) * b.depth, depth: b.depth,
                columnCount: part.count,
                adding: AddedRows(
                    base: added.base + (rows.lowerBound * added.stride + part.lowerBound), stride: added.stride),
                activation: activation, into: c + (rows.lowerBound * stride + part.lowerBound), stride: stride)
        }
        let (pairedRows, grouped) = (a.rowCount & ~1, SparseRows.columnCount(of: columns.count))
        guard
            activation != .gelu, added.stride == 0, b.isFinite,
            let sparse = SparseRows(a.rows(0..<pairedRows), columnCount: grouped)
        else { return multiplyAll(0..<a.rowCount, 0..<columns.count) }
        sparse.multiply(
            panels: panels + columns.lowerBound * b.depth, depth: b.depth, columnCount: grouped,
            adding: added.base, activation: activation, into: c, stride: stride)
        multiplyAll(0..<pairedRows, grouped..<columns.count)
        multiplyAll(pairedRows..<a.rowCount, 0..<columns.count)
    }
}
