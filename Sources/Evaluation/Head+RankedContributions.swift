package import DisentangledHead
package import Results
import Tensors

extension Head {
    /// The channels that add something to the logit of `label` of an image, in the order in which they are shown: by the size of what
    /// they add, unless the head reads channels by their means.
    ///
    /// - Parameter mapWidth: columns of the feature map.
    package func contributions(
        to label: Int, _ pooled: PooledActivations, mapWidth: Int
    ) -> [ChannelContribution] {
        (0..<channelCount)
            .map { channel in
                ChannelContribution(
                    channel: channel, weight: positiveWeight(of: channel, for: label),
                    negativeWeight: sides == .tied ? nil : negativeWeight(of: channel, for: label),
                    positiveActivation: pooled.positiveActivation(of: channel),
                    positivePosition: MapPosition(index: Int(pooled.maximumPixels[channel]), width: mapWidth),
                    negativeActivation: pooled.negativeActivation(of: channel),
                    negativePosition: MapPosition(index: Int(pooled.minimumPixels[channel]), width: mapWidth),
                    contribution: contribution(of: channel, to: label, pooled: pooled))
            }
            .filter { $0.contribution != 0 }
            .sorted { one, other in
                let (first, second) = (rank(of: one), rank(of: other))
                return first != second
                    ? first > second
                    : (abs(one.contribution), other.channel) > (abs(other.contribution), one.channel)
            }
    }

    /// What a channel is ranked by before the size of its contribution, if that is not all: with channels that are read by their
    /// means A'_yk ReLU(mean_p J_pk), where that is positive (EPIC, arXiv 2505.12897, section 3).
    private func rank(of contribution: ChannelContribution) -> Float {
        guard case .mean = reading else { return 0 }
        let activation = contribution.positiveActivation + contribution.negativeActivation
        return max(0, contribution.weight * max(0, activation))
    }
}
