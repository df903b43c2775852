import Datasets
import DisentangledHead
import FeatureCache
import Foundation
import ImageCoding
import SystemPackage
import Tensors

/// The scalars of one YAML value: a single one, or the elements of a list.
struct Scalars: Equatable, Sendable {
    let elements: [String]
    let isList: Bool

    var single: String? { isList ? nil : elements.first }

    /// The value as a message shows it.
    var text: String { isList ? "[" + elements.joined(separator: ", ") + "]" : elements.first ?? "" }
}

/// A type that a configuration key can have.
protocol ConfigurationValue: Sendable {
    /// What a user may write, for the error message.
    static var expected: String { get }
    /// Whether the value is a list in brackets.
    static var isList: Bool { get }
    /// All values, if they are a few words; else none.
    static var words: [String] { get }
    /// Nil when the scalars are not such a value.
    init?(_ scalars: Scalars)
    /// The value as YAML; nil when the key should be left out.
    var yaml: String? { get }
}

extension ConfigurationValue {
    static var isList: Bool { false }
    static var words: [String] { [] }
}

extension Int: ConfigurationValue {
    static var expected: String { "an integer" }
    init?(_ scalars: Scalars) {
        guard let text = scalars.single, let value = Int(text) else { return nil }
        self = value
    }
    var yaml: String? { String(self) }
}

extension Double: ConfigurationValue {
    static var expected: String { "a number" }
    init?(_ scalars: Scalars) {
        guard let text = scalars.single, let value = Double(text), value.isFinite else { return nil }
        self = value
    }
    var yaml: String? { String(self) }
}

extension Bool: ConfigurationValue {
    static var expected: String { "true or false" }
    static var words: [String] { ["true", "false"] }
    init?(_ scalars: Scalars) {
        guard let text = scalars.single, let value = Bool(text) else { return nil }
        self = value
    }
    var yaml: String? { String(self) }
}

extension String: ConfigurationValue {
    static var expected: String { "a text" }
    init?(_ scalars: Scalars) {
        guard let text = scalars.single else { return nil }
        self = text
    }
    var yaml: String? { quoted(self) }
}

extension FilePath: ConfigurationValue {
    static var expected: String { "a path on this machine (~/ for the home folder); URLs are not opened" }
    init?(_ scalars: Scalars) {
        guard let text = scalars.single, !text.contains("://") else { return nil }
        // A shell leaves a ~ behind an = as it is.
        if text == "~" || text.hasPrefix("~/"), let home = ProcessInfo.processInfo.environment["HOME"], !home.isEmpty {
            self = FilePath(home).pushing(FilePath(String(text.dropFirst(2))))
            return
        }
        guard !text.hasPrefix("~") else { return nil }
        self.init(text)
    }
    var yaml: String? { quoted(string) }
}

extension Array: ConfigurationValue where Element == Double {
    static var expected: String { "a list of numbers" }
    static var isList: Bool { true }
    init?(_ scalars: Scalars) {
        guard scalars.isList else { return nil }
        let values = scalars.elements.compactMap { Double(Scalars(elements: [$0], isList: false)) }
        guard values.count == scalars.elements.count else { return nil }
        self = values
    }
    var yaml: String? { "[" + map { String($0) }.joined(separator: ", ") + "]" }
}

extension ClosedRange: ConfigurationValue where Bound == Double {
    static var expected: String { "two numbers: [smallest, largest]" }
    static var isList: Bool { true }
    init?(_ scalars: Scalars) {
        guard let ends = [Double](scalars), ends.count == 2, ends[0] <= ends[1] else { return nil }
        self = ends[0]...ends[1]
    }
    var yaml: String? { [lowerBound, upperBound].yaml }
}

extension Optional: ConfigurationValue where Wrapped: ConfigurationValue {
    static var expected: String { Wrapped.expected }
    static var isList: Bool { Wrapped.isList }
    static var words: [String] { Wrapped.words }
    init?(_ scalars: Scalars) {
        guard let value = Wrapped(scalars) else { return nil }
        self = .some(value)
    }
    var yaml: String? { flatMap(\.yaml) }
}

/// A double-quoted YAML scalar, where the text needs it.
private func quoted(_ text: String) -> String {
    let isPlain =
        !text.isEmpty
        && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "/._-".contains($0)) }
        && text.first != "-" && Double(text) == nil && Bool(text) == nil && text != "null"
    if isPlain { return text }
    var result = "\""
    for character in text.unicodeScalars {
        switch character {
        case "\"": result += "\\\""
        case "\\": result += "\\\\"
        case "\n": result += "\\n"
        case "\t": result += "\\t"
        // YAML has no control characters as such, and takes U+0085, U+2028 and U+2029 for ends of lines.
        case "\0"..."\u{1F}", "\u{7F}"..."\u{A0}", "\u{2028}", "\u{2029}", "\u{FEFF}":
            result += String(format: "\\u%04X", character.value)
        default: result.unicodeScalars.append(character)
        }
    }
    return result + "\""
}

/// Gives an enumeration of names its reading and writing.
protocol NamedValue: ConfigurationValue, RawRepresentable, CaseIterable where RawValue == String {}

extension NamedValue {
    static var expected: String { "one of " + words.joined(separator: ", ") }
    static var words: [String] { allCases.map(\.rawValue) }
    init?(_ scalars: Scalars) {
        guard let text = scalars.single else { return nil }
        self.init(rawValue: text)
    }
    var yaml: String? { rawValue }
}

extension ComputePrecision: NamedValue {}
extension DatasetKind: NamedValue {}
extension DatasetSplit: NamedValue {}
extension DatasetCrop: NamedValue {}
extension RunConfiguration.Dataset.BadImages: NamedValue {}
extension Interpolation: NamedValue {}
extension ExifOrientation.Policy: NamedValue {}
extension CachePrecision: NamedValue {}
extension RunConfiguration.Cache.Location: NamedValue {}
extension ChannelMapKind: NamedValue {}
extension Pooling: NamedValue {}
extension ChannelSides: NamedValue {}
extension ClassificationLoss: NamedValue {}
extension RunConfiguration.Head.Mode: NamedValue {}
extension RunConfiguration.Head.ClassifierInit: NamedValue {}
extension ChannelBudget.Score: NamedValue {}
extension RunConfiguration.Training.Distillation.Teacher: NamedValue {}
extension OptimizerConfiguration.Kind: NamedValue {}
extension LearningRateSchedule.Kind: NamedValue {}
