extension BirdPainter {
    /// Both feet; their frame has its origin in the middle of the belly, y downwards, and the perch's top at y = 16.
    mutating func paintFeet(_ pen: inout Pen) {
        for hip in [Point(-9, 1), Point(7, 1)] { paintFoot(at: hip, pen) }
    }

    private mutating func paintFoot(at hip: Point, _ pen: Pen) {
        let ground = Point(hip.x, 16)
        switch variants.name(of: .foot) {
        case "perching":
            let toes = [Point(8, 4), Point(1.5, 7), Point(-6, 5)].map { toe in
                Shape.ribbon(
                    Shape.curve(
                        ground, ground + toe * Point(0.5, -0.1), ground + toe * Point(0.9, 0.3), ground + toe, steps: 6),
                    3, 2)
            }
            let leg = Shape.ribbon([hip, ground + Point(0, 1)], 3, 3)
            outline([leg] + toes, pen)
            fill([leg] + toes, from: hip, Colour(0xF08A2C), to: ground + Point(0, 8), Colour(0xD96A16), pen)
        case "webbed":
            var web = Shape(from: ground + Point(-1.5, -3))
            web.curve(ground + Point(-4, 1), ground + Point(-7, 4), to: ground + Point(-8, 8), steps: 6)
            web.curve(ground + Point(-5, 6), ground + Point(-2, 7), to: ground + Point(0.5, 9.5), steps: 5)
            web.curve(ground + Point(2.5, 6), ground + Point(6, 5), to: ground + Point(9, 6.5), steps: 5)
            web.curve(ground + Point(6, 3), ground + Point(3, 0), to: ground + Point(1.5, -3), steps: 6)
            let leg = Shape.ribbon([hip, ground], 4, 4)
            outline([leg, web], pen)
            fill([leg, web], from: hip, Colour(0x7FD0F5), to: ground + Point(0, 9), Colour(0x2C93D2), pen)
            for tip in [Point(-6.5, 6), Point(0.3, 7.5), Point(7, 5)] {
                stroke([ground, ground + tip], 1.1, 0.7, Colour(0.05, 0.25, 0.45, 0.7), pen)
            }
        case "booted":
            let puffs = [
                Shape.ellipse(at: hip + Point(0, 3), Point(6.5, 7)), .circle(at: hip + Point(-3.5, 10), 4.2),
                .circle(at: hip + Point(3.5, 10), 4.2), .circle(at: hip + Point(0, 13), 4.4),
            ]
            let toes = [Point(6, 4), Point(0, 5.5), Point(-6, 4)].map { Shape.ribbon([ground, ground + $0], 3, 2.4) }
            outline(toes + puffs, pen)
            fill(toes, Colour(0x4A2E22), pen)
            fill(puffs, from: hip, Colour(0xFFFFFF), to: hip + Point(0, 16), Colour(0xDCD6CC), pen)
            for x in [Float(-3), 0.5, 4] {
                stroke([hip + Point(x, 7), hip + Point(x - 0.6, 12)], 1, 0.5, Colour(0.45, 0.4, 0.38, 0.7), pen)
            }
        default:
            let claws = [
                (Point(8.5, 1.5), Point(9.5, 9)), (Point(1.5, 5), Point(0.5, 12.5)), (Point(-7, 1.5), Point(-9, 9)),
            ].map { (knuckle, tip) in
                Shape.ribbon(
                    Shape.curve(
                        ground + Point(0, -1), ground + knuckle * Point(0.7, 0.1), ground + knuckle, ground + tip,
                        steps: 8), 4.2, 0.9)
            }
            let leg = Shape.ribbon([hip, ground], 4.5, 4.5)
            let spur = Shape.feather(from: hip + Point(-1, 8), degrees: 160, length: 6, width: 3.4, round: false)
            outline([leg, spur] + claws, pen)
            fill([leg, spur] + claws, from: hip, Colour(0xC42A50), to: ground + Point(0, 9), Colour(0x741430), pen)
            stroke([hip + Point(-2, 8), hip + Point(2, 8)], 1.2, 1.2, Colour(1, 0.75, 0.8, 0.6), pen)
            stroke([hip + Point(-2, 12), hip + Point(2, 12)], 1.2, 1.2, Colour(1, 0.75, 0.8, 0.6), pen)
        }
    }
}
