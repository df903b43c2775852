import DisentangledHead
import Foundation
import SeededNumbers
import Tensors
import Testing

@Suite struct ClassificationLossTests {
    @Test func softmaxDoesNotOverflow() {
        #expect(softmax([1e30, 0, -1e30]) == [1, 0, 0])
        #expect(softmax([2, 2]) == [0.5, 0.5])
    }

    @Test func sigmoidsDoNotOverflowAndNeedNotAddUp() {
        let probabilities = ClassificationLoss.binaryCrossEntropy.probabilities([1e30, 0, -1e30])
        #expect(probabilities == [1, 0.5, 0])
        #expect(ClassificationLoss.crossEntropy.probabilities([2, 2]) == [0.5, 0.5])
    }

    /// ln 2 for each of three classes at logits of 0; and at (1, -2, 0.5) with the label 1
    /// ln(1 + e) + ln(1 + e^-2) + 2 + ln(1 + e^0.5).
    @Test func binaryCrossEntropyIsWhatItsFormulaSays() {
        let atZero = BatchLoss<Double>(.binaryCrossEntropy, logits: [0, 0, 0], labels: [2], classCount: 3)
        #expect(abs(atZero.lossSum - 3 * log(2)) < 1e-12)
        #expect(atZero.gradient == [0.5, 0.5, -0.5])
        let other = BatchLoss<Double>(.binaryCrossEntropy, logits: [1, -2, 0.5], labels: [1], classCount: 3)
        #expect(abs(other.lossSum - (log(1 + exp(1)) + log(1 + exp(-2)) + 2 + log(1 + exp(0.5)))) < 1e-12)
        #expect(other.correctCount == 0)
        let far = BatchLoss<Double>(.binaryCrossEntropy, logits: [-1000, 1000], labels: [1], classCount: 2)
        #expect(far.lossSum == 0 && far.gradient == [0, 0] && far.correctCount == 1)
    }

    @Test func gradientsOfTheBinaryLossMatchCentralDifferences() {
        let (labels, classCount) = ([2, 0], 4)
        let logits = normals(labels.count * classCount, seed: 3)
        let expected = centralDifferences(logits) {
            BatchLoss(.binaryCrossEntropy, logits: $0, labels: labels, classCount: classCount).lossSum
        }
        let found = BatchLoss(.binaryCrossEntropy, logits: logits, labels: labels, classCount: classCount)
        #expect(relativeDifference(found.gradient, expected) < 1e-8)
    }

    @Test func aHeadThatIsTrainedWithItSaysSoAndReachesASmallerLoss() throws {
        let team = WorkerTeam(workerCount: 2)
        let (labels, size) = ([0, 1, 2, 0], 6)
        let features = Tensor(shape: [4, 3, size], values: normals(4 * 3 * size, seed: 9).map { Float($0) })
        var trainer = try HeadTrainer(
            configuration: HeadConfiguration(hasBias: true, loss: .binaryCrossEntropy), channelCount: size,
            classCount: 3, seed: 1)
        #expect(trainer.head.loss == .binaryCrossEntropy)
        var losses: [Double] = []
        for _ in 0..<60 {
            var gradient = try trainer.gradient(
                features: features, labels: labels, sampleIDs: [0, 1, 2, 3], team: team)
            losses.append(gradient.lossSum)
            gradient.scale(by: 0.25)
            try trainer.apply(gradient, learningRate: 0.05, team: team)
        }
        #expect(losses.last! < 0.5 * losses[0])
        let restored = try HeadTrainer(configuration: trainer.configuration, seed: 1, restoring: trainer.state)
        #expect(restored.head == trainer.head)
    }
}
