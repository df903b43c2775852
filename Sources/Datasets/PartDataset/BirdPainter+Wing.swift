extension BirdPainter {
    /// The wing; its frame has the shoulder at the origin, x towards the tail and y downwards.
    mutating func paintWing(_ pen: inout Pen) {
        switch variants.name(of: .wing) {
        case "barred":
            let whole = foldedWing(length: 46, depth: 15)
            outline([whole], pen)
            fill([whole], from: Point(0, -10), Colour(0x5AA7F0), to: Point(30, 18), Colour(0x1E5FB8), pen)
            clipped(to: [whole], pen) { painter in
                for x in [Float(9), 22] {
                    painter.stroke(
                        Shape.curve(Point(x, -14), Point(x + 7, -4), Point(x + 4, 8), Point(x - 6, 20)), 4.5, 4.5,
                        Colour(0xFDFDFA), pen)
                }
                for offset in stride(from: Float(-2), through: 10, by: 4) {
                    painter.stroke(
                        Shape.curve(
                            Point(27, offset - 4), Point(33, offset), Point(39, offset + 2), Point(46, offset + 4)),
                        0.9, 0.5, Colour(0.03, 0.1, 0.3, 0.6), pen)
                }
            }
        case "blade":
            var whole = Shape(from: Point(-6, 2))
            whole.curve(Point(-6, -12), Point(20, -14), to: Point(62, 12), steps: 14)
            whole.curve(Point(40, 12), Point(20, 17), to: Point(2, 13), steps: 12)
            whole.curve(Point(-4, 11), Point(-6, 7), to: Point(-6, 2), steps: 6)
            outline([whole], pen)
            fill([whole], from: Point(0, -8), Colour(0x3E4048), to: Point(30, 16), Colour(0x17181C), pen)
            clipped(to: [whole], pen) { painter in
                painter.fill([.ellipse(at: Point(7, 4), Point(9, 6), degrees: 10)], Colour(0xFFE03A), pen)
                for offset in [Float(-3), 1, 5, 9] {
                    painter.stroke(
                        Shape.curve(Point(18, offset - 3), Point(30, offset), Point(44, offset + 5), Point(62, 12)), 1,
                        0.4,
                        Colour(0.75, 0.78, 0.85, 0.55), pen)
                }
            }
        case "raised":
            let feathers = [-98, -80, -62, -44, -26].map { (degrees: Float) in
                Shape.feather(from: Point(0, 2), degrees: degrees, length: degrees < -70 ? 36 : 43, width: 13)
            }
            for feather in feathers {
                outline([feather], pen)
                let tip = feather.points[9]
                fill([feather], from: tip * 0.35, Colour(0xE5342A), to: tip * 0.8, Colour(0xFFB03A), pen)
                stroke([tip * 0.2, tip * 0.92], 1.1, 0.5, Colour(0.45, 0.05, 0.02, 0.7), pen)
            }
            let shoulder = [Shape.ellipse(at: Point(3, 1), Point(12, 8), degrees: -25)]
            outline(shoulder, pen)
            fill(shoulder, from: Point(0, -7), Colour(0xF0483A), to: Point(4, 9), Colour(0xA81A1C), pen)
        case "scaled":
            let whole = foldedWing(length: 42, depth: 19)
            outline([whole], pen)
            fill([whole], Colour(0x6B3E1E), pen)
            clipped(to: [whole], pen) { painter in
                for row in (0..<6).reversed() {
                    for column in -3..<4 {
                        let centre = Point(Float(row) * 8 - 2, Float(column) * 8 + (row % 2 == 0 ? 0 : 4) + Float(row))
                        painter.fill([.circle(at: centre, 5.6)], Colour(0x6B3E1E), pen)
                        painter.fill(
                            [.circle(at: centre - Point(0.8, 0), 4.6)], from: centre - Point(5, 0), Colour(0xC98A3A),
                            to: centre + Point(5, 0), Colour(0xFFDD8A), pen)
                    }
                }
            }
        case "fringed":
            let feathers = [16, 32, 48, 64, 80].map { (degrees: Float) in
                Shape.feather(
                    from: Point(6 + (80 - degrees) * 0.04, -1), degrees: degrees, length: 44 - (degrees - 16) * 0.2,
                    width: 11, round: false)
            }
            for feather in feathers.reversed() {
                outline([feather], pen)
                let tip = feather.points[8]
                fill([feather], from: tip * 0.4, Colour(0x4FB84A), to: tip, Colour(0x14532A), pen)
                stroke([feather.points[0] * 0.7 + tip * 0.3, tip], 1.0, 0.5, Colour(0.85, 1, 0.6, 0.7), pen)
            }
            let shoulder = [Shape.ellipse(at: Point(6, 1), Point(13, 9), degrees: 20)]
            outline(shoulder, pen)
            fill(shoulder, from: Point(0, -8), Colour(0x8EDC5E), to: Point(6, 10), Colour(0x2E8A3C), pen)
        default:
            let whole = foldedWing(length: 40, depth: 17)
            outline([whole], pen)
            fill([whole], from: Point(0, -10), Colour(0xA45AD0), to: Point(26, 18), Colour(0x5A2390), pen)
            clipped(to: [whole], pen) { painter in
                for row in 0..<6 {
                    for column in -2..<4 {
                        let centre = Point(
                            Float(row) * 7.5 - 1, Float(column) * 7.5 + (row % 2 == 0 ? -1 : 2.7) + Float(row))
                        painter.fill([.circle(at: centre, 2.3)], Colour(0xFFF6FF), pen)
                    }
                }
            }
        }
    }

    /// A closed wing: round at the shoulder, pointed at the end, `depth` units high below the axis.
    private func foldedWing(length: Float, depth: Float) -> Shape {
        var shape = Shape(from: Point(-7, 1))
        shape.curve(Point(-7, -12), Point(length * 0.5, -13), to: Point(length, 8), steps: 14)
        shape.curve(Point(length * 0.75, depth + 2), Point(length * 0.3, depth + 6), to: Point(3, depth - 2), steps: 14)
        shape.curve(Point(-4, depth - 6), Point(-7, 7), to: Point(-7, 1), steps: 6)
        return shape
    }
}
