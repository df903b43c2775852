/// What the steps of an epoch have added up to so far. It is part of a checkpoint, so that an epoch that was interrupted
/// ends with the same figures.
///
/// The loss is added up in fixed point, because a sum of integers is the same in every order.
package struct EpochProgress: Equatable, Sendable {
    package private(set) var sampleCount = 0
    package private(set) var correctCount = 0
    /// Sum of the samples' losses, of all its terms, in units of 2^-24 nats.
    package private(set) var fixedPointLoss = 0

    package init() {}

    /// Mean loss, in nats.
    package var loss: Double { sampleCount == 0 ? 0 : Double(fixedPointLoss) * 0x1p-24 / Double(sampleCount) }
    package var accuracy: Double { sampleCount == 0 ? 0 : Double(correctCount) / Double(sampleCount) }

    package mutating func count(samples: Int, correct: Int, fixedPointLoss: Int) {
        sampleCount += samples
        correctCount += correct
        // Only a training that has diverged comes near the limits.
        self.fixedPointLoss = min(max(self.fixedPointLoss + fixedPointLoss, -Self.lossLimit), Self.lossLimit)
    }

    /// The largest sum: 2^53 units, or 5e8 nats, which a Double in a checkpoint still holds exactly.
    private static let lossLimit = 1 << 53

    /// `loss`, of one logical shard's part of a step, in units of 2^-24 nats: at most 2^50 of them, or 7e7 nats, so that no
    /// sum over 4096 shards overflows.
    package static func fixedPoint(_ loss: Double) -> Int64 {
        Int64((min(max(loss, -0x1p26), 0x1p26) * 0x1p24).rounded())
    }

    // MARK: - In a checkpoint

    /// The metrics of a checkpoint in the middle of an epoch; none at its start.
    package var metrics: [String: Double] {
        guard sampleCount > 0 else { return [:] }
        return [
            "epoch_so_far_samples": Double(sampleCount), "epoch_so_far_correct": Double(correctCount),
            "epoch_so_far_loss_sum": Double(fixedPointLoss) * 0x1p-24,
        ]
    }

    /// Reads back `metrics`; nil if they are not what that gives.
    package init?(metrics: [String: Double]) {
        self.init()
        guard let samples = metrics["epoch_so_far_samples"] else { return }
        guard let correct = metrics["epoch_so_far_correct"], let loss = metrics["epoch_so_far_loss_sum"],
            let sampleCount = Int(exactly: samples), let correctCount = Int(exactly: correct),
            let fixedPointLoss = Int(exactly: loss * 0x1p24)
        else { return nil }
        count(samples: sampleCount, correct: correctCount, fixedPointLoss: fixedPointLoss)
    }
}
