import DisentangledHead
public import Inference
import Results

extension ChannelUse {
    /// Classes that are named for a channel, at most.
    private static let namedClassCount = 4

    /// How the model's classifier uses each channel, by channel. Where each side has a weight of its own, both count.
    public static func ofAllChannels(_ model: TrainedModel) -> [ChannelUse] {
        let head = model.head
        return (0..<head.channelCount).map { channel in
            let weights = (0..<head.classCount).map { label in
                head.positiveWeight(of: channel, for: label)
                    + (head.sides == .untied ? head.negativeWeight(of: channel, for: label) : 0)
            }
            let first = Ranking.top(namedClassCount, of: weights[...]).filter { weights[$0] > 0 }
            return ChannelUse(
                channel: channel, total: weights.reduce(0, +),
                classes: first.map { Share(label: $0, weight: weights[$0]) })
        }
    }

    /// The channels that classes use, the most used first.
    public static func ranked(_ uses: [ChannelUse]) -> [ChannelUse] {
        uses.filter { $0.total > 0 }.sorted { ($0.total, $1.channel) > ($1.total, $0.channel) }
    }
}
