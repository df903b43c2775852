/// Why a head gives one image the logit it gives: the logit as an exact sum over channels. All sums that are shown of it.
public struct ExplanationResult: Codable, Equatable, Sendable {
    /// The image's path as it was given.
    public let path: String
    /// The first classes, highest logit first.
    public let topScores: [ClassScore]
    /// The class whose logit is explained.
    public let explainedClass: String
    public let label: Int
    public let logit: Float
    public let probability: Float
    /// Every channel with a contribution other than zero, by the size of its contribution, largest first.
    public private(set) var contributions: [ChannelContribution]
    /// Sum of all contributions and the bias, added up in double precision: equal to the logit but for rounding.
    public let contributionSum: Double
    /// Sum of what the positive sides of all channels add, and of what the negative ones do.
    public let positiveSum: Float
    public let negativeSum: Float
    /// b_y, what the logit has before any channel adds to it; nil for a head without a bias.
    public let bias: Float?
    /// Channels that are shown, those with the largest contributions; their sum, and that of all others.
    public let shownCount: Int
    public let shownSum: Float
    public let restSum: Float
    /// How far the sum is from the logit, relative to it (`Completeness` of ExplanationMetrics).
    public let additivityError: Double
    /// Channels whose contribution is at least 0.2 of the largest (`ExplanationSize`).
    public let explanationSize: Int

    public init(
        path: String, topScores: [ClassScore], explained: ClassScore, contributions: [ChannelContribution],
        contributionSum: Double, positiveSum: Float, negativeSum: Float, shownCount: Int, shownSum: Float,
        restSum: Float, bias: Float? = nil, additivityError: Double, explanationSize: Int
    ) {
        self.path = path
        self.topScores = topScores
        explainedClass = explained.className
        label = explained.label
        logit = explained.logit
        probability = explained.probability
        self.contributions = contributions
        self.contributionSum = contributionSum
        self.positiveSum = positiveSum
        self.negativeSum = negativeSum
        self.shownCount = shownCount
        self.shownSum = shownSum
        self.restSum = restSum
        self.bias = bias
        self.additivityError = additivityError
        self.explanationSize = explanationSize
    }

    /// The same with the names that a user gives to channels.
    public func named(_ names: ChannelNames) -> ExplanationResult {
        var result = self
        for index in contributions.indices { result.contributions[index].name = names[contributions[index].channel] }
        return result
    }

    /// The channels that are shown.
    public var shown: ArraySlice<ChannelContribution> { contributions.prefix(shownCount) }
}
