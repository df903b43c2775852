import DurableFiles
public import SystemPackage
import Yams

/// What a user calls channels: a text by channel, shown wherever the channel is.
///
/// As YAML (or JSON), a line a channel: `28: dotted wing`. A checkpoint keeps them in its state (`infodisent edit --names`); while a
/// run has a `names.yaml` in its directory, that counts instead for all its checkpoints, so that renaming needs no new checkpoint.
public struct ChannelNames: Codable, Equatable, Sendable {
    /// The file in a run's directory.
    public static let fileName = "names.yaml"
    /// Unicode scalars of a name, at most.
    public static let lengthLimit = 1000

    public let names: [Int: String]

    public init(_ names: [Int: String] = [:]) { self.names = names }

    public subscript(channel: Int) -> String? { names[channel] }

    /// Reads a file of names for a head of `channelCount` channels.
    /// - Throws: `ResultsError.badNames` naming what cannot be used, `DurableFileError`.
    public init(reading path: FilePath, channelCount: Int) throws {
        func refusal(_ reason: String) -> ResultsError { .badNames(path: path, reason: reason) }
        let names = try UserMapping(reading: path, refusal: refusal).numbered(named: "channel") { node, name in
            guard let text = node.scalar?.string else { throw refusal("the name of \(name) is no text") }
            guard text.unicodeScalars.count <= Self.lengthLimit else {
                throw refusal("the name of \(name) has more than \(Self.lengthLimit) characters")
            }
            return text
        }
        if let channel = names.keys.filter({ $0 >= channelCount }).min() {
            throw refusal("channel \(channel) is none of the \(channelCount) channels, 0 to \(channelCount - 1)")
        }
        self.init(names.filter { !$0.value.allSatisfy(\.isWhitespace) })
    }

    /// The names that the channels of a run's head have: those of `names.yaml` in `runDirectory` if that is there, otherwise those that
    /// the checkpoint records. A file that is there counts as a whole, so what it leaves out has no name.
    /// - Throws: `ResultsError.badNames`, `DurableFileError`.
    public init(ofRun runDirectory: FilePath?, recorded: [Int: String], channelCount: Int) throws {
        if let path = runDirectory?.appending(Self.fileName), DurableFile.exists(path) {
            try self.init(reading: path, channelCount: channelCount)
        } else {
            self.init(recorded)
        }
    }

    /// The file's text: a line a channel, in their order, each name as a JSON string, which YAML reads as it is.
    public var yaml: String {
        names.sorted { $0.key < $1.key }.map { "\($0.key): \(Self.quoted($0.value))\n" }.joined()
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case "\n": result += "\\n"
            default:
                if scalar.properties.isWhitespace && scalar != " " || scalar.properties.generalCategory == .control
                    || scalar.properties.generalCategory == .format
                {
                    let digits = String(scalar.value, radix: 16)
                    result += "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
                } else {
                    result.unicodeScalars.append(scalar)
                }
            }
        }
        return result + "\""
    }
}
