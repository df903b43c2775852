import WeightFiles

/// What can be wrong with a request for a backbone or with its weights.
public enum BackboneError: Error, Equatable, Sendable {
    /// No backbone has this name; `nearest` are the known names most like it, best first.
    case unknownName(String, nearest: [String])
    /// The backbone has no input preset of this name; `known` are those it has, the default first.
    case unknownPreset(String, backbone: String, known: [String])
    /// The file's tensors are not those of the backbone.
    case unfittingWeights(UnfittingWeights)
    /// The file does not describe its own architecture, as that of the backbone asked for has to, but its tensors are those
    /// of other backbones.
    case otherWeights(file: String, backbone: String, fittingBackbones: [String])
    /// The file describes a network that is not the one that comes with the program, which was asked for; `name` is what
    /// stands for such files.
    case describedByFile(file: String, backbone: String, name: String)
    /// Nothing is known about the backbone without a file that describes it.
    case undescribed(backbone: String)
    /// The file's tensors are those of no backbone; `names` says what they are called.
    case unknownWeights(file: String, names: String)
    /// Several networks in the file fit; `prefixes` are what the names of each begin with.
    case severalNetworks(file: String, backbone: String, prefixes: [String])
    /// Only moving averages of the weights fit, and they were not asked for.
    case onlyAveragedWeights(file: String, backbone: String, found: [String])
    /// Moving averages of the weights were asked for, and the networks that fit are none.
    case noAveragedWeights(file: String, backbone: String, found: [String])
    /// A number that no trained network has: `expectation` says what it should be.
    case unusableValue(file: String, tensor: String, index: Int, value: Float, expectation: String)
    /// This processor cannot make the products that were asked for; `obstacle` says why.
    case unsupportedCompute(String, obstacle: String)
    /// The file does not describe its own architecture, or describes an impossible one.
    case invalidConfiguration(file: String, key: String, problem: String)

    /// The exit code (sysexits) of a program that ends with this error: wrong usage for an unknown name (a configuration
    /// file's reader makes it 78), bad data otherwise.
    public var exitCode: Int32 {
        switch self {
        case .unknownName, .unknownPreset, .undescribed: 64
        case .unsupportedCompute: 78
        default: 65
        }
    }

    /// What does not fit. Each list is complete and in a fixed order.
    public struct UnfittingWeights: Equatable, Sendable {
        public let file: String
        /// The name that was asked for.
        public let backbone: String
        /// How the file names its tensors, one of `knownLayouts`; nil if it was not recognised.
        public let layout: String?
        /// The layouts of the backbone's family.
        public let knownLayouts: [String]
        /// Canonical names, in the order in which the network asks for them.
        public let missing: [String]
        /// The file's own names, behind `prefix`, sorted.
        public let unexpected: [String]
        public let misshapen: [MisshapenTensor]
        /// What `config.json` says that is not so of this backbone.
        public let contradictions: [String]
        /// What stands before the names above in the file.
        public internal(set) var prefix: String
        /// What the names in the file look like, as a sentence.
        public internal(set) var names: String
        /// The backbones that the file does fit.
        public internal(set) var fittingBackbones: [String] = []

        public init(
            file: String, backbone: String, layout: String?, knownLayouts: [String], missing: [String],
            unexpected: [String], misshapen: [MisshapenTensor], contradictions: [String] = [], prefix: String = "",
            names: String = "", fittingBackbones: [String] = []
        ) {
            self.file = file
            self.backbone = backbone
            self.layout = layout
            self.knownLayouts = knownLayouts
            self.missing = missing
            self.unexpected = unexpected
            self.misshapen = misshapen
            self.contradictions = contradictions
            self.prefix = prefix
            self.names = names
            self.fittingBackbones = fittingBackbones
        }
    }

    /// A tensor whose shape is not the architecture's, by its canonical name.
    public struct MisshapenTensor: Equatable, Sendable {
        public let name: String
        public let expected: [Int]
        public let found: [Int]

        public init(name: String, expected: [Int], found: [Int]) {
            self.name = name
            self.expected = expected
            self.found = found
        }
    }
}

