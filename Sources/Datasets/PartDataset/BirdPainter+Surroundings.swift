import CounterRandom

extension BirdPainter {
    /// The side of the picture in bird units, about: what scatters over the whole picture is measured in pixels.
    var side: Float { Float(scene.side) }
    /// Pixels in one hundred-and-sixtieth of the side.
    var unit: Float { side / 160 }

    /// Sky or foliage out of focus, distant twigs and leaves.
    mutating func paintBackdrop() {
        var stream = scene.stream(.backdrop)
        let background = scene.background
        let tilt = Point(degrees: 90 + stream.float(in: -20...20))
        let (side, unit) = (side, unit)
        canvas.flood { point in
            let share = ((point / side - 0.5) * tilt).sum() + 0.5
            return background.top.mixed(with: background.bottom, min(max(share, 0), 1))
        }
        unlessOmitted(.glows) { painter in
            for _ in 0..<7 + stream.below(7) {
                let centre = Point(stream.float(in: -0.1...1.1), stream.float(in: -0.1...1.1)) * side
                painter.canvas.glow(
                    at: centre, radius: stream.float(in: 12...52) * unit,
                    stream.element(of: background.accents).opacity(stream.float(in: 0.25...0.7)))
            }
        }
        unlessOmitted(.twigs) { painter in
            for _ in 0..<stream.below(4) {
                let start = Point(stream.float(in: -0.1...1.1), stream.chance(0.5) ? -0.05 : 1.05) * side
                let end = start + Point(degrees: stream.float(in: 0...360)) * (side * stream.float(in: 0.4...0.9))
                painter.paintTwig(
                    from: start, to: end, width: stream.float(in: 1.2...3), haze: 0.45, layer: Layer.background, &stream
                )
            }
        }
        unlessOmitted(.leaves) { painter in
            for _ in 0..<stream.below(9) {
                let centre = Point(stream.float(in: 0...1), stream.float(in: 0...1)) * side
                painter.paintLeaf(
                    at: centre, size: stream.float(in: 8...20), haze: stream.float(in: 0.25...0.6),
                    layer: Layer.background,
                    &stream)
            }
        }
        unlessOmitted(.berries) { painter in
            for _ in 0..<stream.below(6) {
                // Berries and blossoms.
                let centre = Point(stream.float(in: 0...1), stream.float(in: 0...1)) * side
                let colour = Colour(stream.element(of: [0xC9453B, 0xF2F2EE, 0xE7B93E, 0x6E5AA8, 0x2F7FA8]))
                let radius = stream.float(in: 2...4.5) * unit
                painter.canvas.fill(
                    [.circle(at: centre, radius)],
                    .radial(
                        at: centre - radius * 0.3, radius: radius * 1.3,
                        colour.mixed(with: Colour(0xFFFFFF), 0.4).opacity(0.85), colour.opacity(0.85)),
                    layer: Layer.background)
            }
        }
        unlessOmitted(.feathers) { painter in
            for _ in 0..<stream.below(4) { painter.paintLooseFeather(&stream) }
        }
    }

    /// The branch the bird stands on, through the picture, with bark and a few leaves.
    mutating func paintPerch() {
        var stream = scene.stream(.perch)
        let pen = Pen(
            layer: Layer.body, frame: Placement(at: Point(-2, 44 + scene.branchWidth / 2), degrees: scene.branchDegrees)
        )
        let width = scene.branchWidth
        let bow = stream.float(in: -5...5)
        let line = Shape.curve(
            Point(-230, bow * 3), Point(-75, -bow), Point(75, -bow), Point(230, bow * 2), steps: 24)
        let branch = Shape.ribbon(line, width * stream.float(in: 0.8...1.3), width * stream.float(in: 0.7...1.2))
        var thin = pen
        thin.outlineWidth = 0.8
        for _ in 0..<1 + stream.below(3) {
            let start = Point(stream.float(in: -70...70), 0)
            let end =
                start + Point(stream.float(in: -25...25), stream.float(in: 10...26) * (stream.chance(0.7) ? 1 : -1))
            let twig = Shape.ribbon(Shape.curve(start, start + Point(0, 3), end - Point(3, 3), end, steps: 8), 3.2, 1.2)
            outline([twig], thin)
            fill([twig], scene.bark.lit(0.9), pen)
            paintLeaf(
                at: scene.pixel(pen.frame(end)), size: stream.float(in: 9...16), haze: 0, layer: Layer.body, &stream)
        }
        outline([branch], thin)
        fill(
            [branch], from: Point(0, -width / 2), scene.bark.lit(1.3), to: Point(0, width / 2), scene.bark.lit(0.65),
            pen)
        for _ in 0..<14 {
            let at = Point(stream.float(in: -90...90), stream.float(in: -0.35...0.35) * width)
            stroke(
                [at, at + Point(stream.float(in: 5...14), stream.float(in: -0.6...0.6))], 1, 0.4,
                (stream.chance(0.5) ? Colour(0, 0, 0, 0.3) : Colour(1, 0.95, 0.85, 0.22)), pen)
        }
    }

