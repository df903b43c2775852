/// How many channels the channel map U turns; on the others it is I.
public enum MapRank: Equatable, Sendable {
    /// All where there are training images for it, see `turnedCount`.
    case automatic
    case all
    case channels(Int)

    /// Fewer would turn nothing.
    static let least = 2
    /// With fewer channels than this `auto` turns all: a step is quick.
    static let leastAutomatic = 1024

    /// R for a backbone of D channels and N training images; nil for all channels.
    ///
    /// With few images a step is all U: it costs D^3, whatever N, and so an eighth if half of the channels turn. Where the pooling
    /// is the maximum, a training image has at most two pixels in the gradient of a row of U, its largest and its smallest
    /// activation, so N images move a row in 2 N directions at most. Where these fit into half of the channels, and D is large,
    /// `auto` turns half of them. That depends on N and D alone; the published settings have more images.
    public func turnedCount(channelCount: Int, trainingImageCount: Int) -> Int? {
        switch self {
        case .all: return nil
        case .channels(let count): return count < channelCount ? count : nil
        case .automatic:
            let isSmall = channelCount >= Self.leastAutomatic && trainingImageCount <= channelCount / 4
            return isSmall ? channelCount / 2 : nil
        }
    }
}

extension MapRank: CustomStringConvertible {
    /// As a configuration has it.
    public var description: String {
        switch self {
        case .automatic: "auto"
        case .all: "all"
        case .channels(let count): "\(count)"
        }
    }
}

extension MapRank: ConfigurationValue {
    static var expected: String { "auto, all or a number of channels, \(least) or more" }

    init?(_ scalars: Scalars) {
        switch scalars.single {
        case "auto": self = .automatic
        case "all": self = .all
        case let text?:
            guard let count = Int(text), count >= Self.least else { return nil }
            self = .channels(count)
        case nil: return nil
        }
    }

    var yaml: String? { description }
}
