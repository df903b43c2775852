extension PixelImage {
    /// The image with `heat` laid over it.
    ///
    /// A pixel's colour is mixed with the map's colour for its value; the share of the map's colour rises with the value, up
    /// to `opacity` at `maximum`, so that the picture stays clear where there is no heat.
    ///
    /// - Parameters:
    ///   - maximum: the value shown at full heat; the largest of `heat` if nil. Give the same number to compare pictures.
    ///   - opacity: 0...1.
    public func overlaid(
        with heat: HeatMap, maximum: Float? = nil, colours: ColourMap = .inferno, opacity: Float = 0.75,
        interpolation: Interpolation = .bilinear
    ) -> PixelImage {
        precondition((0...1).contains(opacity), "opacity is 0 to 1, not \(opacity)")
        let peak = maximum ?? heat.maximum
        guard peak > 0 else { return self }
        let values = heat.upsampled(width: width, height: height, interpolation: interpolation).values
        let table = colours.table
        var result = self
        for (pixel, value) in values.enumerated() {
            let share = min(value / peak, 1)
            let colour = table[ColourMap.index(of: share)]
            result.pixels[3 * pixel] = Self.mix(pixels[3 * pixel], colour.red, share * opacity)
            result.pixels[3 * pixel + 1] = Self.mix(pixels[3 * pixel + 1], colour.green, share * opacity)
            result.pixels[3 * pixel + 2] = Self.mix(pixels[3 * pixel + 2], colour.blue, share * opacity)
        }
        return result
    }

    /// `share` of `second` in `first`, share in 0...1.
    private static func mix(_ first: UInt8, _ second: UInt8, _ share: Float) -> UInt8 {
        UInt8((Float(first) + (Float(second) - Float(first)) * share).rounded())
    }
}
