import CounterRandom

/// Everything of a picture that does not tell its class: pose, place, plumage, light, perch and background.
///
/// All of it is drawn from the scene's seed before anything is painted, so leaving a part out or exchanging it changes
/// nothing else.
struct BirdScene {
    /// Small deviations of one part from its plain form.
    struct PartJitter {
        let degrees: Float
        let scale: Float
        /// Added to red, green, blue.
        let tint: Colour
        var dye: Dye?
    }

    /// A colour that takes the place of some of a part's own, at the same light: what is left to tell variants by is form.
    struct Dye {
        /// Of light 1.
        let colour: Colour

        init(_ stream: inout RandomStream) {
            let plain = Colour(
                stream.float(in: 0.1...1), stream.float(in: 0.1...1), stream.float(in: 0.1...1), 1)
            let light = plain.light
            colour = Colour(plain.x / light, plain.y / light, plain.z / light, 1)
        }

        func callAsFunction(_ own: Colour) -> Colour {
            let dyed = (colour * own.light).clamped(
                lowerBound: Colour(repeating: 0), upperBound: Colour(repeating: 1))
            return own.mixed(with: dyed.opacity(own.w), PartDataset.Hardness.dyed)
        }
    }

    let side: Int
    /// From the bird's space (about 140 units long, facing right) to pixels, but for the perspective.
    let pose: Placement
    /// Division by `1 + perspective · p` before the pose is applied.
    let perspective: Point
    let jitters: [PartJitter]

    let back: Colour
    let belly: Colour
    let crown: Colour?
    let isStreaked: Bool

    let branchDegrees: Float
    let branchWidth: Float
    let bark: Colour

    let brightness: Float
    let tint: Colour
    /// Unit direction in which it gets darker.
    let shadowDirection: Point
    let shadowStrength: Float

    let background: Background
    private let seed: UInt64

    struct Background {
        let top: Colour
        let bottom: Colour
        let accents: [Colour]
        let leaf: Colour
    }

    /// Sub-streams of a scene; the numbers are part of every recorded result.
    enum Element: Int {
        case scene = 0
        case backdrop = 1
        case perch = 2
        case foreground = 3
        case grain = 4
        /// Of the hard level.
        case colours = 5
        case distractor = 6
        case obstacle = 7
    }

    /// - Parameter number: of several elements of a kind, from 0.
    func stream(_ element: Element, _ number: Int = 0) -> RandomStream {
        RandomStream(seed: seed, purpose: .partDataset, element.rawValue, 1 + number)
    }

    init(seed: UInt64, side: Int, setting: PartDataset.Setting? = nil) {
        typealias Hardness = PartDataset.Hardness
        self.seed = seed
        self.side = side
        var stream = RandomStream(seed: seed, purpose: .partDataset, Element.scene.rawValue, 1)

        // Pose. The bird spans x in -74...70 and y in -52...50; the middle of that goes near the middle of the picture.
        let (size, deviation) = setting == nil ? (1, 1) : (Hardness.size, Hardness.jitter)
        let pixelsPerUnit = Float(side) / 160 * stream.float(in: 0.74...1.05) * size
        let facesLeft = stream.chance(0.5)
        let degrees = stream.float(in: -18...18)
        let foreshortening = stream.float(in: 0.8...1)
        let height = stream.float(in: 0.92...1.06)
        let place =
            Point(stream.float(in: -1...1), stream.float(in: -1...1))
            * (Point(0.4, 0.3) - Point(0.35, 0.21) * (pixelsPerUnit * 160 / Float(side))) * Float(side)
        perspective = Point(stream.float(in: -0.0018...0.0018), stream.float(in: -0.0018...0.0018))
        var pose = Placement(
            at: .zero, degrees: degrees, scale: Point(pixelsPerUnit * foreshortening, pixelsPerUnit * height),
            mirrored: facesLeft)
        pose.origin = Point(repeating: Float(side) / 2) + place - pose(Point(-1, 0))
        self.pose = pose
        var colours = RandomStream(seed: seed, purpose: .partDataset, Element.colours.rawValue, 1)
        jitters = PartDataset.Part.allCases.map { _ in
            let degrees = stream.float(in: -10...10)
            let scale = stream.float(in: 0.88...1.1)
            let tint = Colour(
                stream.float(in: -0.09...0.09), stream.float(in: -0.09...0.09), stream.float(in: -0.09...0.09), 0)
            return PartJitter(
                degrees: degrees * deviation, scale: 1 + (scale - 1) * deviation, tint: tint,
                dye: setting == nil ? nil : Dye(&colours))
        }

        // Plumage.
        let anyPlumage = stream.element(of: Self.plumages)
        let plumage = setting.map { Self.plumages[$0.plumage] } ?? anyPlumage
        let shade = stream.float(in: 0.88...1.12)
        back = Colour(plumage.back).lit(shade)
        belly = Colour(plumage.belly).lit(stream.float(in: 0.92...1.03))
        let crowns: [UInt32] = [0x3C3A3A, 0xB8862F, 0x8D3B2F, 0x4F6A86, 0xEFE7D6]
        let crownColour = Colour(stream.element(of: crowns))
        crown = stream.chance(0.35) ? crownColour : nil
        isStreaked = stream.chance(0.35)

        // Perch.
        branchDegrees = stream.float(in: -6...6)
        branchWidth = stream.float(in: 7...11)
        let barks: [UInt32] = [0x6B4E37, 0x574A42, 0x7A6A58, 0x8A6B4B, 0x4A3B33]
        bark = Colour(stream.element(of: barks)).lit(stream.float(in: 0.9...1.15))

        // Light.
        brightness = stream.float(in: 0.66...1.12)
        let warmth = stream.float(in: -0.1...0.1)
        tint = Colour(1 + warmth, 1 + stream.float(in: -0.04...0.04), 1 - warmth, 1)
        shadowDirection = Point(degrees: stream.float(in: 0...360))
        shadowStrength = stream.float(in: 0...0.5)

        // Background.
        let anyHabitat = stream.element(of: Self.habitats)
        let chosen = setting.map { Self.habitats[$0.habitat] } ?? anyHabitat
        let light = stream.float(in: 0.88...1.08)
        background = Background(
            top: Colour(chosen.top).lit(light), bottom: Colour(chosen.bottom).lit(light),
            accents: chosen.accents.map { Colour($0).lit(light) }, leaf: Colour(chosen.leaf).lit(light))
    }

