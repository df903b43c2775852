package import DisentangledHead
import ExplanationMetrics
import Inference
package import MessagePassing
package import Results

/// A prediction on its way to rank 0.
package struct PredictionRecord: Sendable {
    /// Index of the sample, in the dataset's order.
    package let sample: Int
    let topClasses: [Int]
    let probability: Float
    let explanationSize: Int
    let topTenShare: Float

    /// - Parameter row: of the image, among those of `result`.
    package init(_ result: HeadForward, row: Int, head: Head, sample: Int) {
        self.sample = sample
        let logits = result.logits(ofImage: row)
        topClasses = Ranking.top(5, of: logits)
        let predicted = topClasses[0]
        probability = head.loss.probabilities(logits)[predicted]
        let contributions = (0..<head.channelCount).map {
            head.contribution(of: $0, to: predicted, pooled: result.pooled, image: row)
        }
        explanationSize = ExplanationSize.count(of: contributions)
        topTenShare = Float(EvidenceShare.share(of: contributions))
    }

    /// Sample, bits of the probability, explanation size, bits of the share, number of classes, classes.
    private var words: [UInt32] {
        [
            UInt32(sample), probability.bitPattern, UInt32(explanationSize), topTenShare.bitPattern,
            UInt32(topClasses.count),
        ]
            + topClasses.map { UInt32($0) }
    }

    private init(readingFrom reader: inout WordReader) throws {
        sample = Int(try reader.next())
        probability = Float(bitPattern: try reader.next())
        explanationSize = Int(try reader.next())
        topTenShare = Float(bitPattern: try reader.next())
        topClasses = try reader.next(count: Int(try reader.next())).map { Int($0) }
    }

    /// The records of all ranks in the order of their samples at rank 0; none elsewhere. Collective.
    package static func gather(
        _ records: [PredictionRecord], on communicator: any Communicator
    ) throws -> [PredictionRecord] {
        try communicator.gatherMessages(records.flatMap(\.words), to: 0, of: "predictions") { reader in
            var records: [PredictionRecord] = []
            while !reader.isAtEnd { records.append(try PredictionRecord(readingFrom: &reader)) }
            return records
        }
        .flatMap { $0 }.sorted { $0.sample < $1.sample }
    }

    /// What was predicted for the sample with this path and label.
    package func prediction(path: String, label: Int) -> Prediction {
        Prediction(
            path: path, label: label, topClasses: topClasses, probability: probability,
            explanationSize: explanationSize, topTenShare: topTenShare)
    }
}
