import Foundation
import NameSuggestions
import SystemPackage
import Yams

extension RunConfiguration {
    /// Reads a configuration file and applies overrides of the form `section.key=value` to it, in order.
    ///
    /// Relative paths in the file are relative to the current directory, as they are on the command line.
    /// - Throws: `ConfigurationError`, which names the file, the line and the key.
    public init(contentsOf path: FilePath, overrides: [String] = []) throws(ConfigurationError) {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path.string, isDirectory: &isDirectory) else {
            throw .missingFile(path: path.string)
        }
        guard !isDirectory.boolValue else { throw .isFolder(path: path.string) }
        let text: String
        do {
            text = try String(contentsOfFile: path.string, encoding: .utf8)
        } catch {
            throw .unreadable(path: path.string, reason: error.localizedDescription)
        }
        try self.init(yaml: text, source: path.string, overrides: overrides)
    }

    /// Reads a configuration from YAML text; `source` names it in messages.
    public init(yaml text: String, source: String, overrides: [String] = []) throws(ConfigurationError) {
        try self.init(yaml: text, over: RunConfiguration(), source: source, overrides: overrides)
    }

    /// Reads the YAML text that a checkpoint records. A key that is not there is at what it was before it was always recorded,
    /// whatever has become its default since.
    public init(recorded text: String, source: String, overrides: [String] = []) throws(ConfigurationError) {
        var early = RunConfiguration()
        early.head.bias = false
        early.head.classifierInit = .uniform
        early.training.channelMapLearningRate = nil
        early.training.distillation.weight = nil
        try self.init(yaml: text, over: early, source: source, overrides: overrides)
    }

    /// - Parameter defaults: what keys are at that are not given.
    private init(
        yaml text: String, over defaults: RunConfiguration, source: String, overrides: [String]
    ) throws(ConfigurationError) {
        self = defaults
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            if let line = text.split(separator: "\n", omittingEmptySubsequences: false)
                .firstIndex(where: { $0.prefix { $0 == " " || $0 == "\t" }.contains("\t") })
            {
                throw .notYAML(
                    path: source,
                    reason: "line \(line + 1) is indented with a tab, which YAML does not allow; use spaces")
            }
            // Yams shows the place on further lines; its first line says what is wrong and where.
            let reason = "\(error)".split(separator: "\n").first ?? "it cannot be parsed"
            throw .notYAML(path: source, reason: reason.trimmingCharacters(in: [":", " "]))
        }
        var given = try read(root, source: source)
        for override in overrides { given.insert(try apply(override)) }
        for field in Self.schema where field.isRequired && !given.contains(field.path) {
            throw .missingKey(source: source, key: field.path)
        }
        if head.start != nil || head.startDigest != nil {
            // A head that is trained already has its classifier and pools with the maximum.
            if !given.contains("head.classifier_init") { head.classifierInit = .uniform }
            if !given.contains("head.pooling") { head.pooling = .argmax }
        }
        // A classifier that is kept has the bias that it has.
        if head.mode == .posthoc { head.bias = RunConfiguration().head.bias }
        try checkConsistency(source: source)
    }

    /// Reads all sections; returns the keys that were given.
    private mutating func read(_ root: Node?, source: String) throws(ConfigurationError) -> Set<String> {
        var given: Set<String> = []
        guard let root, root.null == nil else { return given }
        guard case .mapping(let sections) = root else {
            throw .notYAML(path: source, reason: "it should hold sections such as run: and dataset:")
        }
        var seenSections: Set<String> = []
        for (name, body) in sections {
            let section = name.scalar?.string ?? ""
            let location = ValueLocation(source: source, line: name.mark?.line, key: section)
            guard Self.schema.contains(where: { $0.section == section }) else {
                throw .unknownKey(location, suggestion: suggestion(for: section))
            }
            guard seenSections.insert(section).inserted else { throw .repeatedKey(location) }
            if body.null != nil { continue }
            guard case .mapping(let entries) = body else { throw .notASection(location) }
            try read(entries, of: section, source: source, &given)
        }
        return given
    }

    /// Reads the keys of a section, or of a section inside one.
    private mutating func read(
        _ entries: Node.Mapping, of section: String, source: String, _ given: inout Set<String>
    ) throws(ConfigurationError) {
        for (keyNode, value) in entries {
            let key = "\(section).\(keyNode.scalar?.string ?? "")"
            let location = ValueLocation(source: source, line: keyNode.mark?.line, key: key)
            guard given.insert(key).inserted else { throw .repeatedKey(location) }
            if Self.schema.contains(where: { $0.path.hasPrefix(key + ".") }) {
                if value.null != nil { continue }
                guard case .mapping(let entries) = value else { throw .notASection(location) }
                try read(entries, of: key, source: source, &given)
            } else {
                try read(value, at: location)
            }
        }
    }

    private mutating func read(_ value: Node, at location: ValueLocation) throws(ConfigurationError) {
        guard let field = Self.schema.first(where: { $0.path == location.key }) else {
            throw .unknownKey(location, suggestion: suggestion(for: location.key))
        }
        guard let scalars = Scalars(value) else {
            throw .badValue(location, found: "a nested value", expected: "a single value or a list")
        }
        try field.read(&self, scalars, location)
    }

    /// Applies one `section.key=value`; returns the key.
    private mutating func apply(_ override: String) throws(ConfigurationError) -> String {
        guard let equals = override.firstIndex(of: "="), override[..<equals].contains(".") else {
            throw .badOverride(override)
        }
        let key = String(override[..<equals])
        let text = String(override[override.index(after: equals)...])
        try read(
            Self.schema.contains { $0.path == key && $0.isList } ? list(text) : Node(text),
            at: ValueLocation(source: "--set", line: nil, key: key))
        return key
    }

    /// A list in brackets; everything else after `=` is taken as it is, without YAML's quoting.
    private func list(_ text: String) -> Node { (try? Yams.compose(yaml: text)) ?? Node(text) }

    /// Rules that hold between keys.
    private func checkConsistency(source: String) throws(ConfigurationError) {
        if training.batchSize % training.logicalShards != 0 {
            throw .inconsistent(
                source: source,
                reason: """
                    training.batch_size (\(training.batchSize)) must be a multiple of training.logical_shards \
                    (\(training.logicalShards)): each logical shard gives a step the same number of samples.
                    """)
        }
        if cache.views > 1 && cache.augmentation.isEmpty {
            throw .inconsistent(
                source: source,
                reason: """
                    cache.views is \(cache.views), but no key of cache.augmentation says how the views differ. Set some, \
                    such as flip: 0.5 and crop_scale: [0.35, 1], or cache.views: 1.
                    """)
        }
        if head.budgetBegin > head.budgetEnd {
            throw .inconsistent(
                source: source,
                reason: "head.budget_begin (\(head.budgetBegin)) must not be after head.budget_end (\(head.budgetEnd))."
            )
        }
        if head.channelMap == .identity, case .channels(let count) = head.mapRank {
            throw .inconsistent(
                source: source,
                reason: """
                    head.map_rank is \(count), but head.channel_map identity turns no channels. Set another channel map, or leave \
                    head.map_rank out.
                    """)
        }
        if let reason = reasonAgainstPosthoc { throw .inconsistent(source: source, reason: reason) }
        if head.loss != .crossEntropy, head.gauge {
            throw .inconsistent(
                source: source,
                reason: """
                    head.gauge changes no probability of head.loss cross_entropy, but those of \(head.loss.rawValue). Leave one of \
                    the two out.
                    """)
        }
        if head.start != nil, head.classifierInit != .uniform {
            throw .inconsistent(
                source: source,
                reason: """
                    head.start says where the whole head begins, and head.classifier_init (\(head.classifierInit.rawValue)) \
                    where its classifier does. Set one of them.
                    """)
        }
        if training.distillation.weight != nil, training.distillation.teacher == .start, head.start == nil,
            head.startDigest == nil
        {
            throw .inconsistent(
                source: source,
                reason: """
                    training.distillation.teacher is start, the head that the training begins with, but head.start does not \
                    say which. Set head.start to a run directory or a checkpoint.
                    """)
        }
        if head.channelMap == .identity, training.purity != .init() {
            throw .inconsistent(
                source: source,
                reason: """
                    training.purity turns channels, but head.channel_map is identity, which is not trained. Choose another \
                    channel map, or leave training.purity out.
                    """)
        }
        if let name = backbone.name, name != "demo", backbone.weights == nil {
            throw .inconsistent(
                source: source,
                reason: """
                    backbone.weights must name the weight file of \(name): only the demo backbone's weights come with the \
                    program.
                    """)
        }
        if backbone.name == nil, let weights = backbone.weights {
            throw .inconsistent(
                source: source,
                reason: """
                    backbone.weights is \(weights), but backbone.name does not say of which backbone: \
                    `infodisent backbones` lists them.
                    """)
        }
    }
}

