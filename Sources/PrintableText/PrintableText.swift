extension String {
    /// The text as it can be shown to a person: characters by which a terminal is told to do things, or by which text is made
    /// to look like other text (controls, directions, line ends), are written out as `\u{1b}`. Names from disk, archives,
    /// lists and file headers may hold any of them.
    public var printable: String { printable(limit: .max) }

    /// The lines of a text that is to be shown as several, each made `printable`.
    public var printableLines: String {
        split(separator: "\n", omittingEmptySubsequences: false).map { String($0).printable }.joined(separator: "\n")
    }

    /// `printable`, cut with "..." behind `limit` characters.
    public func printable(limit: Int) -> String {
        var result = ""
        var count = 0
        for scalar in unicodeScalars {
            if count == limit { return result + "..." }
            count += 1
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse:
                result += "\\u{\(String(scalar.value, radix: 16))}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