extension BackboneError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unknownName(let name, let nearest):
            "There is no backbone named \"\(name)\". "
                + (nearest.isEmpty ? "" : "Did you mean \(Self.alternatives(nearest))? ")
                + "`infodisent backbones` lists them all."
        case .unknownPreset(let preset, let backbone, let known):
            "\(backbone) has no input preset named \"\(preset)\". It has \(known.joined(separator: ", ")); "
                + "leave input.preset out for \(known.first ?? "its own")."
        case .unfittingWeights(let weights): weights.description
        case .otherWeights(let file, let backbone, let fittingBackbones):
            "\(file) does not describe its own architecture, which the backbone \(backbone) needs. These are the weights of "
                + "\(Self.alternatives(fittingBackbones)): set backbone.name to that."
        case .describedByFile(let file, let backbone, let name):
            "\(file) describes its own architecture, and is not the \(backbone) backbone that comes with the program. Set "
                + "backbone.name to \(name), which stands for such files."
        case .undescribed(let backbone):
            "What \(backbone) is stands in its weight file, which has to be given."
        case .unknownWeights(let file, let names):
            "\(file) holds the weights of no backbone that `infodisent backbones` lists. \(names) Try to load it as the one it "
                + "should be: the error then says which tensors differ."
        case .severalNetworks(let file, let backbone, let prefixes):
            "\(file) holds \(prefixes.count) networks that are \(backbone). Their names begin with "
                + "\(Self.beginnings(prefixes)): set backbone.prefix to one of these."
        case .onlyAveragedWeights(let file, let backbone, let found):
            "The only weights of \(backbone) in \(file) are averaged ones (\(Self.beginnings(found))). Set backbone.use_ema, or "
                + "--use-ema, to use them."
        case .noAveragedWeights(let file, let backbone, let found):
            "Averaged (EMA) weights of \(backbone) were asked for, and \(file) has none (found: \(Self.beginnings(found))). "
                + "Leave out backbone.use_ema or --use-ema."
        case .unsupportedCompute(let compute, let obstacle):
            "backbone.compute is \(compute), but \(obstacle). Set backbone.compute to f32, with a cache and a run of its own, or use "
                + "another machine."
        case .unusableValue(let file, let tensor, let index, let value, let expectation):
            "Element \(index) of the tensor \(tensor) in \(file) is \(value), but it has to be \(expectation). "
                + "The file is damaged or its training diverged; fetch or train it again."
        case .invalidConfiguration(let file, let key, let problem):
            "The metadata of \(file) does not describe a network: the entry \(key) \(problem). "
                + "Save the file again with the metadata that Sources/Backbones/README.md describes."
        }
    }

    /// Beginnings of names in quotes; of a network whose names have nothing before them, that.
    private static func beginnings(_ prefixes: [String]) -> String {
        alternatives(prefixes.map { $0.isEmpty ? "\"\" (nothing)" : "\"\(printable($0))\"" })
    }

    fileprivate static func alternatives(_ names: [String]) -> String {
        guard let last = names.last else { return "one of the known names" }
        return names.count == 1 ? last : names.dropLast().joined(separator: ", ") + " or " + last
    }
}

extension BackboneError.UnfittingWeights: CustomStringConvertible {
    public var description: String {
        "\(file) does not hold the weights of \(backbone): "
            + [
                Self.listing("missing", missing), Self.listing("unexpected", unexpected),
                Self.listing(
                    "of another shape",
                    misshapen.map { "\($0.name) is \($0.found) instead of \($0.expected)" }),
                contradictions.isEmpty ? nil : "config.json says that \(contradictions.joined(separator: ", "))",
            ].compactMap(\.self).joined(separator: "; ")
            + ". Its names\(prefix.isEmpty ? "" : ", behind \"\(printable(prefix))\",") are "
            + "\(layout.map { "those of \($0)" } ?? "none of \(knownLayouts.joined(separator: ", "))"). "
            + (names.isEmpty ? "" : names + " ")
            + (fittingBackbones.isEmpty
                ? "Choose the backbone that the file was saved from, or the file that belongs to \(backbone)."
                : "These are the weights of \(BackboneError.alternatives(fittingBackbones)): set backbone.name to that, "
                    + "or choose the file that belongs to \(backbone).")
    }

    private static let listedCount = 5

    private static func listing(_ title: String, _ names: [String]) -> String? {
        guard !names.isEmpty else { return nil }
        let rest = names.count - listedCount
        return "\(names.count) \(title) (\(names.prefix(listedCount).map { printable($0) }.joined(separator: ", "))"
            + (rest > 0 ? " and \(rest) more)" : ")")
    }
}
