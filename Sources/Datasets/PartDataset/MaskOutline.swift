/// The outlines of what a layer shows: closed polygons along the edges of the pixels of which it has at least half.
struct MaskOutline {
    /// Corners of each polygon in pixels (0 is the left or top edge of the picture), as x and y in turn.
    let polygons: [[Int]]
    /// The smallest rectangle around the polygons: left, top, right, bottom edge in pixels.
    let box: [Int]
    /// Number of pixels.
    let area: Int

    /// Pieces smaller than this many pixels are left out of the outline.
    private static let smallestPiece = 4

    /// Nil if the layer shows in fewer than `smallestPiece` pixels, or in scattered ones only.
    init?(of canvas: Canvas, layer: Int) {
        let side = canvas.side
        // One empty pixel around the picture spares the walk all bounds checks.
        let stride = side + 2
        var inside = [Bool](repeating: false, count: stride * stride)
        for row in 0..<side {
            for column in 0..<side where canvas.shares[row * side + column][layer] >= 0.5 {
                inside[(row + 1) * stride + column + 1] = true
            }
        }

        var polygons: [[Int]] = []
        var area = 0
        var visited = [Bool](repeating: false, count: stride * stride)
        for start in inside.indices where inside[start] && !visited[start] {
            // Flood the piece (4-connected); `start` is its topmost, leftmost pixel, so its top edge is on the outline.
            var piece = [start]
            visited[start] = true
            var next = 0
            while next < piece.count {
                for neighbour in [piece[next] - 1, piece[next] + 1, piece[next] - stride, piece[next] + stride]
                where inside[neighbour] && !visited[neighbour] {
                    visited[neighbour] = true
                    piece.append(neighbour)
                }
                next += 1
            }
            guard piece.count >= MaskOutline.smallestPiece else { continue }
            area += piece.count
            let corners = MaskOutline.walk(inside, stride, from: start)
            polygons.append(MaskOutline.simplified(corners).flatMap { [Int($0.x) - 1, Int($0.y) - 1] })
        }
        guard !polygons.isEmpty else { return nil }
        let xs = polygons.joined().enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
        let ys = polygons.joined().enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
        box = [xs.min()!, ys.min()!, xs.max()!, ys.max()!]
        self.polygons = polygons
        self.area = area
    }

    /// The corners of the piece's outer edge, clockwise from the upper left corner of `start`, inside on the right hand.
    private static func walk(_ inside: [Bool], _ stride: Int, from start: Int) -> [SIMD2<Int32>] {
        let origin = SIMD2(Int32(start % stride), Int32(start / stride))
        var corners = [origin]
        var at = origin
        var direction = SIMD2<Int32>(1, 0)
        func isInside(_ x: Int32, _ y: Int32) -> Bool { inside[Int(y) * stride + Int(x)] }
        repeat {
            at &+= direction
            // The pixels ahead of the corner, to the left and to the right of the direction.
            let ahead: (left: Bool, right: Bool) =
                switch (direction.x, direction.y) {
                case (1, 0): (isInside(at.x, at.y - 1), isInside(at.x, at.y))
                case (0, 1): (isInside(at.x, at.y), isInside(at.x - 1, at.y))
                case (-1, 0): (isInside(at.x - 1, at.y), isInside(at.x - 1, at.y - 1))
                default: (isInside(at.x - 1, at.y - 1), isInside(at.x, at.y - 1))
                }
            if !ahead.right {
                corners.append(at)
                direction = SIMD2(-direction.y, direction.x)
            } else if ahead.left {
                corners.append(at)
                direction = SIMD2(direction.y, -direction.x)
            }
        } while at != origin || direction != SIMD2(1, 0)
        // The start is a corner and was closed by the turn back into the first direction.
        if corners.count > 1, corners.last == origin { corners.removeLast() }
        return corners
    }

    /// Fewer corners, none farther than 0.75 pixels from the outline given (Ramer, Douglas and Peucker's method); the
    /// extreme corners are kept, so the box stays.
    private static func simplified(_ corners: [SIMD2<Int32>]) -> [SIMD2<Int32>] {
        guard corners.count > 8 else { return corners }
        let extremes = Set(
            [
                corners.indices.min { corners[$0].x < corners[$1].x }!,
                corners.indices.max { corners[$0].x < corners[$1].x }!,
                corners.indices.min { corners[$0].y < corners[$1].y }!,
                corners.indices.max { corners[$0].y < corners[$1].y }!,
            ]).sorted()
        var keep = Set(extremes)
        var ranges = extremes.indices.map { place in
            (extremes[place], place + 1 < extremes.count ? extremes[place + 1] : extremes[0] + corners.count)
        }
        while let (first, last) = ranges.popLast() {
            guard last - first > 1 else { continue }
            let start = SIMD2<Float>(corners[first % corners.count])
            let chord = SIMD2<Float>(corners[last % corners.count]) - start
            let length = chord.length
            var farthest = (index: first, distance: Float(-1))
            for index in first + 1..<last {
                let offset = SIMD2<Float>(corners[index % corners.count]) - start
                let distance = length > 0 ? abs(offset.x * chord.y - offset.y * chord.x) / length : offset.length
                if distance > farthest.distance { farthest = (index, distance) }
            }
            if farthest.distance > 0.75 {
                keep.insert(farthest.index % corners.count)
                ranges.append((first, farthest.index))
                ranges.append((farthest.index, last))
            }
        }
        return keep.sorted().map { corners[$0] }
    }
}
