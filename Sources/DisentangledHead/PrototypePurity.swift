/// Training of the channel map alone, for the purity of its prototypes; the classifier that a head is given is kept (EPIC, Borycki
/// et al., AAAI 2026, arXiv 2505.12897, section 3; its authors' code, piotr310100/EPIC).
///
/// A channel's prototypes are the training images with its largest activations. The loss is minus the mean, over the pairs of a
/// channel and one of its prototypes, of the purity J_pk / |x_p| at the pixel p where the channel is largest in that image: 1 where
/// no other channel fires there. (|x_p| = |j_p|, as U is orthogonal.) The prototypes are searched for at the beginning of each stage
/// and become fewer from stage to stage.
public struct PrototypePurity: Codable, Equatable, Sendable {
    /// Prototypes of a channel in the first stage.
    public var firstCount: Int
    /// Prototypes of a channel in the last stage.
    public var lastCount: Int
    /// Stages that a training has, if it has as many epochs.
    public var stageCount: Int

    enum CodingKeys: String, CodingKey {
        case firstCount = "first_count"
        case lastCount = "last_count"
        case stageCount = "stage_count"
    }

    /// The published schedule: 100 to 5 prototypes in ten stages.
    public init(firstCount: Int = 100, lastCount: Int = 5, stageCount: Int = 10) {
        self.firstCount = firstCount
        self.lastCount = lastCount
        self.stageCount = stageCount
    }

    /// The prototypes of a channel in a stage that begins with `epoch`, counted from 0, of a training of `epochCount`; nil for an
    /// epoch within a stage. They fall linearly.
    public func prototypeCount(beginningWith epoch: Int, of epochCount: Int) -> Int? {
        let stages = min(stageCount, epochCount)
        // Stage s begins with the first epoch e that has s * epochCount <= e * stages.
        let stage = epoch * stages / epochCount
        guard epoch == 0 || (epoch - 1) * stages / epochCount != stage else { return nil }
        guard stages > 1 else { return lastCount }
        let share = Double(stage) / Double(stages - 1)
        return Int((Double(firstCount) + share * Double(lastCount - firstCount)).rounded())
    }
}

/// The prototypes of all channels in a stage.
public struct PrototypePairs: Sendable, Equatable {
    /// [D, n]: each channel's samples, strongest first, as training names them; -1 for places that are left empty.
    public let samples: [Int]
    /// n.
    public let countPerChannel: Int
    /// D.
    public let channelCount: Int
    /// Number of training images; a batch's loss is scaled so that the mean over all images is that over all pairs.
    public let imageCount: Int
    /// The channels that a sample is a prototype of, rising.
    private let channels: [Int: [Int]]
    /// Pairs of a channel and a sample.
    public let pairCount: Int

    /// - Parameter lists: of each channel its samples, the strongest first; at most `countPerChannel`.
    public init(_ lists: [[Int]], countPerChannel: Int, imageCount: Int) {
        precondition(lists.allSatisfy { $0.count <= countPerChannel }, "more than \(countPerChannel) prototypes")
        self.init(
            samples: lists.flatMap { $0 + Array(repeating: -1, count: countPerChannel - $0.count) },
            channelCount: lists.count, imageCount: imageCount)
    }

    /// - Parameter samples: [D, n].
    init(samples: [Int], channelCount: Int, imageCount: Int) {
        self.samples = samples
        self.channelCount = channelCount
        self.imageCount = imageCount
        countPerChannel = samples.count / channelCount
        var channels: [Int: [Int]] = [:]
        for (place, sample) in samples.enumerated() where sample >= 0 {
            channels[sample, default: []].append(place / countPerChannel)
        }
        self.channels = channels
        pairCount = samples.count { $0 >= 0 }
    }

    /// The channels that a sample is a prototype of, rising.
    public func channels(ofSample sample: Int) -> [Int] { channels[sample] ?? [] }

    /// What the loss of a pair counts in the sum over the images.
    var scale: Double { pairCount > 0 ? Double(imageCount) / Double(pairCount) : 0 }
}
