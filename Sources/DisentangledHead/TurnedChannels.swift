import Tensors

// A channel map that is U [R, R] on R of the D channels and I on the others.

/// The activations of a map that turns only some channels, panel by panel.
///
/// A turned channel's activation is a sum over the turned channels alone. Its terms are added in the order of the channels, as
/// in the product with the whole of U, where the others add nothing: so the bits are the same.
struct TurnedPanels<Scalar: HeadScalar>: @unchecked Sendable {
    private let channels: [Int]
    private let batch: FeatureBatch<Scalar>
    /// For each panel of channels the turned ones that lie in it, as places among the turned.
    private let places: [Range<Int>]
    private let panel: Int
    /// For each worker the turned features of a block and a panel's activations of them.
    private let scratch: UnsafeMutablePointer<Scalar>
    private let rows: Int
    private let stride: Int

    init(channels: [Int], batch: FeatureBatch<Scalar>, panel: Int, rows: Int, team: WorkerTeam) {
        self.channels = channels
        self.batch = batch
        self.panel = panel
        self.rows = rows
        let panelCount = (batch.channelCount + panel - 1) / panel
        places = (0..<panelCount).map { index in
            let start = channels.firstIndex { $0 >= index * panel } ?? channels.count
            return start..<(channels[start...].firstIndex { $0 >= (index + 1) * panel } ?? channels.count)
        }
        stride = panel + RowFactor.columnStep
        scratch = .allocate(capacity: team.workerCount * rows * (channels.count + stride))
    }

    func deallocate() { scratch.deallocate() }

    /// Writes the activations of a tile.
    @inline(__always)
    func fill(_ tile: ActivationTile<Scalar>, factor: Scalar.RowFactor, worker: Int) {
        let (D, R) = (batch.channelCount, channels.count)
        let rowCount = tile.images.count &* tile.pixelCount
        let first = batch.features + tile.images.lowerBound &* tile.pixelCount &* D
        for row in 0..<rowCount {
            let (source, target) = (first + (row &* D &+ tile.channels.lowerBound), tile.values + row &* tile.stride)
            // A product has no -0.
            for channel in 0..<tile.channels.count { target[channel] = source[channel] + 0 }
        }
        let places = places[tile.channels.lowerBound / panel]
        guard !places.isEmpty else { return }
        let inputs = scratch + worker &* rows &* (R &+ stride)
        let products = inputs + rows &* R
        channels.withUnsafeBufferPointer { channels in
            for row in 0..<rowCount {
                let (source, target) = (first + row &* D, inputs + row &* R)
                for place in 0..<R { target[place] = source[channels[place]] }
            }
            // A product can only begin at some columns.
            let start = places.lowerBound / RowFactor.columnStep * RowFactor.columnStep
            Scalar.rowProduct(
                rows: rowCount, inputs, factor, columns: start..<places.upperBound, into: products, stride: stride)
            for row in 0..<rowCount {
                let (source, target) = (products + row &* stride, tile.values + row &* tile.stride)
                for place in places { target[channels[place] &- tile.channels.lowerBound] = source[place &- start] }
            }
        }
    }
}

/// The columns `channels` of a row-major matrix [., `columnCount`].
@_specialize(where Element == Float)
@_specialize(where Element == Int32)
func gatherColumns<Element>(
    _ channels: [Int], of matrix: UnsafePointer<Element>, rowCount: Int, columnCount: Int, team: WorkerTeam
) -> [Element] {
    let turnedCount = channels.count
    return [Element](unsafeUninitializedCapacity: rowCount * turnedCount) { result, count in
        count = rowCount * turnedCount
        guard let base = result.baseAddress else { return }
        nonisolated(unsafe) let (matrix, target) = (matrix, base)
        team.forEachRange(of: rowCount, length: 256) { _, rows in
            channels.withUnsafeBufferPointer { channels in
                for row in rows {
                    let source = matrix + row &* columnCount
                    for place in 0..<turnedCount {
                        (target + (row &* turnedCount &+ place)).initialize(to: source[channels[place]])
                    }
                }
            }
        }
    }
}

extension FeatureBatch {
    /// Lends the turned channels alone, [N, P, R].
    func withChannels<Result>(
        _ channels: [Int], team: WorkerTeam, _ body: (FeatureBatch) throws -> Result
    ) rethrows -> Result {
        let gathered = gatherColumns(
            channels, of: features, rowCount: imageCount * pixelCount, columnCount: channelCount, team: team)
        return try gathered.withUnsafeBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return try body(self) }
            return try body(
                FeatureBatch(
                    features: start, imageCount: imageCount, pixelCount: pixelCount, channelCount: channels.count))
        }
    }
}

extension SquareMatrix {
    /// I, or another multiple of it, with this matrix in the rows and columns `channels`.
    func embedded(in channels: [Int], of channelCount: Int, diagonal: Scalar = 1) -> SquareMatrix {
        var result = SquareMatrix(
            size: channelCount, values: Array(repeating: 0, count: channelCount * channelCount))
        result.shiftDiagonal(by: diagonal)
        for (row, channel) in channels.enumerated() {
            for (column, other) in channels.enumerated() {
                result.values[channel * channelCount + other] = values[row * size + column]
            }
        }
        return result
    }

    /// The rows and columns `channels`.
    func part(of channels: [Int]) -> SquareMatrix {
        SquareMatrix(size: channels.count, values: channels.flatMap { row in channels.map { values[row * size + $0] } })
    }

    /// The channels on which the matrix is not I, rising, if they are half of all or fewer; else nil.
    func turnedChannels() -> [Int]? {
        values.withUnsafeBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return nil }
            let rows = (0..<size).filter { row in
                guard start[row &* size &+ row] == 1 else { return true }
                var others = SIMD8<Scalar>.zero
                for columns in [0..<row, row + 1..<size] {
                    forEachVector(start + (row &* size &+ columns.lowerBound), count: columns.count) {
                        others += $0.replacing(with: -$0, where: Scalar.isLess($0, SIMD8.zero))
                    }
                }
                return others != SIMD8.zero
            }
            guard rows.count <= size / 2 else { return nil }
            // Where rows are those of I, so are columns, up to rounding.
            let others = Array(Set(0..<size).subtracting(rows))
            let isPart = rows.allSatisfy { row in others.allSatisfy { start[row &* size &+ $0] == 0 } }
            return isPart ? rows : nil
        }
    }
}
