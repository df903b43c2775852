/// What can be wrong with a request for a backbone or with its weights.
public enum BackboneError: Error, Equatable, Sendable {
    /// No backbone has this name; `nearest` are the known names most like it, best first.
    case unknownName(String, nearest: [String])
    /// The file's tensors are not those of the backbone. Each list is complete and in a fixed order.
    case unfittingWeights(
        file: String, backbone: String, missing: [String], unexpected: [String], misshapen: [MisshapenTensor])
    /// A number that no trained network has: `expectation` says what it should be.
    case unusableValue(file: String, tensor: String, index: Int, value: Float, expectation: String)
    /// The file does not describe its own architecture, or describes an impossible one.
    case invalidConfiguration(file: String, key: String, problem: String)

    /// The exit code (sysexits) of a program that ends with this error: wrong usage for an unknown name (a configuration
    /// file's reader makes it 78), bad data otherwise.
    public var exitCode: Int32 {
        if case .unknownName = self { 64 } else { 65 }
    }

    /// A tensor whose shape is not the architecture's.
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
            "There is no backbone named \"\(name)\". Did you mean \(Self.alternatives(nearest))? "
                + "`infodisent backbones` lists them all."
        case .unfittingWeights(let file, let backbone, let missing, let unexpected, let misshapen):
            "\(file) does not hold the weights of \(backbone): "
                + [
                    Self.listing("missing", missing), Self.listing("unexpected", unexpected),
                    Self.listing(
                        "of another shape",
                        misshapen.map { "\($0.name) is \($0.found) instead of \($0.expected)" }),
                ].compactMap(\.self).joined(separator: "; ")
                + ". Choose the backbone that the file was saved from, or the file that belongs to \(backbone)."
        case .unusableValue(let file, let tensor, let index, let value, let expectation):
            "Element \(index) of the tensor \(tensor) in \(file) is \(value), but it has to be \(expectation). "
                + "The file is damaged or its training diverged; fetch or train it again."
        case .invalidConfiguration(let file, let key, let problem):
            "The metadata of \(file) does not describe a network: the entry \(key) \(problem). "
                + "Save the file again with the metadata that Sources/Backbones/README.md describes."
        }
    }

    private static let listedCount = 5

    private static func listing(_ title: String, _ names: [String]) -> String? {
        guard !names.isEmpty else { return nil }
        let rest = names.count - listedCount
        return "\(names.count) \(title) (\(names.prefix(listedCount).joined(separator: ", "))"
            + (rest > 0 ? " and \(rest) more)" : ")")
    }

    private static func alternatives(_ names: [String]) -> String {
        guard let last = names.last else { return "one of the known names" }
        return names.count == 1 ? last : names.dropLast().joined(separator: ", ") + " or " + last
    }
}
