extension Tensor {
    /// Maps [H, W, C] resampled to another size with Keys' cubic filter (a = -0.5), which is widened where the size shrinks:
    /// PyTorch's `interpolate` with mode "bicubic" and antialias, on pixels' centres.
    public func resampledBicubically(to size: SpatialSize) -> Tensor {
        precondition(shape.count == 3, "maps are [H, W, C], not \(shape)")
        let (height, width, channelCount) = (shape[0], shape[1], shape[2])
        let columns = Self.cubicTaps(from: width, to: size.width)
        let rows = Self.cubicTaps(from: height, to: size.height)
        var wide = [Double](repeating: 0, count: height * size.width * channelCount)
        for y in 0..<height {
            for (x, taps) in columns.enumerated() {
                let target = (y * size.width + x) * channelCount
                for (source, weight) in taps {
                    let start = (y * width + source) * channelCount
                    for c in 0..<channelCount { wide[target + c] += weight * Double(values[start + c]) }
                }
            }
        }
        let rowLength = size.width * channelCount
        var result = [Double](repeating: 0, count: size.height * rowLength)
        for (y, taps) in rows.enumerated() {
            for (source, weight) in taps {
                for i in 0..<rowLength { result[y * rowLength + i] += weight * wide[source * rowLength + i] }
            }
        }
        return Tensor(shape: [size.height, size.width, channelCount], values: result.map { Float($0) })
    }

    /// For each output position along one axis, the input positions it is made of and their weights.
    private static func cubicTaps(from inputCount: Int, to outputCount: Int) -> [[(source: Int, weight: Double)]] {
        let scale = Double(inputCount) / Double(outputCount)
        let stretch = max(scale, 1)
        return (0..<outputCount).map { output in
            let centre = scale * (Double(output) + 0.5)
            let first = max(0, Int(centre - 2 * stretch + 0.5))
            let end = min(inputCount, Int(centre + 2 * stretch + 0.5))
            let weights = (first..<end).map { cubic((Double($0) - centre + 0.5) / stretch) }
            let sum = weights.reduce(0, +)
            return zip(first..<end, weights).map { ($0, $1 / sum) }
        }
    }

    private static func cubic(_ x: Double) -> Double {
        let (a, x) = (-0.5, abs(x))
        if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
        return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0
    }
}
