/// A small map of non-negative numbers over an image, [h, w]: one number for each cell of a grid that covers it evenly.
public struct HeatMap: Equatable, Sendable {
    public let width: Int
    public let height: Int
    /// Row by row, top row first; `width * height` finite numbers, none negative.
    public let values: [Float]

    public init(width: Int, height: Int, values: [Float]) {
        precondition(width > 0 && height > 0, "a heat map needs at least one cell, not \(width) x \(height)")
        precondition(values.count == width * height, "\(width) x \(height) cells are not \(values.count) numbers")
        // Counted, as a search that can end early is not made of vectors.
        precondition(
            values.count { $0 >= 0 && $0 <= .greatestFiniteMagnitude } == values.count,
            "a heat map holds finite numbers that are not negative")
        self.width = width
        self.height = height
        self.values = values
    }

    /// The largest value.
    public var maximum: Float { values.max() ?? 0 }

    /// The map scaled to `width` x `height`, for sizes not smaller than its own.
    ///
    /// As PyTorch's `interpolate(align_corners=False)`: cell centres are at half integers, the border cells go on outwards,
    /// and the bicubic kernel has a = -3/4. Bicubic overshoot below zero is cut off.
    public func upsampled(width: Int, height: Int, interpolation: Interpolation = .bilinear) -> HeatMap {
        precondition(
            width >= self.width && height >= self.height,
            "a heat map of \(self.width) x \(self.height) cells is only scaled up, not to \(width) x \(height)")
        let columns = UpsamplingTaps(inputCount: self.width, outputCount: width, interpolation: interpolation)
        let rows = UpsamplingTaps(inputCount: self.height, outputCount: height, interpolation: interpolation)
        var between = [Float](repeating: 0, count: self.height * width)
        for row in 0..<self.height {
            for column in 0..<width {
                var sum: Float = 0
                for tap in columns.taps(of: column) { sum += values[row * self.width + tap.input] * tap.weight }
                between[row * width + column] = sum
            }
        }
        let result = [Float](unsafeUninitializedCapacity: height * width) { result, count in
            for row in 0..<height {
                Self.combine(between, width: width, by: rows.taps(of: row), into: result.baseAddress! + row * width)
            }
            count = height * width
        }
        return HeatMap(width: width, height: height, values: result)
    }

    /// max(0, the weighted sum of some rows).
    private static func combine(
        _ rows: [Float], width: Int, by taps: ArraySlice<(input: Int, weight: Float)>,
        into result: UnsafeMutablePointer<Float>
    ) {
        guard width >= 8 else {
            for column in 0..<width {
                let sum = taps.reduce(Float(0)) { $0 + rows[$1.input * width + column] * $1.weight }
                (result + column).initialize(to: max(0, sum))
            }
            return
        }
        rows.withUnsafeBytes { bytes in
            for next in stride(from: 0, to: width, by: 8) {
                // The last vector overlaps the one before it.
                let column = min(next, width - 8)
                var sum = SIMD8<Float>.zero
                for tap in taps {
                    let offset = (tap.input * width + column) * MemoryLayout<Float>.stride
                    sum += bytes.loadUnaligned(fromByteOffset: offset, as: SIMD8<Float>.self) * tap.weight
                }
                sum.replace(with: 0, where: sum .< 0)
                UnsafeMutableRawPointer(result + column).storeBytes(of: sum, as: SIMD8<Float>.self)
            }
        }
    }
}

/// The weights of plain (not antialiased) upsampling along one axis.
private struct UpsamplingTaps {
    private let all: [(input: Int, weight: Float)]
    private let tapCount: Int

    init(inputCount: Int, outputCount: Int, interpolation: Interpolation) {
        let tapCount = interpolation == .bilinear ? 2 : 4
        self.tapCount = tapCount
        all = (0..<outputCount).flatMap { output in
            let place = (Float(output) + 0.5) * (Float(inputCount) / Float(outputCount)) - 0.5
            let first = place.rounded(.down)
            return (0..<tapCount).map { tap in
                let neighbour = Int(first) + tap - (tapCount / 2 - 1)
                return (
                    input: min(max(neighbour, 0), inputCount - 1),
                    weight: Self.weight(at: abs(place - Float(neighbour)), interpolation)
                )
            }
        }
    }

    func taps(of output: Int) -> ArraySlice<(input: Int, weight: Float)> {
        all[output * tapCount..<(output + 1) * tapCount]
    }

    private static func weight(at x: Float, _ interpolation: Interpolation) -> Float {
        guard interpolation == .bicubic else { return 1 - x }
        let a: Float = -0.75
        return x <= 1 ? ((a + 2) * x - (a + 3)) * x * x + 1 : ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    }
}
