import CounterRandom
import ImageCoding

/// Paints one picture, back to front.
///
/// Coordinates without another word are the bird's: x forwards (the beak is at +x), y downwards, about one pixel a unit in
/// a picture of 160 pixels. Each part is painted in a frame of its own that `Placement` lays into the bird's space.
struct BirdPainter {
    typealias Part = PartDataset.Part

    /// Layers of the canvas: 0 is the background, 1 the body and its perch, then the parts, then what is in front.
    enum Layer {
        static let background = 0
        static let body = 1
        static func part(_ part: Part) -> Int { 2 + Part.allCases.firstIndex(of: part)! }
        static let foreground = 7
    }

    let scene: BirdScene
    /// Of the part that is being painted: the bird's own, or for a moment that of a distractor.
    var variants: PartDataset.Variants
    let setting: PartDataset.Setting?
    let omitted: Set<Part>
    let omittedSurroundings: Set<PartDataset.Surrounding>
    var canvas: Canvas

    init(
        _ description: PartDataset.BirdDescription, omitting omitted: Set<Part>,
        surroundings: Set<PartDataset.Surrounding> = []
    ) {
        scene = BirdScene(seed: description.sceneSeed, side: description.imageSide, setting: description.setting)
        variants = description.variants
        setting = description.setting
        self.omitted = omitted
        omittedSurroundings = surroundings
        canvas = Canvas(side: description.imageSide)
    }

    mutating func paint(in light: Light) {
        paintBehind()
        for step in Self.bird { paint(step) }
        paintInFront(in: light)
    }

    /// What is painted of the bird: a part, or its body (nil), from the back to the front.
    private static let bird: [Part?] = [.tail, .foot, nil, .beak, .eye, .wing]

    private mutating func paintBehind() {
        paintBackdrop()
        paintDistractors()
        unlessOmitted(.perch) { $0.paintPerch() }
    }

    private mutating func paint(_ step: Part?) {
        guard let part = step else { return paintBody() }
        if !omitted.contains(part) { paint(part) }
    }

    private mutating func paintInFront(in light: Light) {
        unlessOmitted(.foreground) { $0.paintForeground() }
        paintObstacles()
        cast(light)
    }

    /// The pictures of what each set of parts leaves of a bird, by the set's bits in the order of `Part.allCases`. What several have
    /// in common from the back on is painted once.
    static func picturesBySet(of description: PartDataset.BirdDescription) -> [PixelImage] {
        var painter = BirdPainter(description, omitting: [])
        painter.paintBehind()
        let light = painter.makeLight()
        var pictures = [PixelImage?](repeating: nil, count: 1 << Part.allCases.count)
        func go(on painter: BirdPainter, _ steps: ArraySlice<Part?>, _ set: Int) {
            var painter = painter
            guard let step = steps.first else {
                painter.paintInFront(in: light)
                pictures[set] = painter.image()
                return
            }
            if step != nil { go(on: painter, steps.dropFirst(), set) }
            painter.paint(step)
            let bit = step.map { 1 << Part.allCases.firstIndex(of: $0)! } ?? 0
            go(on: painter, steps.dropFirst(), set | bit)
        }
        go(on: painter, bird[...], 0)
        return pictures.map { $0! }
    }

    /// The pictures of a bird without each of its surroundings.
    static func picturesWithoutSurroundings(of description: PartDataset.BirdDescription) -> [PixelImage] {
        let light = BirdPainter(description, omitting: []).makeLight()
        return description.surroundings.map {
            var painter = BirdPainter(description, omitting: [], surroundings: [$0])
            painter.paint(in: light)
            return painter.image()
        }
    }

    /// Paints what is around the bird. What is omitted is painted and taken back, so that what comes after it from the same random
    /// numbers stays where it was.
    mutating func unlessOmitted(_ surrounding: PartDataset.Surrounding, _ paint: (inout BirdPainter) -> Void) {
        let before = omittedSurroundings.contains(surrounding) ? canvas : nil
        paint(&self)
        if let before { canvas = before }
    }

