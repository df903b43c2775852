/// The loss of a batch, summed over its images, with its gradient.
package struct SoftmaxCrossEntropy<Scalar: HeadScalar>: Sendable {
    /// sum over images of ln sum_c exp(logit_c) - logit_label.
    package var lossSum = 0.0
    /// Images whose largest logit is the label's; ties go to the lowest class.
    package var correctCount = 0
    /// g = softmax(logits) - onehot(label), [N, C].
    package var gradient: [Scalar] = []

    /// - Parameters:
    ///   - logits: [N, C].
    ///   - labels: [N], each in 0..<`classCount`.
    ///
    /// Exponentials and sums are in double precision, in the order of the images.
    package init(logits: [Scalar], labels: [Int], classCount: Int) {
        precondition(
            logits.count == labels.count * classCount, "\(logits.count) logits of \(labels.count) x \(classCount)")
        precondition(labels.allSatisfy { 0..<classCount ~= $0 }, "a label is not one of \(classCount) classes")
        gradient.reserveCapacity(logits.count)
        for (image, label) in labels.enumerated() {
            let row = logits[image * classCount..<(image + 1) * classCount]
            var largest = row.startIndex
            for index in row.indices where row[index] > row[largest] { largest = index }
            if largest - row.startIndex == label { correctCount += 1 }
            let peak = Double(row[largest])
            let exponentials = row.map { exponential(Double($0) - peak) }
            let total = exponentials.reduce(0, +)
            lossSum += logarithm(total) - (Double(row[row.startIndex + label]) - peak)
            for (index, value) in exponentials.enumerated() {
                gradient.append(Scalar(value / total - (index == label ? 1 : 0)))
            }
        }
    }
}
