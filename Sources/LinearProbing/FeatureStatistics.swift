import DisentangledHead
import MessagePassing
import Tensors

/// Mean, deviation and covariance of the rows of all ranks, the same bits on any number of them.
struct FeatureStatistics {
    /// [D].
    let mean, deviation: [Float]
    /// Of the standardised rows, [D, D].
    let covariance: [Float]
    /// Passes that standardise.
    let standardisingPasses: RowPasses

    /// Deviations below this part of the mean are rounding: the feature is constant, stays 0 after centring and says nothing.
    private static let smallestDeviation: Float = 1e-6

    /// Rows of the covariance that are computed together, so that the shards of a rank need little memory for theirs.
    private static let bandLength = 256

    /// Collective. `count` is the number of rows of all ranks.
    /// - Throws: on all ranks, `HeadError.notFinite` or what reading throws.
    init(of passes: RowPasses, count: Int) throws {
        let width = passes.rows.width
        func mean(_ passes: RowPasses, _ term: @Sendable (Float, Int) -> Double) throws -> [Float] {
            let leaves = try passes.communicator.together {
                try passes.map { shard, _ in
                    var sums = [Double](repeating: 0, count: width)
                    try passes.forEachBlock(of: shard) { block, samples in
                        for row in 0..<samples.count {
                            for column in 0..<width { sums[column] += term(block[row * width + column], column) }
                        }
                    }
                    let values = sums.map { Float($0 / Double(count)) }
                    guard values.allSatisfy(\.isFinite) else {
                        throw HeadError.notFinite(tensor: "features", step: nil)
                    }
                    return (shard: shard.number, values: values)
                }
            }
            return try ExactReduction.sum(
                leaves, elementCount: width, leafCount: passes.rows.shardCount, over: passes.communicator)
        }
        let centre = try mean(passes) { value, _ in Double(value) }
        let variance = try mean(passes) { value, column in
            let difference = Double(value) - Double(centre[column])
            return difference * difference
        }
        let deviation = zip(variance, centre).map { variance, centre in
            let deviation = variance.squareRoot()
            return deviation > Self.smallestDeviation * abs(centre) ? deviation : 1
        }
        let standardising = passes.standardising(mean: centre, factor: deviation.map { 1 / $0 })
        var covariance: [Float] = []
        for first in stride(from: 0, to: width, by: Self.bandLength) {
            let band = first..<min(width, first + Self.bandLength)
            covariance += try Self.band(band, of: standardising)
        }
        (self.mean, self.deviation) = (centre, deviation)
        self.covariance = covariance.map { $0 / Float(count) }
        standardisingPasses = standardising
    }

    /// Some rows of the sum of x x^T.
    private static func band(_ band: Range<Int>, of passes: RowPasses) throws -> [Float] {
        let width = passes.rows.width
        let leaves = try passes.communicator.together {
            try passes.map { shard, team in
                var products = [Float](repeating: 0, count: band.count * width)
                try passes.forEachBlock(of: shard) { block, samples in
                    products.withUnsafeMutableBufferPointer { products in
                        multiply(
                            rows: band.count, columns: width, depth: samples.count, block + band.lowerBound,
                            stride: width,
                            .transposed, block, stride: width, .asStored, beta: 1, into: products.baseAddress!,
                            stride: width, team: team)
                    }
                }
                return (shard: shard.number, values: products)
            }
        }
        return try ExactReduction.sum(
            leaves, elementCount: band.count * width, leafCount: passes.rows.shardCount, over: passes.communicator)
    }
}
