import Attribution
import CounterRandom
import DisentangledHead
import Tensors

/// Models with the same kind of parameters in a random order: what explains the parameters must look different on them
/// (Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS 2018).
package enum Shuffling {
    static let formula = "adebayo:spearman"

    /// The second number of streams; the first is the class, the channel or the round.
    private enum Use: Int {
        case headWeights = 0xFF_0001
        case blackBoxWeights, rotation
    }

    /// The classifier's weights of each class among its channels in a random order.
    static func classifier(_ classifier: MeanClassifier, seed: UInt64) throws -> MeanClassifier {
        let own = classifier.classifier
        let weights = shuffled(own, seed: seed, .blackBoxWeights)
        return MeanClassifier(
            try Classifier(
                weights: weights, bias: own.bias, signs: .any, classCount: own.classCount,
                channelCount: own.channelCount),
            normalisationEpsilon: classifier.normalisationEpsilon)
    }

    /// The same of a head, whose channel map is turned by a random orthogonal matrix besides.
    package static func head(_ head: Head, seed: UInt64) throws -> Head {
        let own = head.classifier
        let classifier = try Classifier(
            weights: shuffled(own, seed: seed, .headWeights), bias: own.bias, signs: .any, classCount: own.classCount,
            channelCount: own.channelCount)
        return try head.replacing(
            channelMap: rotated(head.channelMap, size: head.channelCount, seed: seed), classifier: classifier)
    }

    private static func shuffled(_ classifier: Classifier, seed: UInt64, _ use: Use) -> [Float] {
        (0..<classifier.classCount).flatMap { label in
            var stream = RandomStream(seed: seed, purpose: .attribution, label, use.rawValue)
            return stream.shuffled(classifier.weights(of: label))
        }
    }

    /// A matrix whose rows were turned against each other: in each of 2 log2 D rounds all rows are paired at random and each pair
    /// turned by a random angle, so that every row becomes a mixture of all. Orthogonal if the matrix was; D^2 log D.
    static func rotated(_ matrix: [Float], size: Int, seed: UInt64) -> [Float] {
        var rows = (0..<size).map { row in matrix[row * size..<(row + 1) * size].map(Double.init) }
        let rounds = 2 * max(1, Int.bitWidth - (size - 1).leadingZeroBitCount)
        for round in 0..<rounds {
            var stream = RandomStream(seed: seed, purpose: .attribution, round, Use.rotation.rawValue)
            let order = stream.shuffled(0..<size)
            for pair in 0..<size / 2 {
                let (first, second) = (order[2 * pair], order[2 * pair + 1])
                // A direction that is uniform on the circle, without sine and cosine.
                let (x, y) = (stream.normal(), stream.normal())
                let length = (x * x + y * y).squareRoot()
                guard length > 0 else { continue }
                let (cosine, sine) = (x / length, y / length)
                for column in 0..<size {
                    let (a, b) = (rows[first][column], rows[second][column])
                    rows[first][column] = cosine * a - sine * b
                    rows[second][column] = sine * a + cosine * b
                }
            }
        }
        return rows.flatMap { $0.map { Float($0) } }
    }
}
