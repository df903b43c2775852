import StrictJSON

/// A sample whose image could not be decoded. It keeps its number and its place in its shard, where its features are zero;
/// nothing is trained, evaluated or explained with it.
public struct SkippedSample: Equatable, Sendable {
    /// The sample's index in the cache.
    public let sample: Int
    public let reason: String

    public init(sample: Int, reason: String) {
        self.sample = sample
        self.reason = reason
    }

    /// Bytes of a reason that are kept.
    static let reasonByteCountLimit = 1000

    /// Rows or samples with their reasons as JSON: [[3,"..."],[17,"..."]].
    package static func text(_ list: [(number: Int, reason: String)]) -> String {
        JSONValue.array(list.map { .array([.integer($0.number), .string($0.reason)]) }).text()
    }

    /// Samples as another rank reads them by `list(bytes:)`.
    package static func bytes(_ samples: [SkippedSample]) -> [UInt8] {
        Array(text(samples.map { ($0.sample, $0.reason) }).utf8)
    }

    /// What `bytes(_:)` gives; nil for anything else.
    package static func list(bytes: [UInt8]) -> [SkippedSample]? {
        list(bytes)?.map { SkippedSample(sample: $0.number, reason: $0.reason) }
    }

    /// What `text(_:)` wrote; nil for anything else. Numbers must rise.
    package static func list(_ text: [UInt8]) -> [(number: Int, reason: String)]? {
        guard let value = try? JSONValue(parsing: text), case .array(let items) = value else { return nil }
        var list: [(number: Int, reason: String)] = []
        for item in items {
            guard case .array(let pair) = item, pair.count == 2, case .integer(let number) = pair[0],
                case .string(let reason) = pair[1], number > (list.last?.number ?? -1)
            else { return nil }
            list.append((number, reason))
        }
        return list
    }
}
