import CounterRandom

extension PartDataset {
    /// How hard it is to tell the classes apart.
    public enum Level: String, CaseIterable, Sendable {
        /// Every part shows, has colours of its own, and nothing else in the picture looks like it.
        case easy
        /// Parts are told by form rather than colour, are partly hidden, and parts of other classes lie about; in the few training
        /// images the surroundings go with the class, in the test images they do not. See `Setting`.
        case hard

        /// Training images of each class, unless asked for otherwise.
        public var trainPerClass: Int {
            switch self {
            case .easy: 60
            case .hard: Hardness.trainPerClass
            }
        }

        /// Number of things around a bird that it can be drawn without.
        public var surroundingCount: Int { PartDataset.surroundings(distractorCount: distractorCount, at: self).count }

        var distractorCount: Int { self == .hard ? Hardness.distractorCount : 0 }
        var obstacleCount: Int { self == .hard ? Hardness.obstacleCount : 0 }

        /// Version of the files and of the drawing; a program that does not know the level must not draw its birds.
        var schemaVersion: Int { self == .easy ? 1 : 2 }
    }

    /// What makes the level hard, and by how much. (Part of every recorded result.)
    enum Hardness {
        static let trainPerClass = 20
        static let distractorCount = 6
        static let obstacleCount = 3
        /// How often a training image has the habitat and the plumage of its class, each by itself.
        static let surroundingsGoWithClass = 0.5
        /// How often a distractor of a training image is the one variant that goes with its bird's.
        static let distractorsGoWithParts = 0.5
        /// The share of its colour that a part has from the image instead of from its variant.
        static let dyed: Float = 0.34
        /// The bird's size, relative to that of the easy level.
        static let size: Float = 0.9
        /// How far parts deviate from their plain form, relative to the easy level.
        static let jitter: Float = 1.6
        /// Lengths of leaves in front of the bird, in 160ths of the side.
        static let leafLengths = 12.0...22.0
        /// A distractor's size, relative to the bird's part, and how far it is faded into the background.
        static let distractorSizes = 0.6...1.0
        static let distractorHaze = 0.05...0.4
    }

    /// What an image of the hard level has beside its scene, in words: it says which of the training images' regularities are there.
    ///
    /// Training images of a class often have one habitat and one plumage, and where their bird has a variant of a part, the next
    /// variant of that part often lies about. In test images all of this is drawn regardless of the class.
    public struct Setting: Codable, Equatable, Sendable {
        /// A part of other classes that lies in the background.
        public struct Distractor: Hashable, Sendable {
            public var part: Part
            /// In `part.variantNames`.
            public var variant: Int

            /// - Precondition: the part has the variant.
            public init(part: Part, variant: Int) {
                precondition(part.variantNames.indices.contains(variant), "\(part) has no variant \(variant)")
                self.part = part
                self.variant = variant
            }
        }

        /// Sky and plants, one of `BirdScene.habitats`.
        public var habitat: Int
        /// Colours of back and belly, one of `BirdScene.plumages`.
        public var plumage: Int
        public var distractors: [Distractor]

        /// - Precondition: habitat and plumage are ones that there are, and there are at most 12 distractors.
        public init(habitat: Int, plumage: Int, distractors: [Distractor]) {
            precondition(BirdScene.habitats.indices.contains(habitat), "there is no habitat \(habitat)")
            precondition(BirdScene.plumages.indices.contains(plumage), "there is no plumage \(plumage)")
            precondition(distractors.count <= Self.distractorLimit, "\(distractors.count) distractors are too many")
            self.habitat = habitat
            self.plumage = plumage
            self.distractors = distractors
        }

        /// Sets of what is important in a picture have 32 bits.
        static let distractorLimit = 12

        /// The setting of an image of a class: all draws are made, so that one of them does not move the next.
        init(classIndex: Int, split: Split, _ stream: inout RandomStream) {
            let variants = PartDataset.variants(ofClass: classIndex)
            func isTypical(_ probability: Double) -> Bool {
                let chance = stream.chance(probability)
                return chance && split == .train
            }
            let (habitats, plumages) = (BirdScene.habitats.count, BirdScene.plumages.count)
            let habitat = stream.below(habitats)
            self.habitat = isTypical(Hardness.surroundingsGoWithClass) ? classIndex % habitats : habitat
            let plumage = stream.below(plumages)
            self.plumage = isTypical(Hardness.surroundingsGoWithClass) ? classIndex / habitats % plumages : plumage
            var distractors: [Distractor] = []
            for _ in 0..<Hardness.distractorCount {
                let part = stream.element(of: Part.allCases)
                let count = part.variantNames.count
                let step = 1 + stream.below(count - 1)
                distractors.append(
                    Distractor(
                        part: part,
                        variant: (variants[part] + (isTypical(Hardness.distractorsGoWithParts) ? 1 : step)) % count))
            }
            self.distractors = distractors
        }

        private enum CodingKeys: String, CodingKey { case habitat, plumage, distractors }

        public init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            func number(_ key: CodingKeys, below limit: Int) throws -> Int {
                let value = try container.decode(Int.self, forKey: key)
                guard (0..<limit).contains(value) else {
                    throw DecodingError.dataCorruptedError(
                        forKey: key, in: container, debugDescription: "\(value) is not in 0 to \(limit - 1)")
                }
                return value
            }
            habitat = try number(.habitat, below: BirdScene.habitats.count)
            plumage = try number(.plumage, below: BirdScene.plumages.count)
            distractors = try container.decode([Distractor].self, forKey: .distractors)
            guard distractors.count <= Self.distractorLimit else {
                throw DecodingError.dataCorruptedError(
                    forKey: .distractors, in: container,
                    debugDescription: "\(distractors.count) are too many: at most \(Self.distractorLimit) are drawn")
            }
        }
    }
}

extension PartDataset.Level: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let name = try container.decode(String.self)
        guard let level = Self(rawValue: name) else {
            let known = Self.allCases.map(\.rawValue).joined(separator: " and ")
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "there is no level \(name), only \(known)")
        }
        self = level
    }
}

extension PartDataset.Setting.Distractor: Codable {
    private enum CodingKeys: String, CodingKey { case part, variant }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(part, forKey: .part)
        try container.encode(part.variantNames[variant], forKey: .variant)
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        part = try container.decode(PartDataset.Part.self, forKey: .part)
        let name = try container.decode(String.self, forKey: .variant)
        guard let number = part.variantNames.firstIndex(of: name) else {
            throw DecodingError.dataCorruptedError(
                forKey: .variant, in: container,
                debugDescription: "\(part.rawValue) is one of \(part.variantNames), not \(name)")
        }
        variant = number
    }
}
