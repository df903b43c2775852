import Results

/// The test images by class: how many are recognised, what the others are taken for, and which are the easiest and hardest.
struct TestExamples {
    struct Entry {
        /// The number of the sample in the dataset.
        let sample: Int
        let prediction: Prediction

        /// High where the image is taken for its class, and low where it is taken for another, for sure.
        var confidence: Float {
            prediction.topClasses[0] == prediction.label ? prediction.probability : -prediction.probability
        }
    }

    struct OfClass {
        var count = 0
        var correctCount = 0
        var strongest: [Entry] = []
        var typical: [Entry] = []
        var weakest: [Entry] = []
    }

    private let classes: [OfClass]
    /// The most frequent first; of equal ones by label.
    let confusions: [ModelReport.Confusion]

    /// - Parameters:
    ///   - numbers: of the samples, in the order of the predictions.
    ///   - count: examples of each kind.
    init(_ predictions: [Prediction], numbers: [Int], classCount: Int, count: Int) {
        precondition(predictions.count == numbers.count, "\(predictions.count) predictions of \(numbers.count) images")
        var entries = [[Entry]](repeating: [], count: classCount)
        var confused: [[Int]: Int] = [:]
        for (sample, prediction) in zip(numbers, predictions) {
            entries[prediction.label].append(Entry(sample: sample, prediction: prediction))
            if prediction.topClasses[0] != prediction.label {
                confused[[prediction.label, prediction.topClasses[0]], default: 0] += 1
            }
        }
        classes = entries.map { entries in
            let order = entries.sorted { ($0.confidence, $1.sample) > ($1.confidence, $0.sample) }
            // An image is an example of one kind, the middle ones last.
            let ends = min(count, (order.count + 1) / 2)
            let lowest = min(count, order.count - ends)
            let middle = order.dropFirst(ends).dropLast(lowest)
            let typical = min(count, middle.count)
            return OfClass(
                count: entries.count, correctCount: entries.count { $0.confidence > 0 },
                strongest: Array(order.prefix(ends)),
                typical: Array(middle.dropFirst((middle.count - typical) / 2).prefix(typical)),
                weakest: Array(order.suffix(lowest).reversed()))
        }
        confusions = confused.map { ModelReport.Confusion(label: $0.key[0], predicted: $0.key[1], count: $0.value) }
            .sorted { ($1.count, $0.label, $0.predicted) < ($0.count, $1.label, $1.predicted) }
    }

    func ofClass(_ label: Int) -> OfClass { classes[label] }

    var samples: [Int] { classes.flatMap { ($0.strongest + $0.typical + $0.weakest).map(\.sample) } }
}
