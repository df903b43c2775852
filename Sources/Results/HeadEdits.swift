public import DurableFiles
public import SystemPackage
import Yams

/// What a user changes of a head's classifier: factors of what channels contribute, 0 for a channel that is switched off.
///
/// The report's page exports it, `infodisent edit` reads it. As JSON or YAML:
///
///     {"schema": "infodisent-edits-1", "checkpoint": "<SHA-256 of head.safetensors>",
///      "channels": {"28": 0.0, "3": 0.5}, "classes": {"7": {"12": 2.0}}}
///
/// A channel's factor holds for all classes; a class's own factors multiply with it. Weights of both sides are multiplied,
/// biases are not. A factor cannot turn a weight's sign.
public struct HeadEdits: Encodable, Equatable, Sendable {
    public static let schema = "infodisent-edits-1"
    /// What one factor may be.
    public static let factors = 0.0...1000.0

    public let schema = Self.schema
    /// SHA-256 of the `head.safetensors` that the factors belong to.
    public let checkpoint: ContentDigest
    /// Factor by channel; 1 where there is none.
    public let channels: [Int: Double]
    /// Factor by label, then by channel; 1 where there is none.
    public let classes: [Int: [Int: Double]]

    public init(checkpoint: ContentDigest, channels: [Int: Double], classes: [Int: [Int: Double]] = [:]) {
        self.checkpoint = checkpoint
        self.channels = channels
        self.classes = classes
    }

    /// What the weight of `channel` for the class `label` is multiplied by.
    public func factor(of channel: Int, for label: Int) -> Double {
        (channels[channel] ?? 1) * (classes[label]?[channel] ?? 1)
    }

    /// The weight of `channel` for the class `label` after the edit: A_yk times the factor in double precision, rounded once.
    public func weight(_ weight: Float, of channel: Int, for label: Int) -> Float {
        Float(Double(weight) * factor(of: channel, for: label))
    }
}

extension HeadEdits {
    /// Reads a file of edits for a head of `channelCount` channels and `classCount` classes with the digest `head`.
    /// - Throws: `ResultsError.badEdits` naming what cannot be used, `DurableFileError`.
    public init(reading path: FilePath, head: ContentDigest, channelCount: Int, classCount: Int) throws {
        func refusal(_ reason: String) -> ResultsError { .badEdits(path: path, reason: reason) }
        let file = try UserMapping(reading: path, refusal: refusal)
        let known = ["schema", "checkpoint", "channels", "classes"]
        if let key = file.entries.first(where: { !known.contains($0.key) })?.key {
            throw refusal("'\(key.prefix(40))' is none of its keys, which are \(known.joined(separator: ", "))")
        }
        guard let schema = file["schema"], let digest = file["checkpoint"] else {
            throw refusal("it does not say both its schema and its checkpoint")
        }
        let found = try file.text(schema, named: "schema")
        guard found == Self.schema else { throw refusal("its schema is '\(found.prefix(40))', not '\(Self.schema)'") }
        guard let digest = ContentDigest(hexadecimal: try file.text(digest, named: "checkpoint")) else {
            throw refusal("its checkpoint is no SHA-256 in 64 lower-case hexadecimal digits")
        }
        guard digest == head else {
            throw refusal("they are for the head \(digest), but this checkpoint's head is \(head)")
        }
        func factors(_ node: Node, _ name: String) throws -> [Int: Double] {
            let factors = try file.numbered(node, named: name) { node, name in
                let text = try file.text(node, named: name)
                guard let factor = Double(text), Self.factors.contains(factor) else {
                    throw refusal("the factor of \(name) is '\(text.prefix(40))', not a number from 0 to 1000")
                }
                return factor
            }
            if let channel = factors.keys.filter({ $0 >= channelCount }).min() {
                throw refusal("\(name) \(channel) is none of the \(channelCount) channels, 0 to \(channelCount - 1)")
            }
            return factors
        }
        checkpoint = digest
        channels = try file["channels"].map { try factors($0, "channels") } ?? [:]
        classes =
            try file["classes"].map { node in
                try file.numbered(node, named: "classes") { try factors($0, $1 + ", channels") }
            } ?? [:]
        if let label = classes.keys.filter({ $0 >= classCount }).min() {
            throw refusal("classes \(label) is none of the \(classCount) classes, 0 to \(classCount - 1)")
        }
    }
}
