import Tensors

/// Softmax regression on rows of features: what a classifier outside of the head needs of the head's mathematics, in Float.
///
/// The head's own code is generic over its precision, and generic code is only fast where it is specialised: in this target.
package enum SoftmaxRegression {
    /// Cross-entropy of a batch, summed, and the rows whose largest logit is their label's.
    package struct Loss: Sendable {
        package let lossSum: Double
        package let correctCount: Int
        /// softmax(logits) - onehot(label), [N, C].
        package let gradient: [Float]
    }

    /// The loss of logits [N, C]; `labels` [N] are in 0..<`classCount`.
    package static func loss(logits: [Float], labels: [Int], classCount: Int) -> Loss {
        let loss = SoftmaxCrossEntropy<Float>(logits: logits, labels: labels, classCount: classCount)
        return Loss(lossSum: loss.lossSum, correctCount: loss.correctCount, gradient: loss.gradient)
    }

    /// Logits [N, C] of rows [N, D] with weights [C, D], without a bias.
    package static func logits(
        rows: [Float], weights: [Float], rowCount: Int, channelCount: Int, classCount: Int, team: WorkerTeam
    ) -> [Float] {
        ClassifierProducts.logits(
            pooled: rows, classifier: weights, imageCount: rowCount, channelCount: channelCount,
            classCount: classCount, team: team)
    }

    /// The gradient with respect to the weights [C, D], given that with respect to the logits.
    package static func weightGradient(
        ofLogits: [Float], rows: [Float], rowCount: Int, channelCount: Int, classCount: Int, team: WorkerTeam
    ) -> [Float] {
        ClassifierProducts.gradient(
            ofLogits: ofLogits, pooled: rows, imageCount: rowCount, channelCount: channelCount, classCount: classCount,
            team: team)
    }

    /// Whether every element is finite.
    package static func isFinite(_ values: [Float], team: WorkerTeam) -> Bool { areFinite(values, team: team) }

    /// The scalar product of two vectors of one length, in a fixed order.
    package static func scalarProduct(_ a: [Double], _ b: [Double]) -> Double {
        precondition(a.count == b.count, "vectors of \(a.count) and \(b.count) elements")
        return dotProduct(a, b, count: a.count)
    }
}