extension RunConfiguration {
    /// What does not go together with a classifier that is kept; nil if nothing is wrong, or none is.
    private var reasonAgainstPosthoc: String? {
        guard head.mode == .posthoc else { return nil }
        if ![.backbone, .blackBox].contains(head.classifierInit) {
            return """
                head.mode posthoc keeps a classifier, and head.classifier_init (\(head.classifierInit.rawValue)) must say which: \
                black_box, the fitted linear classifier, or backbone, the network's own last layer.
                """
        }
        if head.prototypesBegin < head.prototypesEnd {
            return """
                head.prototypes_begin (\(head.prototypesBegin)) must not be less than head.prototypes_end \
                (\(head.prototypesEnd)).
                """
        }
        var mapRankIsSet = false
        if case .channels = head.mapRank { mapRankIsSet = true }
        let faults: [(key: String, isThere: Bool)] = [
            ("head.channels_per_class", head.channelsPerClass != nil),
            ("head.channels_per_image", head.channelsPerImage != nil),
            ("head.signs", head.signs != .tied), ("head.classifier_l1", head.classifierL1 != 0),
            ("head.loss", head.loss != .crossEntropy), ("head.gauge", head.gauge),
            ("head.map_rank", mapRankIsSet), ("head.start", head.start != nil || head.startDigest != nil),
            ("training.purity", training.purity != .init()),
        ]
        guard let fault = faults.first(where: \.isThere) else { return nil }
        return """
            \(fault.key) is about training a classifier, and head.mode posthoc keeps one as it is. Leave \(fault.key) out, or \
            head.mode.
            """
    }
}

