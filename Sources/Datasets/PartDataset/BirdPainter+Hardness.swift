import CounterRandom

/// What is painted at the hard level alone. Each thing has a stream of its own and a layer that is no part's, so that leaving it out
/// changes nothing but what it covers.
extension BirdPainter {
    typealias Hardness = PartDataset.Hardness

    /// Parts of other classes that lie in the background, away from the bird's middle as far as there is room.
    mutating func paintDistractors() {
        guard let setting else { return }
        let own = variants
        for (number, distractor) in setting.distractors.enumerated() {
            var stream = scene.stream(.distractor, number)
            let middle = scene.pixel(Point(0, 0))
            var place = Point.zero
            for _ in 0..<8 {
                place = Point(stream.float(in: 0.06...0.94), stream.float(in: 0.06...0.94)) * side
                if (place - middle).length > 52 * unit { break }
            }
            let size = stream.float(in: Hardness.distractorSizes) * unit * 0.9 * Hardness.size
            let frame = Placement(
                at: place, degrees: stream.float(in: 0...360), scale: Point(size, size), mirrored: stream.chance(0.5))
            var pen = Pen(layer: Layer.background, frame: frame)
            pen.tint = Colour(
                stream.float(in: -0.09...0.09), stream.float(in: -0.09...0.09), stream.float(in: -0.09...0.09), 0)
            pen.dye = BirdScene.Dye(&stream)
            pen.haze = (scene.background.bottom, stream.float(in: Hardness.distractorHaze))
            pen.isLoose = true
            unlessOmitted(.distractor(number)) { painter in
                painter.variants[distractor.part] = distractor.variant
                painter.paint(distractor.part, pen)
                painter.variants = own
            }
        }
    }

    /// A twig across the bird, then bunches of leaves, each in front of another part.
    mutating func paintObstacles() {
        guard setting != nil else { return }
        var order = scene.stream(.obstacle)
        let parts = order.shuffled(Part.allCases)
        for number in 0..<Hardness.obstacleCount {
            var stream = scene.stream(.obstacle, 1 + number)
            let target = scene.pixel(Self.middle(of: parts[number % parts.count]))
            let offset = Point(stream.float(in: -8...8), stream.float(in: -8...8)) * unit
            unlessOmitted(.obstacle(number)) { painter in
                if number == 0 {
                    let along = Point(degrees: stream.float(in: 0...360)) * painter.side
                    painter.paintTwig(
                        from: target + offset - along * stream.float(in: 0.3...0.8),
                        to: target + offset + along * stream.float(in: 0.3...0.8), width: stream.float(in: 2.5...4.5),
                        haze: 0, layer: Layer.foreground, &stream)
                } else {
                    for _ in 0..<2 + stream.below(3) {
                        let stalk =
                            target + offset
                            + Point(stream.float(in: -9...9), stream.float(in: -9...9)) * painter.unit
                        painter.paintLeaf(
                            at: stalk, size: stream.float(in: Hardness.leafLengths), haze: 0, layer: Layer.foreground,
                            &stream)
                    }
                }
            }
        }
    }

    /// About where the middle of a part is on the bird.
    private static func middle(of part: Part) -> Point {
        switch part {
        case .beak: Point(53, -22)
        case .eye: Point(29, -28)
        case .wing: Point(-10, 2)
        case .tail: Point(-56, 10)
        case .foot: Point(-2, 40)
        }
    }
}
