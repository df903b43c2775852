import MessagePassing
import Tensors

/// Goes through the rows of a rank, shard by shard and a block at a time, standardised if there is something to standardise by.
struct RowPasses: Sendable {
    /// The largest number of rows in a block: that of the terms which a product adds up at once.
    static let blockLength = 256

    let rows: FeatureRows
    let team: WorkerTeam
    let activity: Activity
    let communicator: any Communicator
    /// z = (x - mean) * factor.
    private let standardisation: (mean: [Float], factor: [Float])?

    init(
        rows: FeatureRows, team: WorkerTeam, communicator: any Communicator,
        standardisation: (mean: [Float], factor: [Float])? = nil
    ) {
        self.rows = rows
        self.team = team
        self.communicator = communicator
        activity = communicator.activity
        self.standardisation = standardisation
    }

    func standardising(mean: [Float], factor: [Float]) -> RowPasses {
        RowPasses(rows: rows, team: team, communicator: communicator, standardisation: (mean, factor))
    }

    /// What `body` makes of each shard of this rank, with a team to do it.
    func map<Result: Sendable>(
        _ body: @Sendable (FeatureRows.Shard, WorkerTeam) throws -> Result
    ) throws -> [Result] {
        let (outer, inner) = team.sharing(rows.shards.count)
        return try outer.map(rows.shards.count) { _, index in try body(rows.shards[index], inner) }
    }

    /// Calls `body` for every 256 rows of a shard with those whose sample `isIncluded`, if there are any: [n, D], and their
    /// samples.
    func forEachBlock(
        of shard: FeatureRows.Shard, _ isIncluded: (Int) -> Bool = { _ in true },
        _ body: (_ block: UnsafePointer<Float>, _ samples: [Int]) throws -> Void
    ) throws {
        let width = rows.width
        let buffer = UnsafeMutablePointer<Float>.allocate(capacity: Self.blockLength * width)
        defer { buffer.deallocate() }
        for start in stride(from: 0, to: shard.samples.count, by: Self.blockLength) {
            let range = start..<min(shard.samples.count, start + Self.blockLength)
            let samples = shard.samples[range].filter(isIncluded)
            guard !samples.isEmpty else { continue }
            try rows.read(shard.firstRow + range.lowerBound..<shard.firstRow + range.upperBound, into: buffer)
            var kept = 0
            for row in range where isIncluded(shard.samples[row]) {
                move(buffer + (row - start) * width, to: buffer + kept * width)
                kept += 1
            }
            try body(UnsafePointer(buffer), samples)
            activity.progress()
        }
    }

    /// Standardises a row on its way to a place at or before its own.
    private func move(_ source: UnsafeMutablePointer<Float>, to target: UnsafeMutablePointer<Float>) {
        guard let standardisation else {
            if source != target { target.update(from: source, count: rows.width) }
            return
        }
        standardisation.mean.withUnsafeBufferPointer { mean in
            standardisation.factor.withUnsafeBufferPointer { factor in
                for column in 0..<rows.width { target[column] = (source[column] - mean[column]) * factor[column] }
            }
        }
    }
}
