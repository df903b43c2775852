/// A rectangle of whole pixels; it may reach beyond an image.
public struct PixelRectangle: Hashable, Sendable {
    /// The left column.
    public let x: Int
    /// The top row.
    public let y: Int
    public let width: Int
    public let height: Int

    /// Begins with the image's first pixel unless said otherwise.
    public init(x: Int = 0, y: Int = 0, width: Int, height: Int) {
        (self.x, self.y, self.width, self.height) = (x, y, width, height)
    }

    /// `columns` and `rows`.
    init(_ columns: Range<Int>, _ rows: Range<Int>) {
        self.init(x: columns.lowerBound, y: rows.lowerBound, width: columns.count, height: rows.count)
    }

    var columns: Range<Int> { x..<x + width }
    var rows: Range<Int> { y..<y + height }

    /// The part inside an image of that size; nil if there is none.
    public func clipped(toWidth imageWidth: Int, height imageHeight: Int) -> PixelRectangle? {
        let (left, top) = (max(0, x), max(0, y))
        let (right, bottom) = (min(imageWidth, x + width), min(imageHeight, y + height))
        guard left < right && top < bottom else { return nil }
        return PixelRectangle(x: left, y: top, width: right - left, height: bottom - top)
    }
}
