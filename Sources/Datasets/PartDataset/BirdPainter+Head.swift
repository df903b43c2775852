extension BirdPainter {
    /// The beak; its frame has the base at the origin and x along the beak.
    mutating func paintBeak(_ pen: inout Pen) {
        let name = variants.name(of: .beak)
        var whole: Shape
        var gape: [Point]
        switch name {
        case "cone":
            whole = Shape(from: Point(-1, -8))
            whole.curve(Point(7, -8), Point(13, -3), to: Point(17, 1))
            whole.curve(Point(12, 4), Point(6, 8), to: Point(-2, 8))
            whole.curve(Point(-4, 4), Point(-4, -4), to: Point(-1, -8), steps: 6)
            outline([whole], pen)
            fill([whole], from: Point(0, -8), Colour(0xFFD84A), to: Point(0, 8), Colour(0xE8A21C), pen)
            gape = Shape.curve(Point(-2, 1.5), Point(4, 0), Point(10, 2), Point(15.5, 1))
        case "hook":
            whole = Shape(from: Point(-2, -9))
            whole.curve(Point(8, -13), Point(20, -9), to: Point(20, 4))
            whole.curve(Point(20, 9), Point(18, 12), to: Point(16, 14))
            whole.curve(Point(15, 8), Point(13, 6), to: Point(10, 6))
            whole.curve(Point(6, 9), Point(2, 9), to: Point(-2, 8))
            whole.curve(Point(-4, 4), Point(-4, -4), to: Point(-2, -9), steps: 6)
            outline([whole], pen)
            fill([whole], from: Point(0, -10), Colour(0x6A7480), to: Point(4, 12), Colour(0x2C3138), pen)
            clipped(to: [whole], pen) { painter in
                painter.fill([.ellipse(at: Point(-2, -4), Point(6.5, 7))], Colour(0xF2C230), pen)
                painter.stroke(
                    Shape.curve(Point(6, -9), Point(13, -9), Point(17, -4), Point(17.5, 4)), 1.6, 0.6,
                    Colour(1, 1, 1, 0.45), pen)
            }
            gape = Shape.curve(Point(-2, 3), Point(3, 4), Point(6, 3), Point(10, 5.5))
        case "sickle":
            whole = Shape(from: Point(-2, -6))
            whole.curve(Point(9, -9), Point(24, -5), to: Point(28, 15))
            whole.curve(Point(20, 4), Point(10, 3), to: Point(-2, 6))
            whole.curve(Point(-4, 3), Point(-4, -3), to: Point(-2, -6), steps: 6)
            outline([whole], pen)
            fill([whole], from: Point(0, -6), Colour(0xF0514A), to: Point(26, 12), Colour(0xA81828), pen)
            gape = Shape.curve(Point(-2, 0), Point(9, -3), Point(19, -1), Point(26, 11))
        default:
            whole = Shape(from: Point(-1, -11))
            whole.curve(Point(12, -16), Point(28, -11), to: Point(28, 5))
            whole.curve(Point(24, 9), Point(10, 11), to: Point(-2, 10))
            whole.curve(Point(-4, 4), Point(-4, -4), to: Point(-1, -11), steps: 6)
            outline([whole], pen)
            fill([whole], from: Point(0, -12), Colour(0x3FC9B8), to: Point(0, 10), Colour(0x1D8F8C), pen)
            clipped(to: [whole], pen) { painter in
                painter.fill([.ellipse(at: Point(29, 0), Point(9, 16), degrees: 12)], Colour(0x1E2226), pen)
                painter.stroke(
                    Shape.curve(Point(2, -10), Point(9, -13), Point(15, -12), Point(19, -9)), 2, 1,
                    Colour(1, 1, 1, 0.45), pen)
                painter.stroke([Point(1, -12), Point(0, 12)], 2.6, 2.6, Colour(0xFF9A3C), pen)
            }
            gape = Shape.curve(Point(-2, 1), Point(8, 0), Point(18, 1), Point(27, 5))
        }
        stroke(gape, 1.1, 0.6, Colour(0.1, 0.05, 0.05, 0.75), pen)
        if name != "hook" {
            fill([.ellipse(at: Point(4, -3.5), Point(1.5, 0.8), degrees: 15)], Colour(0.1, 0.05, 0.05, 0.6), pen)
        }
    }

    /// The eye; its frame is centred on the pupil.
    mutating func paintEye(_ pen: inout Pen) {
        func disc(_ radius: Float, _ x: Float = 0, _ y: Float = 0) -> [Shape] { [.circle(at: Point(x, y), radius)] }
        switch variants.name(of: .eye) {
        case "bead":
            fill(disc(7.4), Colour(0xF7F1E4), pen)
            fill(disc(5.6), Colour(0x15110F), pen)
            fill(disc(1.9, 1.8, -2), Colour(0xFFFFFF), pen)
            fill(disc(0.9, -2, 2), Colour(1, 1, 1, 0.5), pen)
        case "owl":
            fill(disc(9.6), pen.outline, pen)
            fill(disc(8.6), from: Point(0, -8), Colour(0xFFE75A), to: Point(0, 8), Colour(0xF7A400), pen)
            fill(disc(3.9, 0.5, 0), Colour(0x14100E), pen)
            fill(disc(1.5, 2, -2.2), Colour(0xFFFFFF), pen)
        default:
            var mask = Shape(from: Point(-17, -2))
            mask.curve(Point(-9, -10), Point(7, -9), to: Point(13, -1))
            mask.curve(Point(8, 8), Point(-7, 9), to: Point(-17, -2))
            fill([mask], Colour(0x1B1A1F), pen)
            fill(disc(4.9), Colour(0xFFFFFF), pen)
            fill(disc(4.1), from: Point(0, -4), Colour(0xFF6A4A), to: Point(0, 4), Colour(0xC81E1E), pen)
            fill(disc(1.8), Colour(0x120C0C), pen)
            fill(disc(1.1, 1.4, -1.6), Colour(0xFFFFFF), pen)
        }
    }
}
