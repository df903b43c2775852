extension BirdPainter {
    /// Head and trunk in one outline; the belly is lighter, the crown and the breast may be marked.
    mutating func paintBody() {
        let pen = Pen(layer: Layer.body)
        var trunk = Shape(from: Point(11, -34))
        trunk.curve(Point(19, -45), Point(44, -44), to: Point(44, -24), steps: 14)
        trunk.curve(Point(44, -13), Point(37, -12), to: Point(36, -3), steps: 10)
        trunk.curve(Point(38, 16), Point(22, 33), to: Point(0, 33), steps: 14)
        trunk.curve(Point(-18, 33), Point(-34, 24), to: Point(-43, 9), steps: 14)
        trunk.curve(Point(-32, 1), Point(-22, -5), to: Point(-12, -14), steps: 10)
        trunk.curve(Point(-3, -22), Point(4, -26), to: Point(11, -34), steps: 10)

        outline([trunk], pen)
        fill([trunk], from: Point(10, -44), scene.back.lit(1.1), to: Point(0, 34), scene.back.lit(0.82), pen)
        clipped(to: [trunk], pen) { painter in
            // Belly and throat.
            var belly = Shape(from: Point(46, -16))
            belly.curve(Point(26, -14), Point(28, 2), to: Point(14, 12))
            belly.curve(Point(0, 20), Point(-20, 18), to: Point(-46, 12))
            belly.line(to: Point(-30, 40))
            belly.line(to: Point(50, 40))
            painter.fill(
                [belly], from: Point(30, -10), painter.scene.belly, to: Point(-10, 36), painter.scene.belly.lit(0.84),
                pen)
            if painter.scene.isStreaked {
                for (row, y) in [Float(-2), 5, 12, 19].enumerated() {
                    for column in 0..<4 {
                        let x = 33 - Float(row) * 5 - Float(column) * 6.5
                        painter.stroke(
                            [Point(x, y + Float(column) * 2), Point(x - 1.5, y + 4 + Float(column) * 2)], 2, 0.6,
                            painter.scene.back.lit(0.8).opacity(0.75), pen)
                    }
                }
            }
            if let crown = painter.scene.crown {
                var cap = Shape(from: Point(6, -30))
                cap.curve(Point(16, -33), Point(30, -39), to: Point(46, -36))
                cap.line(to: Point(46, -50))
                cap.line(to: Point(4, -50))
                painter.fill([cap], crown, pen)
            }
            // Light from above on the back, shade below.
            painter.stroke(
                Shape.curve(Point(14, -35), Point(22, -42), Point(36, -42), Point(41, -32)), 1.5, 0.5,
                Colour(1, 1, 1, 0.22), pen)
            painter.stroke(
                Shape.curve(Point(34, 10), Point(26, 30), Point(-14, 36), Point(-38, 12)), 3, 2,
                Colour(0, 0, 0, 0.14), pen)
            // A few feather strokes on nape and flank.
            for (x, y) in [
                (2, -20), (-6, -12), (8, -14), (22, -8), (26, 2), (-26, 8), (-20, 16), (16, 20), (6, 25), (24, 14),
            ] as [(Float, Float)] {
                painter.stroke(
                    Shape.curve(Point(x, y), Point(x - 2, y + 1), Point(x - 4, y + 2), Point(x - 5, y + 4), steps: 4),
                    1, 0.4, Colour(0, 0, 0, 0.18), pen)
            }
        }
    }
}
