extension JSONValue {
    /// The text of the value, the same for equal values: keys sorted by their UTF-8 bytes, no times, no locale.
    ///
    /// On one line, or, when `indented`, with each member of an object and each array or object of an array on a line.
    public func text(indented: Bool = false) -> String {
        var text = ""
        append(to: &text, indented: indented, level: 0)
        return text
    }

    private func append(to text: inout String, indented: Bool, level: Int) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .integer(let value): text += String(value)
        case .number(let value):
            precondition(value.isFinite, "\(value) has no form in JSON")
            text += value.description
        case .string(let value): Self.append(string: value, to: &text)
        case .array(let elements):
            Self.append("[", elements, "]", to: &text, indented && elements.contains(where: \.isNested), level) {
                $0.append(to: &$1, indented: indented, level: level + 1)
            }
        case .object(let members):
            let members = members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            Self.append("{", members, "}", to: &text, indented, level) { member, text in
                Self.append(string: member.key, to: &text)
                text += indented ? ": " : ":"
                member.value.append(to: &text, indented: indented, level: level + 1)
            }
        }
    }

    private var isNested: Bool {
        switch self {
        case .array, .object: true
        default: false
        }
    }

    private static func append<Element>(
        _ open: String, _ elements: [Element], _ close: String, to text: inout String, _ onLines: Bool, _ level: Int,
        _ body: (Element, inout String) -> Void
    ) {
        func newLine(_ level: Int) { text += "\n" + String(repeating: "  ", count: level) }
        text += open
        for (index, element) in elements.enumerated() {
            if index > 0 { text += onLines ? "," : ", " }
            if onLines { newLine(level + 1) }
            body(element, &text)
        }
        if onLines, !elements.isEmpty { newLine(level) }
        text += close
    }

    /// Appends a string with its quotes, escaping only what must be.
    public static func append(string: String, to text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case let control where control.value < 0x20:
                let digits = String(control.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
