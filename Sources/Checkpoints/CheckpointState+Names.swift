import StrictJSON

/// Names that a person has given to channels, as `state.json` has them: `"channel_names": {"28": "dotted wing"}`.
extension CheckpointState {
    /// Unicode scalars of a channel's name, at most.
    public static let channelNameLimit = 1000

    var channelNamesJSON: JSONValue {
        .object(Dictionary(uniqueKeysWithValues: channelNames.map { ("\($0.key)", JSONValue.string($0.value)) }))
    }

    /// Nil for anything that `channelNamesJSON` does not give: keys that are no numbers in their only form, names that are no text,
    /// blank or too long, and a list without a name.
    static func channelNames(_ json: JSONValue) -> [Int: String]? {
        guard case .object(let members) = json, !members.isEmpty else { return nil }
        var names: [Int: String] = [:]
        for (key, value) in members {
            guard let channel = CheckpointEdit.number(key), case .string(let name) = value,
                name.unicodeScalars.count <= channelNameLimit, !name.allSatisfy(\.isWhitespace)
            else { return nil }
            names[channel] = name
        }
        return names
    }
}
