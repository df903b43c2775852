/// How a number of channels falls from D to n: it stays until `begin` and is n from `end` on, between them
///     kept(t) = n + (D - n) (1 - (t - begin) / (end - begin))^3.
///
/// Steps are numbers of steps taken. Source: Zhu, Gupta, "To prune, or not to prune", arXiv 1710.01878, equation 1.
public struct PruningSchedule: Codable, Equatable, Sendable {
    public var begin: Int
    public var end: Int

    public init(begin: Int, end: Int) {
        self.begin = begin
        self.end = end
    }

    /// The number after a step, of `channelCount` in the end `least`.
    public func keptCount(afterStep step: Int, least: Int, of channelCount: Int) -> Int {
        let least = min(least, channelCount)
        guard step < end else { return least }
        guard step > begin else { return channelCount }
        let rest = 1 - Double(step - begin) / Double(end - begin)
        return min(channelCount, least + Int((Double(channelCount - least) * (rest * rest * rest)).rounded(.up)))
    }
}
