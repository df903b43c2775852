import ImageCoding

/// A rectangle in an image, in pixels from the left and top edge: it covers x ..< x + width and y ..< y + height.
///
/// Coordinates are those of the image file before any crop, with (0, 0) at the corner of the first pixel. Readers convert
/// from what a data set's annotations use (`StanfordCars` counts from 1, for example).
public struct BoundingBox: Codable, Hashable, Sendable {
    public let x: Double
    public let y: Double
    public let width: Double
    public let height: Double

    public init(x: Double, y: Double, width: Double, height: Double) {
        self.x = x
        self.y = y
        self.width = width
        self.height = height
    }

    /// The smallest box that holds all of `boxes`; nil if there are none.
    public init?(enclosing boxes: [BoundingBox]) {
        guard let first = boxes.first else { return nil }
        self = boxes.dropFirst().reduce(first) { all, box in
            let (left, top) = (min(all.x, box.x), min(all.y, box.y))
            let (right, bottom) = (
                max(all.x + all.width, box.x + box.width), max(all.y + all.height, box.y + box.height)
            )
            return BoundingBox(x: left, y: top, width: right - left, height: bottom - top)
        }
    }

    /// The part of the box inside an image of that size; nil if there is none.
    public func clipped(toWidth imageWidth: Int, height imageHeight: Int) -> BoundingBox? {
        let (left, top) = (max(0, x), max(0, y))
        let (right, bottom) = (min(Double(imageWidth), x + width), min(Double(imageHeight), y + height))
        guard left < right && top < bottom else { return nil }
        return BoundingBox(x: left, y: top, width: right - left, height: bottom - top)
    }

    /// Whether the box lies inside an image of that size.
    public func isInside(width imageWidth: Int, height imageHeight: Int) -> Bool {
        clipped(toWidth: imageWidth, height: imageHeight) == self
    }

    /// The largest coordinate that is believed: no image that is decoded has a side this long.
    static let coordinateLimit = 1e6

    /// Why the box cannot be one; nil if it can.
    var problem: String? {
        let values = [x, y, width, height]
        if !values.allSatisfy({ $0.isFinite && abs($0) <= Self.coordinateLimit }) {
            return "a coordinate is not a number of pixels"
        }
        if width <= 0 || height <= 0 { return "it is \(width) wide and \(height) high" }
        return nil
    }
}

/// Where a part of an object is in an image, in pixels from the left and top edge of the image file.
public struct PartLocation: Codable, Hashable, Sendable {
    public let x: Double
    public let y: Double
    /// Whether the part can be seen; if not, `x` and `y` mean nothing.
    public let isVisible: Bool

    public init(x: Double, y: Double, isVisible: Bool) {
        self.x = x
        self.y = y
        self.isVisible = isVisible
    }
}

/// What part of each image is used.
public enum DatasetCrop: String, Codable, CaseIterable, Sendable {
    /// What the image's bounding boxes enclose.
    case box
}

extension PixelRectangle {
    /// The pixels of `box` as `Image.crop` of Pillow takes them: each edge rounded to the nearest integer, ties to even.
    /// At least one pixel.
    init(_ box: BoundingBox) {
        let x = Int(box.x.rounded(.toNearestOrEven))
        let y = Int(box.y.rounded(.toNearestOrEven))
        self.init(
            x: x, y: y, width: max(1, Int((box.x + box.width).rounded(.toNearestOrEven)) - x),
            height: max(1, Int((box.y + box.height).rounded(.toNearestOrEven)) - y))
    }
}
