public import Datasets

/// What a scorecard is made of.
public struct ScorecardOptions: Equatable, Sendable {
    public var groups: [MetricGroup]
    public var split: Split
    /// The most images of figures that need passes through the backbone; they are spread evenly over the split.
    public var passImageLimit: Int
    public var seed: UInt64

    public init(
        groups: [MetricGroup] = MetricGroup.allCases, split: Split = .test, passImageLimit: Int = defaultPassImageLimit,
        seed: UInt64 = 0
    ) {
        self.groups = groups
        self.split = split
        self.passImageLimit = passImageLimit
        self.seed = seed
    }

    /// With this, a scorecard of 1,000 drawn birds takes less than 3 minutes on 2 cores.
    public static let defaultPassImageLimit = 100

    // What the figures are about; part of their records.

    /// The budgets of channels and cells.
    static let budgets = [1, 2, 3, 5, 10]
    /// The channels of the way that shows some of them.
    static let shownChannelCount = 5
    /// The cells whose share of the evidence is told.
    static let topCellCount = 3
    /// Steps of deletion and insertion.
    static let stepCount = 16
    /// Steps, of `stepCount`, at which comprehensiveness and sufficiency are taken: 1/16, 1/8, 1/4 and 1/2 of the cells.
    static let eraserSteps = [1, 2, 4, 8]
    /// Images from which correlations between channels are taken, and those from which RV coefficients are.
    static let scoredImageLimit = 1000
    static let mapImageLimit = 200
    /// Channels between which RV coefficients are taken.
    static let mapChannelLimit = 128
    /// Channels that are looked at as detectors: those that classes use most.
    static let detectorLimit = 256
    /// Images that stand for a channel: PIP-Net's and EPIC's.
    static let purityImageCount = 10
    static let epicImageCount = 5
    /// A channel is one of the head's from this weight on (PIP-Net).
    static let usedWeight: Float = 1e-5
    /// Noise of the stability: standard deviation and limit, in units of normalised pixels.
    static let noiseDeviation = 0.2
    static let noiseLimit = 0.25
}