    /// Often some leaves and now and then a twig in front; they may hide some of a part, seldom all of it.
    mutating func paintForeground() {
        var stream = scene.stream(.foreground)
        let head = scene.pixel(Point(36, -26))
        let feet = scene.pixel(Point(-2, 40))
        if stream.chance(0.3) {
            let start = Point(stream.float(in: 0...1), stream.chance(0.5) ? -0.05 : 1.05) * side
            let end = start + Point(degrees: stream.float(in: 0...360)) * (side * stream.float(in: 0.4...0.8))
            paintTwig(
                from: start, to: end, width: stream.float(in: 1.5...3), haze: 0, layer: Layer.foreground, &stream)
        }
        for _ in 0..<stream.below(6) {
            let centre = Point(stream.float(in: 0...1), stream.float(in: 0...1)) * side
            let size = stream.float(in: 12...26)
            var leafStream = stream
            _ = stream.next()
            _ = stream.next()
            guard (centre - head).length > 22 * unit, (centre - feet).length > 18 * unit else { continue }
            paintLeaf(at: centre, size: size, haze: 0, layer: Layer.foreground, &leafStream)
        }
    }

    // MARK: - Plants, in pixels

    mutating func paintTwig(
        from start: Point, to end: Point, width: Float, haze: Float, layer: Int, _ stream: inout RandomStream
    ) {
        let bend = (end - start).turned * stream.float(in: -0.25...0.25)
        let line = Shape.curve(start, start + (end - start) / 3 + bend, end - (end - start) / 3 + bend, end, steps: 14)
        let colour = scene.bark.mixed(with: scene.background.bottom, haze)
        canvas.fill([.ribbon(line, width * unit * 1.4, width * unit * 0.6)], .flat(colour), layer: layer)
        for index in stride(from: 4, to: line.count, by: 4) {
            paintLeaf(at: line[index], size: stream.float(in: 6...13), haze: haze, layer: layer, &stream)
        }
    }

    /// A feather in the air, coloured like some wing or tail: colour alone must not tell a part.
    private mutating func paintLooseFeather(_ stream: inout RandomStream) {
        let colours: [UInt32] = [
            0x3A7FD8, 0x2A2B30, 0xE8552F, 0xC98A3A, 0x3FA54A, 0x7E3FB4, 0xF2D53A, 0xF3EEE4, 0xD0459A,
        ]
        let colour = Colour(stream.element(of: colours)).lit(stream.float(in: 0.85...1.1))
        let base = Point(stream.float(in: 0...1), stream.float(in: 0...1)) * side
        let length = stream.float(in: 14...28) * unit
        let degrees = stream.float(in: 0...360)
        let feather = Shape.feather(
            from: base, degrees: degrees, length: length, width: length * stream.float(in: 0.22...0.36),
            round: stream.chance(0.5))
        let along = Point(degrees: degrees) * length
        canvas.fill([feather.grown(by: 0.7 * unit)], .flat(colour.lit(0.4)), layer: Layer.background)
        canvas.fill(
            [feather], .linear(from: base, colour.lit(1.15), to: base + along, colour.lit(0.8)),
            layer: Layer.background)
        canvas.fill(
            [.ribbon([base - along * 0.15, base + along * 0.9], 1.1 * unit, 0.6 * unit)], .flat(colour.lit(0.45)),
            layer: Layer.background)
    }

    /// A leaf with its stalk at `point`; `haze` in [0, 1] fades it into the background.
    mutating func paintLeaf(at point: Point, size: Float, haze: Float, layer: Int, _ stream: inout RandomStream) {
        let degrees = stream.float(in: 0...360)
        let shade = stream.float(in: 0.75...1.25)
        let width = stream.float(in: 0.35...0.55)
        let leaf = Shape.feather(
            from: point, degrees: degrees, length: size * unit, width: size * unit * width, round: false)
        let colour = scene.background.leaf.lit(shade).mixed(with: scene.background.bottom, haze).opacity(1)
        let tip = leaf.points[8]
        if haze == 0 { canvas.fill([leaf.grown(by: 0.7 * unit)], .flat(colour.lit(0.5)), layer: layer) }
        canvas.fill([leaf], .linear(from: point, colour.lit(0.85), to: tip, colour.lit(1.15)), layer: layer)
        canvas.fill(
            [.ribbon([point, point + (tip - point) * 0.9], 0.9 * unit, 0.5 * unit)],
            .flat(colour.lit(0.65).opacity(0.8)), layer: layer)
    }
}
