import CounterRandom
import ImageCoding

extension PartDataset {
    /// All that is needed to draw an image: change `variants` to exchange a part, nothing else of the picture changes.
    public struct BirdDescription: Codable, Equatable, Sendable {
        public var variants: Variants
        /// Determines everything else: pose, light, plumage, perch, background. Below 2^53, so that any JSON reader keeps it.
        public var sceneSeed: UInt64
        /// Width and height in pixels.
        public var imageSide: Int
        /// Of the hard level; nil of the easy one.
        public var setting: Setting?

        public var level: Level { setting == nil ? .easy : .hard }

        /// The things around the bird that it can be drawn without, one at a time.
        public var surroundings: [Surrounding] {
            PartDataset.surroundings(distractorCount: setting?.distractors.count ?? 0, at: level)
        }

        public init(variants: Variants, sceneSeed: UInt64, imageSide: Int, setting: Setting? = nil) {
            self.variants = variants
            self.sceneSeed = sceneSeed
            self.imageSide = imageSide
            self.setting = setting
        }

        private enum CodingKeys: String, CodingKey { case variants, sceneSeed, imageSide, level, setting }

        public func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(variants, forKey: .variants)
            try container.encode(sceneSeed, forKey: .sceneSeed)
            try container.encode(imageSide, forKey: .imageSide)
            if let setting {
                try container.encode(level, forKey: .level)
                try container.encode(setting, forKey: .setting)
            }
        }

        public init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            variants = try container.decode(Variants.self, forKey: .variants)
            sceneSeed = try container.decode(UInt64.self, forKey: .sceneSeed)
            imageSide = try container.decode(Int.self, forKey: .imageSide)
            guard sideRange.contains(imageSide) else {
                throw DecodingError.dataCorruptedError(
                    forKey: .imageSide, in: container,
                    debugDescription: "birds are drawn on \(sideRange) pixels, not \(imageSide)")
            }
            switch try container.decodeIfPresent(Level.self, forKey: .level) ?? .easy {
            case .easy: setting = nil
            case .hard: setting = try container.decode(Setting.self, forKey: .setting)
            }
        }
    }

    /// What shows of one part in an image.
    public struct PartRegion: Codable, Equatable, Sendable {
        public let part: Part
        /// Left, top, right and bottom edge in pixels.
        public let box: [Int]
        /// Outlines of the pieces, each as x and y of its corners in turn, in pixels from the upper left edge. Holes are
        /// not recorded.
        public let polygons: [[Int]]
        /// Number of pixels of which the part has at least half.
        public let area: Int
    }

    public struct Drawing: Equatable, Sendable {
        public let image: PixelImage
        /// The parts that show, in the order of `Part.allCases`.
        public let parts: [PartRegion]
    }

    /// The description of image `index` of a class and split.
    ///
    /// - Parameter classIndex: in 0..<`PartDataset.classCount`, whatever class a data set begins with.
    public static func description(
        seed: UInt64, split: Split, classIndex: Int, index: Int, imageSide: Int = Options().imageSide,
        level: Level = .easy
    ) -> BirdDescription {
        let number = index << 1 | (split == .train ? 0 : 1)
        // Purposes' second number has 24 bits; 1 << 23 keeps these streams apart from those inside a scene.
        var stream = RandomStream(seed: seed, purpose: .partDataset, classIndex, 1 << 23 | number)
        var bird = BirdDescription(
            variants: variants(ofClass: classIndex), sceneSeed: stream.next() >> 11, imageSide: imageSide)
        if level == .hard { bird.setting = Setting(classIndex: classIndex, split: split, &stream) }
        return bird
    }

    /// Things around the bird that have nothing to do with its class.
    public enum Surrounding: Hashable, Sendable {
        /// Lights out of focus, distant twigs, leaves, berries and loose feathers behind the bird.
        case glows, twigs, leaves, berries, feathers
        /// The branch it stands on.
        case perch
        /// Leaves and twigs in front of it.
        case foreground
        /// A part of other classes in the background, by its place in `Setting.distractors`.
        case distractor(Int)
        /// A twig (the first) or a bunch of leaves in front of some part.
        case obstacle(Int)

        /// Those of every bird.
        public static let common: [Surrounding] = [.glows, .twigs, .leaves, .berries, .feathers, .perch, .foreground]
    }

    static func surroundings(distractorCount: Int, at level: Level) -> [Surrounding] {
        Surrounding.common + (0..<distractorCount).map { .distractor($0) }
            + (0..<level.obstacleCount).map { .obstacle($0) }
    }

    /// Draws the bird, without the parts and the surroundings in `omitted`; pixels that none of these touches are those of the
    /// whole picture.
    ///
    /// - Precondition: the image side is 128 to 1024 pixels.
    public static func draw(
        _ description: BirdDescription, omitting omitted: Set<Part> = [], surroundings: Set<Surrounding> = []
    ) -> Drawing {
        checkSide(of: description)
        var painter = BirdPainter(description, omitting: omitted, surroundings: surroundings)
        painter.paint(in: painter.makeLight())
        let parts = Part.allCases.compactMap { part in
            MaskOutline(of: painter.canvas, layer: BirdPainter.Layer.part(part)).map {
                PartRegion(part: part, box: $0.box, polygons: $0.polygons, area: $0.area)
            }
        }
        return Drawing(image: painter.image(), parts: parts)
    }

    /// The images of `draw` for all sets of parts, by the bits of those that are left (bit i is `Part.allCases[i]`): much
    /// sooner than one by one.
    public static func picturesBySet(of description: BirdDescription) -> [PixelImage] {
        checkSide(of: description)
        return BirdPainter.picturesBySet(of: description)
    }

    /// The images of `draw` without each of the bird's surroundings.
    public static func picturesWithoutSurroundings(of description: BirdDescription) -> [PixelImage] {
        checkSide(of: description)
        return BirdPainter.picturesWithoutSurroundings(of: description)
    }

    private static func checkSide(of description: BirdDescription) {
        precondition(
            sideRange.contains(description.imageSide),
            "birds are drawn on \(sideRange) pixels, not \(description.imageSide)")
    }
}
