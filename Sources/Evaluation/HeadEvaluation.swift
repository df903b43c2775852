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
        return try PredictionRecord.gather(records, on: communicator).map { record in
            let sample = cache.samples[record.sample]
            return record.prediction(path: sample.path, label: sample.label)
        }
    }
}
