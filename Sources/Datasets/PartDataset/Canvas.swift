/// What a shape is filled with; positions are in pixels.
enum Paint {
    case flat(Colour)
    /// From one colour at the first point to another at the second, and constant beyond.
    case linear(from: Point, Colour, to: Point, Colour)
    /// From one colour at the centre to another at the radius, and constant beyond.
    case radial(at: Point, radius: Float, Colour, Colour)

    func colour(at point: Point) -> Colour {
        switch self {
        case .flat(let colour): return colour
        case .linear(let start, let first, let end, let second):
            let direction = end - start
            let along = ((point - start) * direction).sum() / max((direction * direction).sum(), 1e-6)
            return first.mixed(with: second, min(max(along, 0), 1))
        case .radial(let centre, let radius, let first, let second):
            return first.mixed(with: second, min((point - centre).length / radius, 1))
        }
    }
}

/// A picture that polygons are painted on, with exact area coverage at their edges, and that remembers how much of each
/// pixel belongs to which layer (background, body, a part): the masks come from what was painted, not beside it.
struct Canvas {
    /// Pixels a side.
    let side: Int
    /// [side, side], row-major.
    private(set) var colours: [Colour]
    /// The share of each pixel each layer has; the shares add up to 1.
    private(set) var shares: [SIMD8<Float>]
    /// What is painted is multiplied by the last of these.
    private var clips: [Coverage] = []
    /// Scratch of the coverage computation, all zeros between calls.
    private var scratch: [Float]

    /// The share of a polygon in each pixel of a rectangle.
    struct Coverage {
        let columns: Range<Int>
        let rows: Range<Int>
        /// [rows, columns], in [0, 1].
        var values: [Float]
    }

    init(side: Int) {
        self.side = side
        colours = Array(repeating: Colour(0, 0, 0, 1), count: side * side)
        shares = Array(repeating: SIMD8(1, 0, 0, 0, 0, 0, 0, 0), count: side * side)
        scratch = Array(repeating: 0, count: (side + 2) * side + 2)
    }

    /// Paints every pixel with `colour(x, y)`; layers are unaffected.
    mutating func flood(_ colour: (Point) -> Colour) {
        for row in 0..<side {
            for column in 0..<side {
                colours[row * side + column] = colour(Point(Float(column) + 0.5, Float(row) + 0.5))
            }
        }
    }

    /// Blends a disc whose opacity falls smoothly to zero at `radius` (a quartic bump) over the picture.
    mutating func glow(at centre: Point, radius: Float, _ colour: Colour) {
        let rows = pixels(centre.y - radius, centre.y + radius)
        let columns = pixels(centre.x - radius, centre.x + radius)
        let inverse = 1 / (radius * radius)
        for row in rows {
            let dy = Float(row) + 0.5 - centre.y
            for column in columns {
                let dx = Float(column) + 0.5 - centre.x
                let fall = max(0, 1 - (dx * dx + dy * dy) * inverse)
                let opacity = colour.w * fall * fall
                let at = row * side + column
                colours[at] += (colour - colours[at]) * opacity
            }
        }
    }

    /// Multiplies every pixel by its factor.
    mutating func multiply(by factors: [Colour]) {
        for pixel in colours.indices { colours[pixel] *= factors[pixel] }
    }

    /// Paints the union of `shapes` (in pixels), as a piece of `layer`.
    mutating func fill(_ shapes: [Shape], _ paint: Paint, layer: Int) {
        guard let coverage = coverage(of: shapes) else { return }
        var own = SIMD8<Float>.zero
        own[layer] = 1
        let width = coverage.columns.count
        for row in coverage.rows {
            let line = (row - coverage.rows.lowerBound) * width - coverage.columns.lowerBound
            for column in coverage.columns {
                let covered = coverage.values[line + column]
                guard covered > 0 else { continue }
                let colour = paint.colour(at: Point(Float(column) + 0.5, Float(row) + 0.5))
                let opacity = covered * colour.w
                let at = row * side + column
                colours[at] += (colour - colours[at]) * opacity
                shares[at] += (own - shares[at]) * opacity
            }
        }
    }

    /// Clips what is painted to the union of `shapes`, inside the clip there is, until `popClip()`.
    mutating func pushClip(_ shapes: [Shape]) {
        clips.append(coverage(of: shapes) ?? Coverage(columns: 0..<0, rows: 0..<0, values: []))
    }

    mutating func popClip() { clips.removeLast() }

    // MARK: - Coverage

    private func pixels(_ low: Float, _ high: Float) -> Range<Int> {
        let first = max(0, Int(max(low, -1).rounded(.down)))
        return first..<max(first, min(side, Int(min(high, Float(side + 1)).rounded(.up))))
    }

