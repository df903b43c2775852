import DisentangledHead
import SeededNumbers
import Testing

@Suite("Softmax regression") struct SoftmaxRegressionTests {
    @Test("Loss, gradient and counts are those of the cross-entropy in double precision", arguments: [1, 7, 8, 21])
    func crossEntropy(classCount: Int) {
        let rowCount = 40
        let stride = SoftmaxRegression.logitStride(classCount: classCount)
        let labels = randomLabels(rowCount, classCount: classCount, seed: 1)
        let logits = normals(rowCount * classCount, seed: 2).map { Float(8 * $0) }
        let bias = normals(classCount, seed: 3).map { Float($0) }
        // What lies between the rows must not count.
        var padded = [Float](repeating: .nan, count: rowCount * stride)
        for row in 0..<rowCount {
            for index in 0..<classCount { padded[row * stride + index] = logits[row * classCount + index] }
        }
        let sums = SoftmaxRegression.replaceByGradient(
            &padded, labels: labels[...], bias: bias + [Float](repeating: 0, count: stride - classCount),
            classCount: classCount)

        let expected = BatchLoss<Double>(
            logits: logits.indices.map { Double(logits[$0] + bias[$0 % classCount]) }, labels: labels,
            classCount: classCount)
        #expect(abs(sums.loss - expected.lossSum) < 1e-5 * max(1, expected.lossSum))
        #expect(sums.correctCount == expected.correctCount)
        var doubt = 0.0
        for row in 0..<rowCount {
            var squares = 0.0
            for index in 0..<classCount {
                let gradient = expected.gradient[row * classCount + index]
                #expect(abs(Double(padded[row * stride + index]) - gradient) < 1e-6)
                let probability = gradient + (index == labels[row] ? 1 : 0)
                squares += probability * probability
            }
            doubt += 1 - squares
        }
        #expect(abs(sums.doubt - doubt) < 1e-5 * Double(rowCount))
    }

    @Test("Equal logits rank by class")
    func ties() {
        for (label, isFirst) in [(0, true), (3, false)] {
            var logits = [Float](repeating: 2, count: 8)
            let sums = SoftmaxRegression.replaceByGradient(
                &logits, labels: [label], bias: [Float](repeating: 0, count: 8), classCount: 5)
            #expect(sums.correctCount == (isFirst ? 1 : 0))
        }
    }

    @Test("A logit that is not a number, or is infinite, makes the loss not a number", arguments: [0, 4, 9])
    func faults(place: Int) {
        for fault in [Float.nan, .infinity, -.nan] {
            var logits = [Float](repeating: 1, count: 16)
            logits[place] = fault
            let sums = SoftmaxRegression.replaceByGradient(
                &logits, labels: [2], bias: [Float](repeating: 0, count: 16), classCount: 10)
            #expect(sums.loss.isNaN && sums.correctCount == 0)
        }
    }
}
