import CounterRandom

extension BirdPainter {
    /// What falls on a finished picture, the same whatever was left out of it.
    struct Light {
        /// Of shade, as under foliage.
        let blotches: [(centre: Point, radius: Float, colour: Colour)]
        /// What each pixel is multiplied by: shadow falling off over the picture, the light's brightness and tint, and fine grain.
        let factors: [Colour]
    }

    func makeLight() -> Light {
        var stream = scene.stream(.grain)
        let blotches = (0..<stream.below(5)).map { _ in
            let centre = Point(stream.float(in: 0...1), stream.float(in: 0...1)) * side
            let radius = stream.float(in: 24...60) * unit
            return (centre, radius, Colour(0.05, 0.06, 0.1, stream.float(in: 0.15...0.45)))
        }
        var factors: [Colour] = []
        factors.reserveCapacity(canvas.side * canvas.side)
        for row in 0..<canvas.side {
            for column in 0..<canvas.side {
                let point = Point(Float(column) + 0.5, Float(row) + 0.5)
                let across = ((point / side - 0.5) * scene.shadowDirection).sum() + 0.5
                let light = scene.brightness * (1 - scene.shadowStrength * min(max(across, 0), 1))
                // The sum of a word's four bytes is nearly normal, with mean 510 and standard deviation 148.
                let word = stream.nextWord()
                let bytes = (word & 0xFF) + (word >> 8 & 0xFF) + (word >> 16 & 0xFF) + (word >> 24)
                let grain = 1 + (Float(bytes) - 510) * (0.014 / 148)
                factors.append(scene.tint * Colour(light * grain, light * grain, light * grain, 1))
            }
        }
        return Light(blotches: blotches, factors: factors)
    }

    mutating func cast(_ light: Light) {
        for blotch in light.blotches { canvas.glow(at: blotch.centre, radius: blotch.radius, blotch.colour) }
        canvas.multiply(by: light.factors)
    }
}
