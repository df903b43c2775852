import PrintableText

/// Text from a file as it can be shown: control characters, by which a terminal is told to do things, are written out, and
/// long text is cut.
package func printable(_ text: String, limit: Int = 100) -> String { text.printable(limit: limit) }
