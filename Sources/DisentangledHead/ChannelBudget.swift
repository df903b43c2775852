/// How many channels a class may use, and how the classifier gets there: gradual magnitude pruning with regrowth.
///
/// A class keeps all D channels (or those of the head that it starts from) until `begin`; then their number falls to
/// `channelsPerClass` at `end` (`PruningSchedule`) in events `interval` steps apart; then the mask stays and training goes on.
/// Steps are numbers of steps taken.
///
/// Source: Evci et al., "Rigging the Lottery", arXiv 1911.11134 (exchange by the gradient).
public struct ChannelBudget: Codable, Equatable, Sendable {
    /// By what the channels of a class are compared. m_ck is the mean of v_k over the images of class c, m_k over all images,
    /// both exponentially weighted over recent steps.
    public enum Score: String, Codable, CaseIterable, Sendable {
        /// A_ck |m_ck - m_k|: how much the channel tells the class from others.
        case contrast
        /// A_ck |m_ck|: how much it adds to the class's logit.
        case contribution
    }

    /// n.
    public var channelsPerClass: Int
    public var begin: Int
    public var end: Int
    /// Steps between two events; the last one is at `end`.
    public var interval: Int
    public var score: Score
    /// Share of the kept channels, those of the least score, that an event before the last exchanges for left out ones whose
    /// weight would lower the loss most (the most negative dL/dA). An exchanged one is not compared in the next event.
    public var regrowth: Double

    enum CodingKeys: String, CodingKey {
        case channelsPerClass = "channels_per_class"
        case begin, end, interval, score, regrowth
    }

    public init(
        channelsPerClass: Int, begin: Int, end: Int, interval: Int = 1, score: Score = .contrast, regrowth: Double = 0.1
    ) {
        self.channelsPerClass = channelsPerClass
        self.begin = begin
        self.end = end
        self.interval = interval
        self.score = score
        self.regrowth = regrowth
    }

    /// Whether the mask changes after a step.
    public func hasEvent(afterStep step: Int) -> Bool {
        step == end || (step >= begin && step < end && (step - begin) % interval == 0)
    }

    /// Channels that a class keeps after an event, of the `channelCount` that it has at the begin.
    public func keptCount(afterStep step: Int, channelCount: Int) -> Int {
        PruningSchedule(begin: begin, end: end).keptCount(
            afterStep: step, least: channelsPerClass, of: channelCount)
    }

    /// How much of the sums behind m_ck and m_k is left after a step: their window is `interval` steps, and 10 at least.
    var decay: Double { 1 - 1 / Double(window) }

    private var window: Int { max(10, interval) }

    /// Whether a step's pooled activations count for an event to come; `step` is its number, from 0. What is 8 windows old at the
    /// first event would not show.
    func observes(step: Int) -> Bool { step < end && step >= begin - 8 * window }
}
