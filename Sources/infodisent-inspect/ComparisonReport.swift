import Checkpoints
import PrintableText
import StrictJSON

/// In what two checkpoints differ.
struct ComparisonReport {
    let first: Checkpoint
    let second: Checkpoint
    let comparison: CheckpointComparison

    init(_ first: Checkpoint, _ second: Checkpoint) {
        self.first = first
        self.second = second
        comparison = CheckpointComparison(first, second)
    }

    var text: String {
        var head = AlignedText()
        head.add("first", first.directory.string)
        head.add("second", second.directory.string)
        head.add("bit-identical", comparison.isIdentical ? "yes" : "no")
        guard !comparison.isIdentical else { return head.text() }
        var tensors = AlignedText()
        tensors.add("max|U1 - U2|", comparison.channelMapDifference.map { short(Double($0)) } ?? "the shapes differ")
        tensors.add("max|A1 - A2|", comparison.classifierDifference.map { short(Double($0)) } ?? "the shapes differ")
        if comparison.hasBias != [false, false] {
            tensors.add(
                "max|b1 - b2|",
                comparison.biasDifference.map { short(Double($0)) }
                    ?? (comparison.hasBias == [true, true]
                        ? "the shapes differ" : "only the \(comparison.hasBias[0] ? "first" : "second") has a bias"))
        }
        tensors.add("angle of maps", comparison.channelMapAngle.map { "\(short($0)) degrees" } ?? "the shapes differ")
        return """
            \(head.text())

            tensors
            \(tensors.text(indent: 2))
            """ + text("provenance", comparison.provenance) + text("configuration", comparison.configuration)
                + text("metrics", comparison.metrics)
    }

    private func text(_ title: String, _ differences: [CheckpointComparison.Difference]) -> String {
        guard !differences.isEmpty else { return "\n\n\(title)\n  equal" }
        var lines = AlignedText()
        for difference in differences {
            let (first, second) = (difference.first?.printable, difference.second?.printable)
            lines.add(difference.name, "\(first ?? "(none)") -> \(second ?? "(none)")")
        }
        return "\n\n\(title)\n" + lines.text(indent: 2)
    }

    var json: JSONValue {
        func json(_ differences: [CheckpointComparison.Difference]) -> JSONValue {
            .array(
                differences.map {
                    .object([
                        "name": .string($0.name), "first": $0.first.map { .string($0) } ?? .null,
                        "second": $0.second.map { .string($0) } ?? .null,
                    ])
                })
        }
        func json(_ value: Float?) -> JSONValue { value.map { .number(Double($0)) } ?? .null }
        return .object([
            "first": .string(first.directory.string), "second": .string(second.directory.string),
            "identical": .bool(comparison.isIdentical), "provenance": json(comparison.provenance),
            "configuration": json(comparison.configuration), "metrics": json(comparison.metrics),
            "channel_map_difference": json(comparison.channelMapDifference),
            "classifier_difference": json(comparison.classifierDifference),
            "bias_difference": json(comparison.biasDifference),
            "channel_map_angle_degrees": comparison.channelMapAngle.map { .number($0) } ?? .null,
        ])
    }
}
