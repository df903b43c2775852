extension PartDataset {
    /// A part of a bird that tells classes apart, in the order in which class names list them.
    public enum Part: String, Codable, CaseIterable, Sendable, CodingKeyRepresentable {
        case beak, eye, wing, tail, foot

        /// The names of the part's variants; a variant has its own form and its own colours.
        public var variantNames: [String] {
            switch self {
            case .beak: ["cone", "hook", "sickle", "toucan"]
            case .eye: ["bead", "owl", "mask"]
            case .wing: ["barred", "blade", "raised", "scaled", "fringed", "dotted"]
            case .tail: ["fan", "fork", "ladder", "cocked", "plume", "lyre"]
            case .foot: ["perching", "webbed", "booted", "taloned"]
            }
        }
    }

    /// One variant of every part: what a class is.
    public struct Variants: Hashable, Sendable {
        private var numbers: [Int]

        /// Variants by number, in the order of `Part.allCases`.
        ///
        /// - Precondition: there is one number for each part, below the part's number of variants.
        public init(_ numbers: [Int]) {
            precondition(
                numbers.count == Part.allCases.count
                    && zip(numbers, Part.allCases).allSatisfy { $1.variantNames.indices.contains($0) },
                "\(numbers) are not variants of \(Part.allCases.map(\.rawValue))")
            self.numbers = numbers
        }

        public subscript(_ part: Part) -> Int {
            get { numbers[Part.allCases.firstIndex(of: part)!] }
            set {
                precondition(part.variantNames.indices.contains(newValue), "\(part) has no variant \(newValue)")
                numbers[Part.allCases.firstIndex(of: part)!] = newValue
            }
        }

        /// The name of one part's variant, such as `hook`.
        public func name(of part: Part) -> String { part.variantNames[self[part]] }

        /// The number of parts that differ.
        public func differences(from other: Variants) -> Int {
            zip(numbers, other.numbers).count { $0 != $1 }
        }
    }
}

extension PartDataset.Variants: Codable {
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: PartDataset.Part.Key.self)
        for part in PartDataset.Part.allCases { try container.encode(name(of: part), forKey: .init(part: part)) }
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: PartDataset.Part.Key.self)
        self.init(
            try PartDataset.Part.allCases.map { part in
                let name = try container.decode(String.self, forKey: .init(part: part))
                guard let number = part.variantNames.firstIndex(of: name) else {
                    throw DecodingError.dataCorruptedError(
                        forKey: .init(part: part), in: container,
                        debugDescription: "\(part.rawValue) is one of \(part.variantNames), not \(name)")
                }
                return number
            })
    }
}

extension PartDataset.Part {
    struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(part: PartDataset.Part) { stringValue = part.rawValue }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}
