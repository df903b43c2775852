import StrictJSON

/// What a library wrote beside a file of weights: `config.json`, the settings that it had when it saved the network, of which
/// the tensors say nothing, or `preprocessor_config.json`, how images are prepared for it.
///
/// Libraries differ in what they write; whoever asks for a key has to know whose it is (`modelType`).
public struct SavedConfiguration: Equatable, Sendable {
    public static let fileName = "config.json"
    public static let preprocessingFileName = "preprocessor_config.json"
    public static let byteCountLimit = 16 << 20

    private let root: JSONValue

    private init(root: JSONValue) {
        self.root = root
    }

    /// Nil if it is not one JSON object of a sensible size.
    package init?(_ text: [UInt8]) {
        guard text.count <= Self.byteCountLimit, let root = try? JSONValue(parsing: text), case .object = root else {
            return nil
        }
        self.root = root
    }

    /// What transformers calls the architecture ("vit", "resnet"); nil for other libraries' files.
    public var modelType: String? { text("model_type") }

    /// The object under `key`.
    public func object(_ key: String) -> SavedConfiguration? {
        if case .object(let members)? = root[key] { SavedConfiguration(root: .object(members)) } else { nil }
    }

    public func text(_ key: String) -> String? {
        if case .string(let text)? = root[key] { text } else { nil }
    }

    public func flag(_ key: String) -> Bool? {
        if case .bool(let value)? = root[key] { value } else { nil }
    }

    public func number(_ key: String) -> Double? {
        switch root[key] {
        case .integer(let value)?: Double(value)
        case .number(let value)?: value
        default: nil
        }
    }

    /// A list of numbers.
    public func numbers(_ key: String) -> [Double]? {
        guard case .array(let elements)? = root[key] else { return nil }
        let values = elements.compactMap { element -> Double? in
            switch element {
            case .integer(let value): Double(value)
            case .number(let value): value
            default: nil
            }
        }
        return values.count == elements.count ? values : nil
    }

    /// One whole number or a list of them.
    public func integers(_ key: String) -> [Int]? {
        switch root[key] {
        case .integer(let value)?: return [value]
        case .array(let elements)?:
            let values = elements.compactMap { if case .integer(let value) = $0 { value } else { nil } }
            return values.count == elements.count ? values : nil
        default: return nil
        }
    }

    /// The names of the classes, in the order of the classifier's rows: transformers' `id2label`, or timm's `label_names`.
    /// Nil where there are none, or only the placeholders `LABEL_0`, `LABEL_1`...
    public var labelNames: [String]? {
        if case .array(let elements)? = root["label_names"] {
            let names = elements.compactMap { if case .string(let name) = $0 { name } else { nil } }
            return names.count == elements.count && !names.isEmpty ? names : nil
        }
        guard case .object(let members)? = root["id2label"], !members.isEmpty else { return nil }
        var names: [String] = []
        for number in 0..<members.count {
            guard case .string(let name)? = members[String(number)] else { return nil }
            names.append(name)
        }
        let arePlaceholders = names.enumerated().allSatisfy { $1 == "LABEL_\($0)" }
        return arePlaceholders ? nil : names
    }
}
