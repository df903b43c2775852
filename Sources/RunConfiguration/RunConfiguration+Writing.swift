extension RunConfiguration {
    /// The effective configuration as YAML: every key that has a value, in a fixed order. Reading it back gives an
    /// equal configuration.
    public var yaml: String { yaml(leavingOut: []) }

    /// The effective configuration without the given keys (`section.key`).
    public func yaml(leavingOut omitted: Set<String>) -> String {
        var text = ""
        var currentSection = ""
        for field in Self.schema where !omitted.contains(field.path) {
            guard let value = field.write(self) else { continue }
            if field.section != currentSection {
                text += "\(field.section):\n"
                currentSection = field.section
            }
            text += "  \(field.key): \(value)\n"
        }
        return text
    }
}
