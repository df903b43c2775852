import Datasets
public import DisentangledHead
import ExplanationMetrics
public import FeatureCache
import Inference
public import MessagePassing
public import Results
public import RunControl
public import Tensors

/// Evaluates heads on cached features: deterministic pooling, the plain view of each image, every image once.
///
/// Several ranks share out the images; the results are those of one.
public enum HeadEvaluation {
    /// Counts the correctly classified images of a split. Collective; all ranks get the counts.
    public static func score(
        _ head: Head, cache: FeatureCache, split: Split, team: WorkerTeam,
        communicator: any Communicator = SingleProcess()
    ) throws -> ClassificationScore {
        let counts = try communicator.sumTogether(count: ClassificationScore.countCount) {
            var score = ClassificationScore()
            try cache.forEachBatch(of: cache.share(of: split.rawValue, on: communicator)) { samples, features in
                let result = try head.forward(features, team: team)
                for (row, sample) in samples.enumerated() {
                    score.count(logits: result.logits(ofImage: row), label: cache.samples.label(of: sample))
                }
                communicator.activity.progress()
            }
            return score.counts
        }
        return ClassificationScore(counts: counts)
    }

    /// The predictions for all images of a split, in the dataset's order. Collective; rank 0 gets them, the others get an
    /// empty array.
    public static func predictions(
        _ head: Head, cache: FeatureCache, split: Split, team: WorkerTeam,
        communicator: any Communicator = SingleProcess(), progress: @escaping ProgressHandler = { _ in }
    ) throws -> [Prediction] {
        let total = cache.indices(of: split.rawValue).count
        var records: [PredictionRecord] = []
        try communicator.together {
            let share = cache.share(of: split.rawValue, on: communicator)
            try cache.forEachBatch(of: share) { samples, features in
                let result = try head.forward(features, team: team)
                for (row, sample) in samples.enumerated() {
                    records.append(PredictionRecord(result, row: row, head: head, sample: sample))
                }
                communicator.activity.progress()
                progress(
                    .init(
                        activity: "evaluate", completed: total * records.count / share.count, total: total,
                        unit: "images"))
            }
        }
        // Sample indices are in the dataset's order, whoever had the sample.
        return try communicator.gatherMessages(records.flatMap(\.words), to: 0, of: "predictions") { reader in
            var records: [PredictionRecord] = []
            while !reader.isAtEnd { records.append(try PredictionRecord(readingFrom: &reader)) }
            return records
        }
        .flatMap { $0 }.sorted { $0.sample < $1.sample }
        .map { record in
            let sample = cache.samples[record.sample]
            return Prediction(
                path: sample.path, label: sample.label, topClasses: record.topClasses,
                probability: record.probability, explanationSize: record.explanationSize,
                topTenShare: record.topTenShare)
        }
    }
}

/// A prediction on its way to rank 0.
private struct PredictionRecord {
    /// Index in the cache.
    let sample: Int
    let topClasses: [Int]
    let probability: Float
    let explanationSize: Int
    let topTenShare: Float

    init(_ result: HeadForward, row: Int, head: Head, sample: Int) {
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
    var words: [UInt32] {
        [
            UInt32(sample), probability.bitPattern, UInt32(explanationSize), topTenShare.bitPattern,
            UInt32(topClasses.count),
        ]
            + topClasses.map { UInt32($0) }
    }

    init(readingFrom reader: inout WordReader) throws {
        sample = Int(try reader.next())
        probability = Float(bitPattern: try reader.next())
        explanationSize = Int(try reader.next())
        topTenShare = Float(bitPattern: try reader.next())
        topClasses = try reader.next(count: Int(try reader.next())).map { Int($0) }
    }
}