extension Field {
    /// Section and key, joined by a dot.
    var path: String { "\(section).\(key)" }

    /// The section inside the section that the key stands in, if it does.
    var subsection: Substring? { key.firstIndex(of: ".").map { key[..<$0] } }
}

extension Scalars {
    /// Nil when the node nests deeper than a list.
    init?(_ node: Node) {
        switch node {
        case .scalar(let scalar):
            self.init(elements: [scalar.string], isList: false)
        case .sequence(let sequence):
            let elements = sequence.compactMap { $0.scalar?.string }
            guard elements.count == sequence.count else { return nil }
            self.init(elements: elements, isList: true)
        case .mapping, .alias:
            return nil
        }
    }
}

/// What may have been meant by a section or a key that there is not: a near one, else what the section has.
private func suggestion(for key: String) -> String? {
    let schema = RunConfiguration.schema
    guard let dot = key.lastIndex(of: ".") else {
        let sections = schema.reduce(into: [String]()) { if $0.last != $1.section { $0.append($1.section) } }
        return NameSuggestions.sentence(for: key, among: sections)
    }
    let siblings = schema.map(\.path).filter { $0.hasPrefix(key[...dot]) }
    let near = NameSuggestions.sentence(for: key, among: schema.map(\.path), listedLimit: 0)
    return near ?? NameSuggestions.sentence(for: key, among: siblings)
}
