extension PixelImage {
    /// Changes all colours as torchvision does on a Pillow image, byte for byte.
    mutating func apply(_ change: AugmentedView.ColourChange) {
        switch change {
        case .brightness(let factor):
            blend(factor) { _, _, _ in 0 }
        case .contrast(let factor):
            let sum = stride(from: 0, to: pixels.count, by: 3).reduce(0) { sum, place in
                sum + Int(Self.lightness(pixels[place], pixels[place + 1], pixels[place + 2]))
            }
            let mean = UInt8(Double(sum) / Double(width * height) + 0.5)
            blend(factor) { _, _, _ in mean }
        case .saturation(let factor):
            blend(factor, with: Self.lightness)
        case .hue(let turn):
            turnHues(by: UInt8(truncatingIfNeeded: Int32(turn * 255)))
        }
    }

    /// ITU-R 601-2 luma in fixed point, rounded.
    private static func lightness(_ red: UInt8, _ green: UInt8, _ blue: UInt8) -> UInt8 {
        let sum = UInt32(red) * 19595 + UInt32(green) * 38470 + UInt32(blue) * 7471
        return UInt8((sum + 0x8000) >> 16)
    }

    /// Pillow's `Image.blend`: each pixel moves from a grey towards its colour by `factor`, beyond it for more than 1.
    private mutating func blend(_ factor: Double, with grey: (UInt8, UInt8, UInt8) -> UInt8) {
        let alpha = Float(factor)
        for place in stride(from: 0, to: pixels.count, by: 3) {
            let base = Int32(grey(pixels[place], pixels[place + 1], pixels[place + 2]))
            for index in place..<place + 3 {
                let value = Float(base) + alpha * Float(Int32(pixels[index]) - base)
                // Cut, not rounded.
                pixels[index] = value <= 0 ? 0 : value >= 255 ? 255 : UInt8(value)
            }
        }
    }

    // MARK: - Hue

    /// Adds `steps` of a circle of 256 to each hue, by way of Pillow's HSV of 8 bits.
    private mutating func turnHues(by steps: UInt8) {
        for place in stride(from: 0, to: pixels.count, by: 3) {
            let (hue, saturation, value) = Self.hsv(pixels[place], pixels[place + 1], pixels[place + 2])
            (pixels[place], pixels[place + 1], pixels[place + 2]) = Self.rgb(hue &+ steps, saturation, value)
        }
    }

    private static func hsv(_ red: UInt8, _ green: UInt8, _ blue: UInt8) -> (UInt8, UInt8, UInt8) {
        let (largest, smallest) = (max(red, green, blue), min(red, green, blue))
        guard largest != smallest else { return (0, 0, largest) }
        let range = Float(largest - smallest)
        let saturation = range / Float(largest)
        let fromRed = Float(largest - red) / range
        let fromGreen = Float(largest - green) / range
        let fromBlue = Float(largest - blue) / range
        let sixths: Float =
            red == largest
            ? fromBlue - fromGreen
            : green == largest
                ? Float(2 + Double(fromRed) - Double(fromBlue)) : Float(4 + Double(fromGreen) - Double(fromRed))
        let turned = Double(sixths) / 6 + 1
        let hue = Float(turned.truncatingRemainder(dividingBy: 1))
        return (UInt8(Double(hue) * 255), UInt8(Double(saturation) * 255), largest)
    }

    private static func rgb(_ hue: UInt8, _ saturation: UInt8, _ value: UInt8) -> (UInt8, UInt8, UInt8) {
        guard saturation != 0 else { return (value, value, value) }
        let sixths = Double(hue) * 6 / 255
        let sector = sixths.rounded(.down)
        let fraction = Float(sixths - sector)
        let strength = Float(Double(saturation) / 255)
        func shade(_ share: Double) -> UInt8 { UInt8((Double(value) * share).rounded(.toNearestOrAwayFromZero)) }
        let low = shade(1 - Double(strength))
        let falling = shade(1 - Double(strength * fraction))
        let rising = shade(1 - Double(strength) * (1 - Double(fraction)))
        switch Int(sector) % 6 {
        case 0: return (value, rising, low)
        case 1: return (falling, value, low)
        case 2: return (low, value, rising)
        case 3: return (low, falling, value)
        case 4: return (rising, low, value)
        default: return (value, low, falling)
        }
    }
}
