extension BirdPainter {
    /// The tail; its frame has the rump at the origin, x away from the body and y downwards.
    mutating func paintTail(_ pen: inout Pen) {
        switch variants.name(of: .tail) {
        case "fan":
            for degrees in [-44, 44, -22, 22, 0] as [Float] {
                let feather = Shape.feather(from: Point(-6, 0), degrees: degrees, length: 42, width: 14)
                outline([feather], pen)
                let tip = feather.points[9]
                fill([feather], from: tip * 0.3, Colour(0xC9402C), to: tip * 0.7, Colour(0xE8613A), pen)
                clipped(to: [feather], pen) { painter in
                    painter.stroke(
                        [tip * 0.86 + tip.unit.turned * 9, tip * 0.86 - tip.unit.turned * 9], 4.5, 4.5,
                        Colour(0x2A1512), pen)
                    painter.stroke([tip * 0.1, tip * 0.95], 1, 0.5, Colour(0.3, 0.05, 0.02, 0.6), pen)
                }
            }
        case "fork":
            for (side, far) in [(-1, Point(40, -17)), (1, Point(40, 19))] as [(Float, Point)] {
                var blade = Shape(from: Point(-6, -5 * side))
                blade.curve(Point(8, -3 * side), Point(26, 6 * side), to: far)
                blade.curve(Point(24, 15 * side), Point(8, 12 * side), to: Point(-6, 8 * side))
                outline([blade], pen)
                fill([blade], from: Point(0, 0), Colour(0x3A56B0), to: far, Colour(0x101C4A), pen)
                stroke([Point(2, 4 * side), far], 1, 0.5, Colour(0.75, 0.85, 1, 0.6), pen)
            }
        case "ladder":
            let whole = Shape([
                Point(-6, -5), Point(30, -8.5), Point(35, -7), Point(37, 0), Point(35, 7), Point(30, 8.5), Point(-6, 5),
            ])
            outline([whole], pen)
            fill([whole], Colour(0xFFD52E), pen)
            clipped(to: [whole], pen) { painter in
                for x in stride(from: Float(3), through: 36, by: 9) {
                    painter.stroke([Point(x, -12), Point(x, 12)], 4.4, 4.4, Colour(0x1C1A18), pen)
                }
            }
        case "cocked":
            for degrees in [-78, -60, -69] as [Float] {
                let feather = Shape.feather(from: Point(-5, 4), degrees: degrees, length: 44, width: 13)
                outline([feather], pen)
                let tip = feather.points[9]
                fill([feather], from: Point(-5, 4), Colour(0x2D7D4A), to: tip, Colour(0x74D08A), pen)
                clipped(to: [feather], pen) { painter in
                    for share in [Float(0.4), 0.6, 0.8] {
                        let at = Point(-5, 4) + (tip - Point(-5, 4)) * share
                        let across = (tip - Point(-5, 4)).unit.turned * 8
                        painter.stroke([at - across, at + across], 2.2, 2.2, Colour(0x12401F), pen)
                    }
                }
            }
        case "plume":
            let puffs: [(Float, Float, Float)] = [
                (6, -6, 8), (6, 7, 8), (18, -9, 9), (18, 10, 9), (28, -4, 9), (28, 6, 9), (16, 0, 11), (2, 0, 7),
            ]
            let whole = puffs.map { Shape.circle(at: Point($0.0, $0.1), $0.2) }
            outline(whole, pen)
            fill(whole, from: Point(10, -18), Colour(0xFFFDF6), to: Point(20, 20), Colour(0xD9CFC0), pen)
            for (x, y, radius) in puffs.dropLast() {
                stroke(
                    Shape.curve(
                        Point(x + radius * 0.1, y - radius * 0.55), Point(x + radius * 0.6, y - radius * 0.45),
                        Point(x + radius * 0.7, y + radius * 0.3), Point(x + radius * 0.2, y + radius * 0.6)), 1.1, 0.7,
                    Colour(0.5, 0.44, 0.4, 0.6), pen)
            }
        default:
            for side in [Float(-1), 1] {
                let curl =
                    Shape.curve(
                        Point(-5, 2 * side), Point(16, -2 * side), Point(24, 6 * side), Point(28, 18 * side), steps: 12)
                    + Shape.curve(
                        Point(28, 18 * side), Point(30, 26 * side), Point(42, 24 * side), Point(39, 15 * side), steps: 8
                    ).dropFirst()
                let ball = Shape.circle(at: Point(37.5, 14 * side), 4.6)
                let band = Shape.ribbon(curl, 8.5, 5)
                outline([band, ball], pen)
                fill(
                    [band, ball], from: Point(0, 0), Colour(0xF06AB4), to: Point(38, 16 * side), Colour(0xB0287E), pen)
                stroke(Array(curl.dropLast(4)), 1.2, 0.8, Colour(1, 0.85, 0.95, 0.8), pen)
                fill([.circle(at: Point(37.5, 14 * side), 2.2)], Colour(0xFFE6F4), pen)
            }
        }
    }
}
