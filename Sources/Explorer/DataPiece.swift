import DurableFiles
import Foundation
import Results
import Tensors

/// A piece of a report that the page loads when it needs it.
struct DataPiece {
    let name: String
    /// In the page's form: keys in snake case as `--json` prints them, and nothing in it that could end a script.
    let json: String

    private static let classesPerPiece = 50
    private static let channelsPerPiece = 32
    /// Numbers of the classifier.
    private static let weightsPerPiece = 250_000
    /// Confusions that the page lists; `--json` has all.
    private static let confusionLimit = 20_000

    /// All pieces of a report: the overview, which the page begins with, and the rest.
    static func pieces(of report: ModelReport) throws -> [DataPiece] {
        let width = report.classifier.weights.values.count / max(report.classNames.count, 1)
        let rows = max(1, weightsPerPiece / max(width, 1))
        var pieces = [try DataPiece("overview", Overview(report, classifierRows: rows))]
        for (number, start) in stride(from: 0, to: report.classNames.count, by: rows).enumerated() {
            let end = min(report.classNames.count, start + rows)
            let weights = Array(report.classifier.weights.values[start * width..<end * width])
            pieces.append(try DataPiece("classifier-\(number)", PackedFloats(weights)))
        }
        for (number, classes) in grouped(report.classes, by: classesPerPiece, \.label) {
            pieces.append(try DataPiece("classes-\(number)", classes))
        }
        for (number, channels) in grouped(report.channels, by: channelsPerPiece, \.channel) {
            pieces.append(try DataPiece("channels-\(number)", channels))
        }
        for image in report.images { pieces.append(try DataPiece("image-\(image.id)", image)) }
        return pieces
    }

    private static func grouped<Record>(
        _ records: [Record], by count: Int, _ number: (Record) -> Int
    ) -> [(Int, [Record])] {
        Dictionary(grouping: records) { number($0) / count }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    private init(_ name: String, _ record: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        self.name = name
        // In JSON these characters stand in strings alone.
        json = String(decoding: try encoder.encode(record), as: UTF8.self)
            .replacingOccurrences(of: "<", with: "\\u003c")
            .replacingOccurrences(of: "\u{2028}", with: "\\u2028")
            .replacingOccurrences(of: "\u{2029}", with: "\\u2029")
    }

    /// What the first page shows, and what finds the rest.
    private struct Overview: Encodable {
        struct ClassLine: Encodable {
            let testImageCount: Int
            let correctCount: Int
        }
        struct ChannelLine: Encodable {
            let channel: Int
            let use: Float
            let label: Int?
            let example: ChannelReport.Example?
        }
        struct ImageLine: Encodable {
            let id: String
            let picture: String
            let path: String
            let label: Int?
            let predicted: Int
            let probability: Float
            let explained: Int
        }
        struct Layout: Encodable {
            let classesPerPiece = DataPiece.classesPerPiece
            let channelsPerPiece = DataPiece.channelsPerPiece
            let classifierRows: Int
        }

        let schema: String
        let checkpoint: String
        let headDigest: ContentDigest
        let backbone: String
        let classNames: [String]
        let channelCount: Int
        let featureMap: SpatialSize
        let channelNames: [Int: String]
        let sides: String
        let reading: String
        let loss: String
        let channelsPerImage: Int?
        let bias: PackedFloats?
        let classes: [ClassLine]
        let channels: [ChannelLine]
        let images: [ImageLine]
        let evaluation: EvaluationResult?
        let confusions: [ModelReport.Confusion]
        let epochs: [MetricsRecord]
        let scorecard: ScorecardResult?
        let origins: [ModelReport.Origin]
        let layout: Layout

        init(_ report: ModelReport, classifierRows: Int) {
            schema = report.schema
            checkpoint = report.checkpoint
            headDigest = report.headDigest
            backbone = report.backbone
            classNames = report.classNames
            channelCount = report.channelCount
            featureMap = report.featureMap
            channelNames = report.channelNames
            sides = report.classifier.sides
            reading = report.classifier.reading
            loss = report.classifier.loss
            channelsPerImage = report.classifier.channelsPerImage
            bias = report.classifier.bias
            classes = report.classes.map {
                ClassLine(testImageCount: $0.testImageCount, correctCount: $0.correctCount)
            }
            channels = report.channels.map {
                ChannelLine(
                    channel: $0.channel, use: $0.use, label: $0.classes.first?.label,
                    example: $0.positive.first ?? $0.negative.first)
            }
            images = report.images.map {
                ImageLine(
                    id: $0.id, picture: $0.picture, path: $0.path, label: $0.label,
                    predicted: $0.topScores[0].label, probability: $0.topScores[0].probability, explained: $0.explained)
            }
            evaluation = report.evaluation
            confusions = Array(report.confusions.prefix(DataPiece.confusionLimit))
            epochs = report.epochs
            scorecard = report.scorecard
            origins = report.origins
            layout = Layout(classifierRows: classifierRows)
        }
    }
}
