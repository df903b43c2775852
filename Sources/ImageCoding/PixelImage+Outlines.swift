extension PixelImage {
    /// The image with the outline of a rectangle drawn on it.
    ///
    /// The outline lies inside the rectangle, `thickness` pixels wide (filling the rectangle if it is too small for more), and
    /// parts outside the image are left out.
    public func outliningRectangle(
        x: Int, y: Int, width: Int, height: Int, colour: Colour, thickness: Int = 2
    ) -> PixelImage {
        precondition(thickness > 0, "an outline is at least one pixel wide, not \(thickness)")
        var result = self
        for row in max(0, y)..<max(0, y, min(self.height, y + height)) {
            let onEdgeRow = row < y + thickness || row >= y + height - thickness
            for column in max(0, x)..<max(0, x, min(self.width, x + width))
            where onEdgeRow || column < x + thickness || column >= x + width - thickness {
                let place = (row * self.width + column) * 3
                result.pixels[place] = colour.red
                result.pixels[place + 1] = colour.green
                result.pixels[place + 2] = colour.blue
            }
        }
        return result
    }
}
