import ElementaryFunctions
import Tensors

/// What a block of a Swin transformer adds to the score of two pixels of a window: a number for each head and each offset
/// between the two, for windows of any size.
enum PositionBias: Sendable {
    /// First version: a row [heads] for each offset, as they were learned.
    case table(PositionTable)
    /// Second version: a small network of the offset.
    case continuous(ContinuousPositionBias)

    /// [heads, T, T] for windows of T pixels.
    func pairs(within window: SpatialSize, headCount: Int) -> [Float] {
        let offsets = WindowOffsets(window: window)
        let rows =
            switch self {
            case .table(let table): table.rows(for: offsets)
            case .continuous(let network): network(offsets)
            }
        return offsets.pairs(of: rows, headCount: headCount)
    }
}

/// The small network of Swin V2 from an offset on a logarithmic scale to a number for each head.
struct ContinuousPositionBias: Sendable {
    static let hiddenCount = 512
    /// [hidden, 2], of rows and of columns.
    let hiddenWeights: [Float]
    /// [hidden].
    let hiddenBiases: [Float]
    /// [heads, hidden].
    let weights: [Float]
    /// The side of the windows that the network was trained for first, if these are others: offsets count in those.
    var trainedSide: Int?

    /// A row [heads] for each offset.
    func callAsFunction(_ offsets: WindowOffsets) -> [Float] {
        let hiddenCount = Self.hiddenCount
        return offsets.logarithmic(inWindowsOf: trainedSide).flatMap { dy, dx in
            let hidden = (0..<hiddenCount).map {
                max(
                    0,
                    Double(hiddenWeights[2 * $0]) * dy + Double(hiddenWeights[2 * $0 + 1]) * dx
                        + Double(hiddenBiases[$0]))
            }
            return stride(from: 0, to: weights.count, by: hiddenCount).map { head in
                let sum = (0..<hiddenCount).reduce(0) { $0 + Double(weights[head + $1]) * hidden[$1] }
                return Float(16 / (1 + exponential(-sum)))
            }
        }
    }
}

/// The offsets between two pixels of a window, from -(extent - 1) to extent - 1 along each axis, row by row.
struct WindowOffsets {
    let window: SpatialSize

    /// [heads, T, T] from a row [heads] for each offset of query from key.
    func pairs(of table: [Float], headCount: Int) -> [Float] {
        let (height, width) = (window.height, window.width)
        let indices = (0..<window.area).flatMap { query in
            (0..<window.area).map { key in
                (query / width - key / width + height - 1) * (2 * width - 1) + query % width - key % width + width - 1
            }
        }
        return (0..<headCount).flatMap { head in indices.map { table[$0 * headCount + head] } }
    }

    /// Rows and columns of the offsets on a logarithmic scale, on which 8 is the extent of the window, or of one of `side`
    /// pixels.
    func logarithmic(inWindowsOf side: Int? = nil) -> [(Double, Double)] {
        func coordinates(_ extent: Int) -> [Double] {
            (1 - extent..<extent).map { offset in
                let relative = 8 * Double(offset) / Double(max((side ?? extent) - 1, 1))
                return (relative < 0 ? -1 : 1) * binaryLogarithm(abs(relative) + 1) / 3
            }
        }
        let columns = coordinates(window.width)
        return coordinates(window.height).flatMap { y in columns.map { (y, $0) } }
    }
}

extension ParameterLoader {
    /// `prefix`.relative_position_bias_table [(2 side - 1)^2, heads]. The table of windows of another side is taken too, and
    /// resampled, unless the file must fit exactly.
    mutating func positionTable(_ prefix: String, headCount: Int, windowSide: Int) throws -> PositionBias {
        let name = "\(prefix).relative_position_bias_table"
        let found = acceptsOtherSizes ? shape(name).flatMap(PositionTable.windowSide(ofShape:)) : nil
        let side = found ?? windowSide
        if side != windowSide {
            remark(
                "the relative position tables, learned for windows of \(SpatialSize(side)) pixels, are resampled to "
                    + "windows of \(SpatialSize(windowSide))")
        }
        let extent = 2 * side - 1
        let values = try floats(name, [extent * extent, headCount])
        return .table(PositionTable(values: values, side: side, headCount: headCount))
    }

    /// The network `prefix`.cpb_mlp.
    mutating func continuousPositionBias(_ prefix: String, headCount: Int, stage: Int) throws -> PositionBias {
        let hiddenCount = ContinuousPositionBias.hiddenCount
        let trained = try trainedWindowSide(prefix, stage: stage)
        return .continuous(
            ContinuousPositionBias(
                hiddenWeights: try floats("\(prefix).cpb_mlp.0.weight", [hiddenCount, 2]),
                hiddenBiases: try floats("\(prefix).cpb_mlp.0.bias", [hiddenCount]),
                weights: try floats("\(prefix).cpb_mlp.2.weight", [headCount, hiddenCount]),
                trainedSide: trained))
    }

    /// The side of the windows that offsets count in, where it is not that of the network's windows: as `config.json` says it,
    /// or as the table of scaled offsets does that Microsoft's files have.
    private mutating func trainedWindowSide(_ prefix: String, stage: Int) throws -> Int? {
        if let sides = integers(saidOf: "pretrained_window_sizes"), sides.indices.contains(stage) {
            return sides[stage] > 1 ? sides[stage] : nil
        }
        let name = "\(prefix).relative_coords_table"
        guard !isDryRun, let shape = shape(name), shape.count == 4, shape[0] == 1, shape[1] == shape[2], shape[3] == 2,
            (3...255).contains(shape[1]), !shape[1].isMultiple(of: 2),
            let farthest = try values(name, shape)?.last
        else { return nil }
        // 8 (side - 1) / (trained side - 1) on the logarithmic scale.
        let side = (shape[1] + 1) / 2
        let trained = 1 + 8 * Double(side - 1) / (power(8, Double(farthest)) - 1)
        guard trained.isFinite, trained > 1.5, trained < 1000, Int(trained.rounded()) != side else { return nil }
        return Int(trained.rounded())
    }

    /// What each head multiplies its cosines with, e^logit_scale, at most 100.
    mutating func cosineFactors(_ prefix: String, headCount: Int) throws -> [Float] {
        try floats("\(prefix).logit_scale", [headCount, 1, 1]).map {
            Float(exponential(min(Double($0), logarithm(100))))
        }
    }
}
