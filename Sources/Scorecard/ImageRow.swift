import ExplanationMetrics
import MessagePassing
import Results

/// What was measured on one image: a number for each figure that is a mean over images, in a fixed order.
package struct ImageRow: Equatable, Sendable {
    package let sample: Int
    /// Not a number where the image has no part in a figure.
    package let values: [Float]

    var words: [UInt32] { [UInt32(sample), UInt32(values.count)] + values.map(\.bitPattern) }

    package init(sample: Int, values: [Float]) {
        self.sample = sample
        self.values = values
    }

    init(readingFrom reader: inout WordReader) throws {
        sample = Int(try reader.next())
        values = try reader.next(count: Int(try reader.next())).map { Float(bitPattern: $0) }
    }
}

/// How the numbers of the images become one.
package enum Reduction: String, Codable, Sendable {
    case mean
    /// The mean of the means of the classes.
    case classMean
    /// The numbers are overlaps by threshold, and what is asked for is `BoxFromMap.accuracy`.
    case boxAccuracy
    /// The numbers are two, a count and what it is of: 1 - sum of the counts / sum of what they are of.
    case pooledRemainder
    /// The numbers are the four curves of `PartInterventions.Completeness`, one after the other.
    case interventionalCompleteness
}

/// What a place in a row is.
package struct Column: Codable, Equatable, Sendable {
    package let key: ScorecardFigure.Key
    package let reduction: Reduction

    package init(key: ScorecardFigure.Key, reduction: Reduction) {
        self.key = key
        self.reduction = reduction
    }
}

/// Takes in the numbers of an image, and what they are if that is not known yet.
struct RowRecorder {
    private(set) var values: [Float] = []
    private(set) var columns: [Column]?

    init(namingColumns: Bool) { columns = namingColumns ? [] : nil }

    mutating func add(_ value: Double?, _ key: @autoclosure () -> ScorecardFigure.Key) { add(value, .mean, key()) }

    mutating func add(_ value: Double?, _ reduction: Reduction, _ key: @autoclosure () -> ScorecardFigure.Key) {
        values.append(value.map { Float($0) } ?? .nan)
        columns?.append(Column(key: key(), reduction: reduction))
    }
}

/// The rows of all images in the order of the dataset, at rank 0, and what is in them.
package struct RowTable {
    package let columns: [Column]
    package let rows: [ImageRow]

    /// Gathers the rows of all ranks. Collective; rank 0 gets the table, the others nil.
    ///
    /// - Parameter columns: of this rank's rows; nil on a rank without any.
    package static func gathered(
        _ rows: [ImageRow], columns: [Column]?, subject: String, on communicator: any Communicator
    ) throws -> RowTable? {
        let descriptions = try communicator.gather(ColumnCoding.bytes(columns ?? []), to: 0)
        let all = try communicator.gatherMessages(rows.flatMap(\.words), to: 0, of: subject) { reader in
            var rows: [ImageRow] = []
            while !reader.isAtEnd { rows.append(try ImageRow(readingFrom: &reader)) }
            return rows
        }
        return try communicator.together {
            guard communicator.rank == 0 else { return nil }
            let columns = try descriptions.map(ColumnCoding.columns).first { !$0.isEmpty } ?? []
            let rows = all.flatMap { $0 }.sorted { $0.sample < $1.sample }
            for (rank, part) in all.enumerated() {
                if let wrong = part.first(where: { $0.values.count != columns.count }) {
                    throw MessagePassingError.malformedMessage(
                        rank: rank, subject: subject,
                        problem: "image \(wrong.sample) has \(wrong.values.count) numbers of \(columns.count)")
                }
            }
            return RowTable(columns: columns, rows: rows)
        }
    }

    /// The figures, each mean summed in the order of the dataset.
    package func figures(label: (Int) -> Int) -> [ScorecardFigure] {
        var result: [ScorecardFigure] = []
        var place = 0
        while place < columns.count {
            let column = columns[place]
            switch column.reduction {
            case .mean, .classMean:
                let values = rows.compactMap { row -> (label: Int, value: Double)? in
                    row.values[place].isNaN ? nil : (label(row.sample), Double(row.values[place]))
                }
                if !values.isEmpty {
                    let summary =
                        column.reduction == .mean ? Summary.mean(values.map(\.value)) : Summary.classMean(values)
                    result.append(
                        ScorecardFigure(
                            key: column.key, value: summary.value, standardError: summary.error,
                            imageCount: values.count))
                }
                place += 1
            case .boxAccuracy:
                let count = BoxFromMap.thresholds.count
                let overlaps = rows.map { Array($0.values[place..<place + count]) }.filter { !$0[0].isNaN }
                if !overlaps.isEmpty { result += Self.boxFigures(overlaps, column.key) }
                place += count
            case .pooledRemainder:
                let counts = rows.map { (Double($0.values[place]), Double($0.values[place + 1])) }
                if let summary = Summary.pooledRemainder(counts) {
                    result.append(
                        ScorecardFigure(
                            key: column.key, value: summary.value, standardError: summary.error,
                            imageCount: counts.count { $0.1 > 0 }))
                }
                place += 2
            case .interventionalCompleteness:
                let count = PartInterventions.thresholds.count
                result += completeness(from: place, column.key)
                place += 4 * count
            }
        }
        return result
    }
}
