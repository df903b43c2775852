extension Head {
    /// What a class gives a channel's positive activation: A_yk, or A+_yk.
    public func positiveWeight(of channel: Int, for label: Int) -> Float {
        precondition((0..<channelCount).contains(channel), "channel \(channel) is not one of \(channelCount)")
        return classifier.weight(of: channel, for: label)
    }

    /// What a class gives a channel's negative activation: A_yk, A-_yk, or 0 where that plays no part.
    public func negativeWeight(of channel: Int, for label: Int) -> Float {
        precondition((0..<channelCount).contains(channel), "channel \(channel) is not one of \(channelCount)")
        return switch sides {
        case .tied: classifier.weight(of: channel, for: label)
        case .untied: classifier.weight(of: channelCount + channel, for: label)
        case .positive: 0
        }
    }

    /// What both sides of `channel` together add to the logit of `label` of an image. Over all channels, and with the
    /// classifier's `offset(of:)`, these add up to the logit.
    public func contribution(
        of channel: Int, to label: Int, pooled: PooledActivations, image: Int = 0
    ) -> Float {
        let valueCount = classifier.channelCount
        return stride(from: channel, to: valueCount, by: channelCount).reduce(0) {
            $0 + classifier.contribution(of: $1, to: label, pooled: pooled.values[image * valueCount + $1])
        }
    }
}
