public import DurableFiles
import StrictJSON

/// A change that a person made to a trained head: what its weights were multiplied by.
public struct CheckpointEdit: Equatable, Sendable {
    /// SHA-256 of the head that was changed.
    public let head: ContentDigest
    /// The folder name of the checkpoint that it was of.
    public let checkpoint: String
    /// Factor of the weights of all classes, by channel.
    public let channels: [Int: Double]
    /// Further factors of a class's own weights, by label and channel.
    public let classes: [Int: [Int: Double]]

    public init(head: ContentDigest, checkpoint: String, channels: [Int: Double], classes: [Int: [Int: Double]]) {
        self.head = head
        self.checkpoint = checkpoint
        self.channels = channels
        self.classes = classes
    }

    /// What was done, in words: "channel 28 by 0.0, channel 3 by 0.5; of class 7, channel 12 by 2.0".
    public var summary: String {
        func text(_ factors: [Int: Double]) -> String {
            let sorted = factors.sorted { $0.key < $1.key }
            let named = sorted.prefix(8).map { "channel \($0.key) by \($0.value)" }.joined(separator: ", ")
            return named + (sorted.count > 8 ? " and \(sorted.count - 8) more" : "")
        }
        let own = classes.sorted { $0.key < $1.key }
        let parts =
            (channels.isEmpty ? [] : [text(channels)]) + own.prefix(4).map { "of class \($0.key), \(text($0.value))" }
            + (own.count > 4 ? ["and \(own.count - 4) more classes"] : [])
        return parts.joined(separator: "; ")
    }
}

extension CheckpointEdit {
    var json: JSONValue {
        .object([
            "head": .string(head.hexadecimal), "checkpoint": .string(checkpoint), "channels": Self.json(channels),
            "classes": .object(
                Dictionary(uniqueKeysWithValues: classes.map { ("\($0.key)", Self.json($0.value)) })),
        ])
    }

    private static func json(_ factors: [Int: Double]) -> JSONValue {
        .object(Dictionary(uniqueKeysWithValues: factors.map { ("\($0.key)", JSONValue.number($0.value)) }))
    }

    /// Nil for anything that `json` does not give.
    init?(_ json: JSONValue) {
        guard case .object(let members) = json, members.count == 4, case .string(let hexadecimal) = members["head"],
            let head = ContentDigest(hexadecimal: hexadecimal), case .string(let checkpoint) = members["checkpoint"],
            let channels = members["channels"].flatMap(Self.factors), case .object(let lists) = members["classes"]
        else { return nil }
        var classes: [Int: [Int: Double]] = [:]
        for (key, value) in lists {
            guard let label = Self.number(key), let factors = Self.factors(value) else { return nil }
            classes[label] = factors
        }
        self.init(head: head, checkpoint: checkpoint, channels: channels, classes: classes)
    }

    private static func factors(_ json: JSONValue) -> [Int: Double]? {
        guard case .object(let members) = json else { return nil }
        var factors: [Int: Double] = [:]
        for (key, value) in members {
            guard let channel = number(key), case .number(let factor) = value, factor.isFinite, factor >= 0 else {
                return nil
            }
            factors[channel] = factor
        }
        return factors
    }

    /// A number in its only form.
    static func number(_ key: String) -> Int? { Int(key).flatMap { $0 >= 0 && String($0) == key ? $0 : nil } }
}