    /// The share of each pixel inside the union of `shapes`; nil if they are outside the picture.
    ///
    /// Each edge adds the signed area to its right in its own pixel and the remainder in the next; a running sum along
    /// the row then gives the area inside. (This is the accumulation buffer of the `font-rs` rasteriser.) Shapes are all
    /// traversed in the same sense, so that where two overlap the sum exceeds 1 and is cut there.
    private mutating func coverage(of shapes: [Shape]) -> Coverage? {
        var low = Point(repeating: .infinity)
        var high = Point(repeating: -.infinity)
        for shape in shapes {
            for point in shape.points {
                low = pointwiseMin(low, point)
                high = pointwiseMax(high, point)
            }
        }
        guard low.x < high.x else { return nil }
        var rows = pixels(low.y, high.y)
        var columns = pixels(low.x, high.x)
        if let clip = clips.last {
            rows = rows.clamped(to: clip.rows)
            columns = columns.clamped(to: clip.columns)
        }
        guard !rows.isEmpty, !columns.isEmpty else { return nil }

        let stride = columns.count + 2
        let origin = Point(Float(columns.lowerBound), Float(rows.lowerBound))
        for shape in shapes {
            let sign: Float = shape.area < 0 ? 1 : -1
            var before = shape.points[shape.points.count - 1] - origin
            for point in shape.points {
                let here = point - origin
                addEdge(from: before, to: here, sign, rowCount: rows.count, columnCount: columns.count)
                before = here
            }
        }

        var values = [Float](repeating: 0, count: rows.count * columns.count)
        for row in 0..<rows.count {
            var sum: Float = 0
            for column in 0..<columns.count {
                sum += scratch[row * stride + column]
                scratch[row * stride + column] = 0
                values[row * columns.count + column] = min(max(sum, 0), 1)
            }
            scratch[row * stride + columns.count] = 0
            scratch[row * stride + columns.count + 1] = 0
        }
        if let clip = clips.last {
            for row in rows {
                let outer = (row - clip.rows.lowerBound) * clip.columns.count - clip.columns.lowerBound
                let inner = (row - rows.lowerBound) * columns.count - columns.lowerBound
                for column in columns { values[inner + column] *= clip.values[outer + column] }
            }
        }
        return Coverage(columns: columns, rows: rows, values: values)
    }

    private mutating func addEdge(from start: Point, to end: Point, _ sign: Float, rowCount: Int, columnCount: Int) {
        guard start.y != end.y else { return }
        let sense = start.y < end.y ? sign : -sign
        let (top, bottom) = start.y < end.y ? (start, end) : (end, start)
        guard bottom.y > 0, top.y < Float(rowCount) else { return }
        let slope = (bottom.x - top.x) / (bottom.y - top.y)
        let stride = columnCount + 2
        let limit = Float(columnCount)
        var x = top.y < 0 ? top.x - top.y * slope : top.x
        for row in max(0, Int(top.y))..<min(rowCount, Int(bottom.y.rounded(.up))) {
            let height = min(Float(row + 1), bottom.y) - max(Float(row), top.y)
            let next = x + slope * height
            let amount = height * sense
            let left = min(max(min(x, next), 0), limit)
            let right = min(max(max(x, next), 0), limit)
            x = next
            let first = Int(left)
            let last = Int(right.rounded(.up))
            let at = row * stride + first
            if last <= first + 1 {
                let mean = 0.5 * (left + right) - Float(first)
                scratch[at] += amount - amount * mean
                scratch[at + 1] += amount * mean
            } else {
                // The edge crosses several pixels of this row: a triangle, trapezoids, a triangle.
                let perPixel = 1 / (right - left)
                let leftPart = 1 - (left - Float(first))
                let firstArea = 0.5 * perPixel * leftPart * leftPart
                let rightPart = right - Float(last - 1)
                let lastArea = 0.5 * perPixel * rightPart * rightPart
                scratch[at] += amount * firstArea
                if last == first + 2 {
                    scratch[at + 1] += amount * (1 - firstArea - lastArea)
                } else {
                    let second = perPixel * (leftPart + 0.5)
                    scratch[at + 1] += amount * (second - firstArea)
                    for pixel in 2..<last - first - 1 { scratch[at + pixel] += amount * perPixel }
                    let sum = second + Float(last - first - 3) * perPixel
                    scratch[at + last - first - 1] += amount * (1 - sum - lastArea)
                }
                scratch[at + last - first] += amount * lastArea
            }
        }
    }
}
