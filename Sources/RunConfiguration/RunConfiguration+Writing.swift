extension RunConfiguration {
    /// The effective configuration as YAML: every key that has a value, in a fixed order. Reading it back gives an
    /// equal configuration.
    public var yaml: String { yaml(leavingOut: []) }

    /// The effective configuration without the given keys (`section.key`).
    public func yaml(leavingOut omitted: Set<String>) -> String {
        var text = ""
        var currentSection = ""
        var currentSubsection: Substring = ""
        for field in Self.schema where !omitted.contains(field.path) {
            guard let value = field.write(self) else { continue }
            if field.section != currentSection {
                text += "\(field.section):\n"
                (currentSection, currentSubsection) = (field.section, "")
            }
            if let subsection = field.subsection {
                if subsection != currentSubsection { text += "  \(subsection):\n" }
                currentSubsection = subsection
                text += "    \(field.key.dropFirst(subsection.count + 1)): \(value)\n"
            } else {
                currentSubsection = ""
                text += "  \(field.key): \(value)\n"
            }
        }
        return text
    }
}

extension RunConfiguration {
    /// The keys that say where files are: they differ between machines and say nothing about a result.
    public static let locationKeys: Set<String> = [
        "run.directory", "backbone.weights", "dataset.root", "cache.directory", "cache.location",
        "head.start",
    ]

    /// The keys that a checkpoint does not record: it is the same wherever files are and whatever else is kept.
    public static let unrecordedKeys = locationKeys.union(["checkpoint.best"])

    /// The location keys that are set, as overrides of the form `section.key=value`; not `head.start`, which only the beginning of
    /// a run needs.
    public var locations: [String] {
        [
            "run.directory=\(run.directory)", "dataset.root=\(dataset.root)", "cache.directory=\(cache.directory)",
            "cache.location=\(cache.location.rawValue)",
        ] + (backbone.weights.map { ["backbone.weights=\($0)"] } ?? [])
    }

    /// Every key there is (`section.key`), with all values it takes if they are a few words.
    public static var keys: [(path: String, words: [String])] { schema.map { ($0.path, $0.words) } }

    /// The keys that have a value, with it, in the order of the file.
    public var entries: [(key: String, value: String)] {
        Self.schema.compactMap { field in field.write(self).map { (field.path, $0) } }
    }

    /// The keys in which another configuration computes something else, with both values.
    ///
    /// Left out are the keys that say where files are and how they are read (their contents are compared by digest) and how
    /// often something is saved or evaluated, which change no result.
    public func differences(from other: RunConfiguration) -> [String] {
        let irrelevant = Self.unrecordedKeys.union([
            "dataset.kind", "cache.samples_per_shard", "checkpoint.every", "checkpoint.keep", "evaluation.every",
            "evaluation.black_box",
        ])
        return Self.schema.filter { !irrelevant.contains($0.path) }.compactMap { field in
            let (own, others) = (field.write(self) ?? "not set", field.write(other) ?? "not set")
            return own == others ? nil : "\(field.path) was \(own) and is \(others) now"
        }
    }
}
