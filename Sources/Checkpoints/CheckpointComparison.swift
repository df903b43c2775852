import Glibc

/// In what two checkpoints differ.
public struct CheckpointComparison: Equatable, Codable, Sendable {
    /// A value that differs; nil where one of the two does not have it.
    public struct Difference: Equatable, Codable, Sendable {
        public let name: String
        public let first: String?
        public let second: String?

        public init(name: String, first: String?, second: String?) {
            self.name = name
            self.first = first
            self.second = second
        }
    }

    /// All files are the same, byte for byte.
    public let isIdentical: Bool
    /// Step, epoch, seed, backbone, weights, input, dataset, classes, edits, names of channels.
    public let provenance: [Difference]
    /// By the path of the key, such as "training.learning_rate".
    public let configuration: [Difference]
    public let metrics: [Difference]
    /// max|U1 - U2|; nil when the shapes differ.
    public let channelMapDifference: Float?
    /// max|A1 - A2|; nil when the shapes differ.
    public let classifierDifference: Float?
    /// max|b1 - b2|; nil when the numbers of classes differ or one of the two, or both, have no bias.
    public let biasDifference: Float?
    /// Which have a bias.
    public let hasBias: [Bool]
    /// arccos(<U1, U2> / D), in degrees: 0 for equal maps, about 90 for unrelated ones; nil when the shapes differ.
    public let channelMapAngle: Double?

    /// Compares two checkpoints.
    public init(_ first: Checkpoint, _ second: Checkpoint) {
        let (one, two) = (first.state, second.state)
        isIdentical = one == two
        provenance = Self.differences(Self.provenance(one), Self.provenance(two))
        configuration = Self.differences(
            ConfigurationText.values(one.configuration), ConfigurationText.values(two.configuration))
        metrics = Self.differences(one.metrics.mapValues { "\($0)" }, two.metrics.mapValues { "\($0)" })
        channelMapDifference = Self.largestDifference(first.channelMap, second.channelMap)
        classifierDifference =
            first.channelCount == second.channelCount
            ? Self.largestDifference(first.classifier, second.classifier) : nil
        biasDifference = first.bias.flatMap { one in second.bias.flatMap { Self.largestDifference(one, $0) } }
        hasBias = [first.bias != nil, second.bias != nil]
        channelMapAngle = Self.angle(first.channelMap, second.channelMap)
    }

    private static func provenance(_ state: CheckpointState) -> [String: String] {
        let names = Dictionary(uniqueKeysWithValues: state.channelNames.map { ("name of channel \($0.key)", $0.value) })
        let edits = state.edits.isEmpty ? [:] : ["edits": state.edits.map(\.summary).joined(separator: "; then ")]
        return edits.merging(names) { own, _ in own }.merging([
            "step": "\(state.step)", "epoch": "\(state.epoch)", "seed": "\(state.seed)", "backbone": state.backbone,
            "weights": "\(state.weightDigest)", "input": state.input.text(), "dataset": "\(state.datasetFingerprint)",
            "classes": "\(state.classNames.count): " + state.classNames.joined(separator: ", "),
        ]) { own, _ in own }
    }

    private static func differences(_ first: [String: String], _ second: [String: String]) -> [Difference] {
        Set(first.keys).union(second.keys).sorted().filter { first[$0] != second[$0] }
            .map { Difference(name: $0, first: first[$0], second: second[$0]) }
    }

    private static func largestDifference(_ first: [Float], _ second: [Float]) -> Float? {
        guard first.count == second.count else { return nil }
        return zip(first, second).reduce(0) { max($0, abs($1.0 - $1.1)) }
    }

    /// From the sine of half the angle, |U1 - U2| / (2 sqrt D), which is accurate for nearly equal maps too.
    private static func angle(_ first: [Float], _ second: [Float]) -> Double? {
        guard first.count == second.count else { return nil }
        let square = zip(first, second).reduce(0.0) {
            $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1))
        }
        let channelCount = Double(first.count).squareRoot()
        return 2 * asin(min(1, (square / channelCount).squareRoot() / 2)) * 180 / .pi
    }
}
