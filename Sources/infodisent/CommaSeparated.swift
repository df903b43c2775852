import Foundation

/// Text as comma-separated values, RFC 4180.
enum CommaSeparated {
    /// A record and its line end.
    static func line(_ fields: [String]) -> String { record(fields) + "\r\n" }

    /// A record without a line end.
    static func record(_ fields: [String]) -> String { fields.map(field).joined(separator: ",") }

    /// A field, in quotes where it needs them. A spreadsheet would run names that begin like formulas; an apostrophe says that
    /// they are text. Numbers stay as they are.
    private static func field(_ text: String) -> String {
        let isFormula = text.unicodeScalars.first.map { "=+-@\t\r".unicodeScalars.contains($0) } ?? false
        let text = isFormula && Double(text) == nil ? "'" + text : text
        guard text.unicodeScalars.contains(where: { ",\"\n\r".unicodeScalars.contains($0) }) else { return text }
        return "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\""
    }
}
