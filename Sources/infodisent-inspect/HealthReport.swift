import Checkpoints
import StrictJSON

/// How a head is.
struct HealthReport {
    let health: CheckpointHealth

    init(_ health: CheckpointHealth) {
        self.health = health
    }

    var text: String {
        var lines = AlignedText()
        lines.add("channels", health.channelCount)
        lines.add(
            "max|U^T U - I|", "\(short(health.orthogonalityError)) (at most \(short(Checkpoint.orthogonalityLimit)))")
        lines.add("smallest weight", short(Double(health.smallestWeight)))
        lines.add(
            "exact zeros",
            "\(short(100 * health.zeroShare)) % of \(health.classCount) x \(health.weightsPerClass) weights")
        let dead = health.deadChannels
        lines.add("dead channels", dead.isEmpty ? "none" : "\(dead.count), which no class uses: \(listed(dead))")
        let duplicates = health.duplicateChannels
        lines.add(
            "duplicate channels",
            duplicates.isEmpty
                ? "none" : "\(duplicates.count), used by the classes as another is: \(listed(duplicates))")
        for pair in health.duplicatePairs {
            lines.add("", "\(pair.first) and \(pair.second), cosine \(pair.cosine)")
        }
        lines.add("channels per class", summary(health.channelsPerClass))
        lines.add("effective channels", summary(health.effectiveChannelsPerClass) + " (exp of the entropy)")
        if let kept = health.keptPerClass { lines.add("kept per class", summary(kept) + " (by the mask)") }
        if let bias = health.bias { lines.add("bias of the classes", summary(bias)) }
        return """
            health
            \(lines.text(indent: 2))

            Duplicates are columns of the classifier with a cosine above \(CheckpointHealth.duplicateCosine); rows of the \
            channel map are orthogonal and
            cannot be alike. A class uses a channel whose weight is above \(CheckpointHealth.usedFraction) of its largest.
            """
    }

    private func summary(_ summary: CheckpointHealth.Summary) -> String {
        "min \(short(summary.minimum)), median \(short(summary.median)), max \(short(summary.maximum))"
    }

    var json: JSONValue {
        func json(_ summary: CheckpointHealth.Summary) -> JSONValue {
            .object([
                "minimum": .number(summary.minimum), "median": .number(summary.median),
                "maximum": .number(summary.maximum),
            ])
        }
        return .object([
            "channel_count": .integer(health.channelCount), "class_count": .integer(health.classCount),
            "orthogonality_error": .number(health.orthogonalityError),
            "orthogonality_limit": .number(Checkpoint.orthogonalityLimit),
            "smallest_weight": .number(Double(health.smallestWeight)), "zero_share": .number(health.zeroShare),
            "dead_channels": .array(health.deadChannels.map { .integer($0) }),
            "duplicate_channels": .array(health.duplicateChannels.map { .integer($0) }),
            "duplicate_pairs": .array(
                health.duplicatePairs.map {
                    .object(["first": .integer($0.first), "second": .integer($0.second), "cosine": .number($0.cosine)])
                }),
            "channels_per_class": json(health.channelsPerClass),
            "effective_channels_per_class": json(health.effectiveChannelsPerClass),
            "bias": health.bias.map(json) ?? .null, "kept_per_class": health.keptPerClass.map(json) ?? .null,
        ])
    }
}
