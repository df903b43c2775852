import ElementaryFunctions

/// A point or a direction of the drawing plane: x to the right, y downwards.
typealias Point = SIMD2<Float>

/// Red, green, blue in [0, 1] (sRGB, blended as they are) and opacity.
typealias Colour = SIMD4<Float>

extension Colour {
    /// The opaque colour of a number such as 0xFF8800.
    init(_ hexadecimal: UInt32) {
        self.init(
            Float(hexadecimal >> 16 & 255) / 255, Float(hexadecimal >> 8 & 255) / 255, Float(hexadecimal & 255) / 255,
            1)
    }

    /// The colour on the way to `other`; `amount` is in [0, 1].
    func mixed(with other: Colour, _ amount: Float) -> Colour { self + (other - self) * amount }

    /// The colour with its light scaled; opacity stays.
    func lit(_ factor: Float) -> Colour { self * Colour(factor, factor, factor, 1) }

    /// How light it looks, in [0, 1].
    var light: Float { 0.3 * x + 0.59 * y + 0.11 * z }

    func opacity(_ opacity: Float) -> Colour { Colour(x, y, z, opacity) }
}

extension Point {
    /// The unit vector at `degrees`, turning from +x to +y (clockwise on the screen).
    init(degrees: Float) {
        let radians = degrees * .pi / 180
        self.init(cosine(radians), sine(radians))
    }

    /// The vector turned by a quarter from +x to +y.
    var turned: Point { Point(-y, x) }

    var length: Float { (x * x + y * y).squareRoot() }

    var unit: Point { length > 0 ? self / length : .zero }
}

/// A closed polygon; curves are flattened when they are added, finely enough for pictures of a few hundred pixels.
struct Shape {
    private(set) var points: [Point]

    init(_ points: [Point]) { self.points = points }

    init(from start: Point) { points = [start] }

    mutating func line(to end: Point) { points.append(end) }

    /// Adds a cubic Bézier curve from the last point.
    mutating func curve(_ control1: Point, _ control2: Point, to end: Point, steps: Int = 10) {
        points.append(
            contentsOf: Shape.curve(points[points.count - 1], control1, control2, end, steps: steps).dropFirst())
    }

    /// The points of a cubic Bézier curve, both ends included.
    static func curve(_ start: Point, _ control1: Point, _ control2: Point, _ end: Point, steps: Int = 10) -> [Point] {
        (0...steps).map { step in
            let t = Float(step) / Float(steps)
            let s = 1 - t
            return start * (s * s * s) + control1 * (3 * s * s * t) + control2 * (3 * s * t * t) + end * (t * t * t)
        }
    }

    static func ellipse(at centre: Point, _ radii: Point, degrees: Float = 0, steps: Int = 24) -> Shape {
        let axis = Point(degrees: degrees)
        return Shape(
            (0..<steps).map { step in
                let at = Point(degrees: 360 * Float(step) / Float(steps)) * radii
                return centre + axis * at.x + axis.turned * at.y
            })
    }

    static func circle(at centre: Point, _ radius: Float) -> Shape { ellipse(at: centre, Point(radius, radius)) }

    /// A feather or leaf from `base` to its tip: widest (`width` across) at `belly` of its length, pointed or round at the
    /// tip.
    static func feather(from base: Point, degrees: Float, length: Float, width: Float, round: Bool = true) -> Shape {
        let along = Point(degrees: degrees)
        let across = along.turned * (width / 2)
        let tip = base + along * length
        var shape = Shape(from: base)
        if round {
            shape.curve(
                base + along * (0.3 * length) + across * 1.1, base + along * (0.95 * length) + across * 1.5, to: tip,
                steps: 9)
            shape.curve(
                base + along * (0.95 * length) - across * 1.5, base + along * (0.3 * length) - across * 1.1, to: base,
                steps: 9)
        } else {
            shape.curve(
                base + along * (0.3 * length) + across * 1.5, base + along * (0.65 * length) + across * 1.1, to: tip,
                steps: 8)
            shape.curve(
                base + along * (0.65 * length) - across * 1.1, base + along * (0.3 * length) - across * 1.5, to: base,
                steps: 8)
        }
        return shape
    }

    /// A line drawn with a pen whose width goes from `startWidth` to `endWidth`, with round ends.
    static func ribbon(_ line: [Point], _ startWidth: Float, _ endWidth: Float) -> Shape {
        precondition(line.count >= 2, "a ribbon needs two points")
        var left: [Point] = []
        var right: [Point] = []
        for index in line.indices {
            let direction = (line[min(index + 1, line.count - 1)] - line[max(index - 1, 0)]).unit
            let width = startWidth + (endWidth - startWidth) * Float(index) / Float(line.count - 1)
            left.append(line[index] + direction.turned * (width / 2))
            right.append(line[index] - direction.turned * (width / 2))
        }
        let start = (line[0] - line[1]).unit
        let end = (line[line.count - 1] - line[line.count - 2]).unit
        func cap(_ centre: Point, _ outward: Point, _ width: Float) -> [Point] {
            guard width > 0.8 else { return [] }
            return [-45, 0, 45].map { (degrees: Float) in
                let turn = Point(degrees: degrees)
                return centre + (outward * turn.x - outward.turned * turn.y) * (width / 2)
            }
        }
        // Left side forwards, around the end, right side backwards, around the start.
        return Shape(
            left + cap(line[line.count - 1], end, endWidth) + right.reversed() + cap(line[0], start, startWidth))
    }

    /// The shape grown by `distance` along the mean normal of each vertex; for thin outlines around smooth shapes.
    func grown(by distance: Float) -> Shape {
        let sign: Float = area < 0 ? 1 : -1
        return Shape(
            points.indices.map { index in
                let before = points[(index + points.count - 1) % points.count]
                let after = points[(index + 1) % points.count]
                let here = points[index]
                let normal = ((here - before).unit + (after - here).unit).unit.turned
                // A tip grows along its axis, where the two edges' directions cancel.
                let outward = normal == .zero ? (here - before).unit : normal * sign
                return here + outward * distance
            })
    }

    /// The signed area, positive if the points turn from +x to +y.
    var area: Float {
        var sum: Float = 0
        var before = points[points.count - 1]
        for point in points {
            sum += before.x * point.y - point.x * before.y
            before = point
        }
        return sum / 2
    }
}

/// An affine map of the drawing plane: `origin + xAxis * x + yAxis * y`.
struct Placement {
    var origin = Point.zero
    var xAxis = Point(1, 0)
    var yAxis = Point(0, 1)

    /// A frame at `origin`, turned by `degrees` and scaled; `mirrored` reverses its x axis before it is turned.
    init(at origin: Point, degrees: Float = 0, scale: Point = Point(1, 1), mirrored: Bool = false) {
        self.origin = origin
        xAxis = Point(degrees: degrees) * (mirrored ? -scale.x : scale.x)
        yAxis = Point(degrees: degrees).turned * scale.y
    }

    func callAsFunction(_ point: Point) -> Point { origin + xAxis * point.x + yAxis * point.y }

    func callAsFunction(_ shape: Shape) -> Shape { Shape(shape.points.map { self($0) }) }
}
