extension InputTransform {
    /// Where a point of an image is in what the network sees of it, in shares of the crop's sides: (0, 0) is its upper left
    /// corner, (1, 1) its lower right one; other numbers are outside.
    ///
    /// - Parameters:
    ///   - x: pixels from the left edge of the image, which is upright.
    ///   - width: of the image, in pixels.
    public func place(ofX x: Double, y: Double, width: Int, height: Int) -> (x: Double, y: Double) {
        let plan = Plan(self, width: width, height: height)
        return (
            (x * Double(plan.width) / Double(width) - Double(plan.crop.x)) / Double(crop),
            (y * Double(plan.height) / Double(height) - Double(plan.crop.y)) / Double(crop)
        )
    }
}
