/// A rectangle over a map, in shares of the map's sides: (0, 0) is the upper left corner, (1, 1) the lower right one.
public struct GridBox: Equatable, Sendable {
    public let left: Double
    public let top: Double
    public let right: Double
    public let bottom: Double

    public init(left: Double, top: Double, right: Double, bottom: Double) {
        self.left = left
        self.top = top
        self.right = right
        self.bottom = bottom
    }

    public var area: Double { max(0, right - left) * max(0, bottom - top) }

    /// Edges included.
    public func contains(x: Double, y: Double) -> Bool { x >= left && x <= right && y >= top && y <= bottom }

    /// The part inside the map; nil if there is none.
    public var clipped: GridBox? {
        let box = GridBox(left: max(0, left), top: max(0, top), right: min(1, right), bottom: min(1, bottom))
        return box.area > 0 ? box : nil
    }

    /// The smallest box that holds all of `boxes`; nil if there are none.
    public init?(enclosing boxes: [GridBox]) {
        guard let first = boxes.first else { return nil }
        self = boxes.dropFirst().reduce(first) {
            GridBox(
                left: min($0.left, $1.left), top: min($0.top, $1.top), right: max($0.right, $1.right),
                bottom: max($0.bottom, $1.bottom))
        }
    }

    /// Intersection over union.
    public func overlap(with other: GridBox) -> Double {
        let shared = GridBox(
            left: max(left, other.left), top: max(top, other.top), right: min(right, other.right),
            bottom: min(bottom, other.bottom)
        ).area
        let union = area + other.area - shared
        return union > 0 ? shared / union : 0
    }
}
