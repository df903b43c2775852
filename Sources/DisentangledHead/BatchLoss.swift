/// The loss of a batch, summed over its images, with its gradient.
package struct BatchLoss<Scalar: HeadScalar>: Sendable {
    package var lossSum = 0.0
    /// Images whose largest logit is the label's; ties go to the lowest class.
    package var correctCount = 0
    /// dL/dlogits [N, C].
    package var gradient: [Scalar] = []

    /// - Parameters:
    ///   - logits: [N, C].
    ///   - labels: [N], each in 0..<`classCount`.
    ///
    /// Exponentials and sums are in double precision, in the order of the images.
    package init(_ loss: ClassificationLoss = .crossEntropy, logits: [Scalar], labels: [Int], classCount: Int) {
        precondition(
            logits.count == labels.count * classCount, "\(logits.count) logits of \(labels.count) x \(classCount)")
        precondition(labels.allSatisfy { 0..<classCount ~= $0 }, "a label is not one of \(classCount) classes")
        gradient.reserveCapacity(logits.count)
        for (image, label) in labels.enumerated() {
            let row = logits[image * classCount..<(image + 1) * classCount]
            var largest = row.startIndex
            for index in row.indices where row[index] > row[largest] { largest = index }
            if largest - row.startIndex == label { correctCount += 1 }
            switch loss {
            case .crossEntropy: addSoftmax(row, label: label, peak: Double(row[largest]))
            case .binaryCrossEntropy: addSigmoids(row, label: label)
            }
        }
    }

    /// ln sum_c exp(z_c) - z_label; softmax(z) - onehot(label).
    private mutating func addSoftmax(_ row: ArraySlice<Scalar>, label: Int, peak: Double) {
        var exponentials = row.map { Double($0) - peak }
        exponentiate(&exponentials)
        let total = exponentials.reduce(0, +)
        lossSum += logarithm(total) - (Double(row[row.startIndex + label]) - peak)
        for (index, value) in exponentials.enumerated() {
            gradient.append(Scalar(value / total - (index == label ? 1 : 0)))
        }
    }

    /// sum_c ln(1 + exp(z_c)) - z_label; sigmoid(z) - onehot(label).
    private mutating func addSigmoids(_ row: ArraySlice<Scalar>, label: Int) {
        for (index, logit) in row.enumerated() {
            let logit = Double(logit)
            let target = index == label ? 1.0 : 0
            lossSum += max(logit, 0) + logarithm(1 + exponential(-abs(logit))) - target * logit
            gradient.append(Scalar(sigmoid(logit) - target))
        }
    }
}