    private mutating func paint(_ part: Part) {
        let jitter = scene.jitter(of: part)
        // x of a part's frame points away from the body, y downwards (beak) or outwards; see each part's file.
        let frame: Placement
        switch part {
        case .beak:
            frame = Placement(at: Point(41, -24), degrees: 4 + jitter.degrees, scale: Point(jitter.scale, jitter.scale))
        case .eye:
            frame = Placement(at: Point(29, -28), degrees: jitter.degrees, scale: Point(jitter.scale, jitter.scale))
        case .wing:
            frame = Placement(
                at: Point(8, -5), degrees: -14 + jitter.degrees, scale: Point(jitter.scale, jitter.scale),
                mirrored: true)
        case .tail:
            frame = Placement(
                at: Point(-36, 8), degrees: -10 + jitter.degrees, scale: Point(jitter.scale, jitter.scale),
                mirrored: true)
        case .foot: frame = Placement(at: Point(-2, 28), degrees: jitter.degrees * 0.3, scale: Point(jitter.scale, 1))
        }
        paint(part, Pen(layer: Layer.part(part), frame: frame, tint: jitter.tint, dye: jitter.dye))
    }

    /// Paints the part's variant in the pen's frame.
    mutating func paint(_ part: Part, _ pen: Pen) {
        var pen = pen
        switch part {
        case .beak: paintBeak(&pen)
        case .eye: paintEye(&pen)
        case .wing: paintWing(&pen)
        case .tail: paintTail(&pen)
        case .foot: paintFeet(&pen)
        }
    }

    // MARK: - Painting in a frame

    /// What the painter draws with: the layer, the frame, a change of all colours.
    struct Pen {
        let layer: Int
        var frame = Placement(at: .zero)
        var tint = Colour.zero
        var dye: BirdScene.Dye?
        /// The frame is in the picture, not on the bird.
        var isLoose = false
        /// What all colours are mixed with, and how far.
        var haze: (colour: Colour, share: Float)?
        var outline = Colour(0x2B2320)
        var outlineWidth: Float = 1.1
    }

    func pixels(_ shapes: [Shape], _ pen: Pen) -> [Shape] {
        shapes.map { pen.isLoose ? pen.frame($0) : scene.pixels(pen.frame($0)) }
    }

    private func pixel(_ point: Point, _ pen: Pen) -> Point {
        pen.isLoose ? pen.frame(point) : scene.pixel(pen.frame(point))
    }

    private func shown(_ colour: Colour, _ pen: Pen) -> Colour {
        var colour = (pen.dye.map { $0(colour) } ?? colour) + pen.tint
        if let haze = pen.haze { colour = colour.mixed(with: haze.colour.opacity(colour.w), haze.share) }
        return colour
    }

    /// Fills the union of shapes with one colour.
    mutating func fill(_ shapes: [Shape], _ colour: Colour, _ pen: Pen) {
        canvas.fill(pixels(shapes, pen), .flat(shown(colour, pen)), layer: pen.layer)
    }

    /// Fills with a gradient between two points of the pen's frame.
    mutating func fill(
        _ shapes: [Shape], from start: Point, _ first: Colour, to end: Point, _ second: Colour, _ pen: Pen
    ) {
        canvas.fill(
            pixels(shapes, pen),
            .linear(
                from: pixel(start, pen), shown(first, pen), to: pixel(end, pen), shown(second, pen)), layer: pen.layer)
    }

    /// Paints the dark rim that the shapes, filled next, will have.
    mutating func outline(_ shapes: [Shape], _ pen: Pen) {
        fill(shapes.map { $0.grown(by: pen.outlineWidth) }, pen.outline - pen.tint, pen)
    }

    mutating func stroke(_ line: [Point], _ startWidth: Float, _ endWidth: Float, _ colour: Colour, _ pen: Pen) {
        fill([.ribbon(line, startWidth, endWidth)], colour, pen)
    }

    /// Runs `paint` with everything clipped to the shapes.
    mutating func clipped(to shapes: [Shape], _ pen: Pen, _ paint: (inout BirdPainter) -> Void) {
        let regions = pixels(shapes, pen)
        // The canvas keeps the clip; the painter is handed on whole so that its other helpers can be used inside.
        canvas.pushClip(regions)
        paint(&self)
        canvas.popClip()
    }

    /// The picture, rounded to 8 bits.
    func image() -> PixelImage {
        var bytes = [UInt8](repeating: 0, count: canvas.side * canvas.side * 3)
        for (pixel, colour) in canvas.colours.enumerated() {
            let scaled = (colour * 255 + 0.5).clamped(
                lowerBound: Colour(repeating: 0), upperBound: Colour(repeating: 255))
            bytes[3 * pixel] = UInt8(scaled.x)
            bytes[3 * pixel + 1] = UInt8(scaled.y)
            bytes[3 * pixel + 2] = UInt8(scaled.z)
        }
        return PixelImage(width: canvas.side, height: canvas.side, pixels: bytes)
    }
}