    /// Colours of back and belly; their numbers are part of recorded settings.
    static let plumages: [(back: UInt32, belly: UInt32)] = [
        (0x8A6A4A, 0xE6D3B3), (0x7C8790, 0xDCE1E4), (0x77794A, 0xE3DFA9), (0xB59467, 0xF3E5C8),
        (0x5C6F87, 0xD7C4A8), (0x9A5B3B, 0xEBC9A2), (0xC9BDA8, 0xF6F0E2), (0x6C5A70, 0xDFCFDA),
        (0x58483C, 0xC9A98A), (0x8FA08A, 0xE9EBD2),
    ]

    /// Colours of sky and plants; their numbers are part of recorded settings.
    static let habitats: [(top: UInt32, bottom: UInt32, accents: [UInt32], leaf: UInt32)] = [
        (0x8EC6EA, 0xE4F1F4, [0xFFFFFF, 0xBFDDEE, 0xA9CFA0], 0x5E8F45),
        (0x2F5A3A, 0x86AE5C, [0xA9C96B, 0x1F4630, 0xD4DE8D], 0x4C7A34),
        (0x6E7FA8, 0xF3C79A, [0xFFE0B0, 0xE59A83, 0x8C7FA6], 0x5D5A3C),
        (0xB9773F, 0xEFCB83, [0xD9542F, 0xF4DD9A, 0x8A5A2C], 0xC2602B),
        (0xAEB6BB, 0xE0E2DF, [0xF4F4F0, 0x8F9AA0, 0xC6CFC0], 0x6F8068),
        (0xB7D77A, 0xF2F0B8, [0xFFF8D0, 0x7FB257, 0xE8C65A], 0x6FA040),
        (0x4B7C8A, 0xB7D9C9, [0x2F5B6A, 0xE2F2DE, 0x7FB5A5], 0x3F7D5C),
        (0xD9A6B4, 0xF7E4DC, [0xFFFFFF, 0xC77F94, 0xEBD0B5], 0x8A9A58),
        (0x394A63, 0x8195A8, [0xB8C7D2, 0x2A3648, 0xA7A27C], 0x3F5A48),
    ]

    /// Where a point of the bird's space is in the picture, in pixels.
    func pixel(_ point: Point) -> Point {
        pose(point / (1 + (perspective * point).sum()))
    }

    func pixels(_ shape: Shape) -> Shape { Shape(shape.points.map(pixel)) }

    func jitter(of part: PartDataset.Part) -> PartJitter { jitters[PartDataset.Part.allCases.firstIndex(of: part)!] }
}

extension RandomStream {
    mutating func float(in range: ClosedRange<Double>) -> Float { Float(uniform(in: range)) }

    mutating func chance(_ probability: Double) -> Bool { uniform() < probability }

    mutating func element<Element>(of elements: [Element]) -> Element { elements[below(elements.count)] }
}
