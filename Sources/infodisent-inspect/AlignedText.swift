/// Lines of a name and a value, the values below each other.
struct AlignedText {
    private var lines: [(name: String, value: String)] = []

    mutating func add(_ name: String, _ value: some CustomStringConvertible) {
        lines.append((name, value.description))
    }

    /// The lines, each with `indent` spaces before it.
    func text(indent: Int = 0) -> String {
        let width = lines.map(\.name.count).max() ?? 0
        return lines.map { name, value in
            let padding = String(repeating: " ", count: width - name.count + 2)
            return String(repeating: " ", count: indent) + (value.isEmpty ? name : name + padding + value)
        }.joined(separator: "\n")
    }
}

/// The first few of a list, and that there are more.
func listed(_ elements: some Collection<some CustomStringConvertible>, limit: Int = 8) -> String {
    elements.prefix(limit).map(\.description).joined(separator: ", ") + (elements.count > limit ? ", ..." : "")
}

/// A number with four significant digits, or fewer.
func short(_ value: Double) -> String {
    guard value != 0, value.isFinite else { return value == 0 ? "0" : "\(value)" }
    if abs(value) < 1e-3 || abs(value) >= 1e6 {
        var exponent = 0
        var mantissa = abs(value)
        while mantissa >= 10 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
        while mantissa < 1 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
        let sign = value < 0 ? "-" : ""
        return "\(sign)\((mantissa * 100).rounded() / 100)e\(exponent)"
    }
    var scale = 1000.0
    var magnitude = abs(value)
    while magnitude >= 10 { (magnitude, scale) = (magnitude / 10, scale / 10) }
    while magnitude < 1 { (magnitude, scale) = (magnitude * 10, scale * 10) }
    let rounded = (value * scale).rounded() / scale
    return rounded == rounded.rounded() ? String(Int(rounded)) : "\(rounded)"
}
