import Checkpoints
import CounterRandom
import DurableFiles
import Foundation
import StrictJSON
import SystemPackage

/// A small head that is sound, made from a seed.
struct HeadFixture {
    var channelCount = 12
    var classNames = ["crane", "gull", "Ärger \"q\"\n", "tern", "wren"]
    var channelMap: [Float]
    var classifier: [Float]
    var bias: [Float]?
    var mask: [Bool]?

    init(channelCount: Int = 12, seed: UInt64 = 1) {
        self.channelCount = channelCount
        var random = RandomStream(seed: seed, purpose: .test)
        channelMap = Self.orthogonal(channelCount, using: &random)
        classifier = (0..<5 * channelCount).map { _ in random.uniform() < 0.3 ? 0 : Float(random.uniform()) }
    }

    /// A product of Givens rotations in every plane (i, i + 1), in Double.
    static func orthogonal(_ side: Int, using random: inout RandomStream) -> [Float] {
        var matrix = (0..<side * side).map { $0 / side == $0 % side ? 1.0 : 0.0 }
        for round in 0..<3 {
            for row in 0..<side - 1 {
                let angle = random.uniform(in: -3...3) + Double(round)
                let (cosine, sine) = (cosineOf(angle), cosineOf(angle - .pi / 2))
                for column in 0..<side {
                    let (upper, lower) = (matrix[row * side + column], matrix[(row + 1) * side + column])
                    matrix[row * side + column] = cosine * upper - sine * lower
                    matrix[(row + 1) * side + column] = sine * upper + cosine * lower
                }
            }
        }
        return matrix.map { Float($0) }
    }

    func state(step: Int) -> CheckpointState {
        CheckpointState(
            step: step, epoch: step / 10, seed: .max - 1,
            configuration: "run:\n  seed: 7\nhead:\n  pooling: argmax\n  list: [1, 2]\n", classNames: classNames,
            backbone: "resnet18", weightDigest: ContentDigest(of: "weights"),
            input: .object(["resize": .integer(256), "mean": .array([.number(0.485), .integer(1)])]),
            datasetFingerprint: ContentDigest(of: "dataset"),
            metrics: ["accuracy": 0.1 + 0.2, "loss": 5, "tiny": 1e-9])
    }

    var optimizer: [OptimizerTensor] {
        [
            OptimizerTensor(name: "second", shape: [2, 2], elements: [1, 2, 3, 4]),
            OptimizerTensor(name: "first", shape: [3], elements: [0, -0.0, 1e-38]),
            OptimizerTensor(name: "count", shape: [], elements: [7]),
        ]
    }

    @discardableResult
    func save(step: Int, in store: CheckpointStore) throws -> FilePath {
        try store.save(
            state(step: step), channelMap: channelMap, classifier: classifier, bias: bias, mask: mask,
            optimizer: optimizer)
    }
}

private func cosineOf(_ angle: Double) -> Double { cos(angle) }
