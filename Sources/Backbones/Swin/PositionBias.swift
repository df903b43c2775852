import Foundation
import Tensors

// What Swin transformers add to the score of two pixels of a window: a number for each head and each offset between the two,
// from a table (first version) or from a small network of the offset (second version).

extension ParameterLoader {
    /// [heads, T, T] from `prefix`.relative_position_bias_table [(2 side - 1)^2, heads]; nil in a dry run.
    mutating func positionBias(ofTable prefix: String, headCount: Int, windowSide side: Int) throws -> [Float]? {
        let offsetCount = (2 * side - 1) * (2 * side - 1)
        let table = try floats("\(prefix).relative_position_bias_table", [offsetCount, headCount])
        return isDryRun ? nil : WindowOffsets(side: side).pairs(of: table, headCount: headCount)
    }

    /// [heads, T, T] from the network `prefix`.cpb_mlp; nil in a dry run.
    mutating func continuousPositionBias(_ prefix: String, headCount: Int, windowSide side: Int) throws -> [Float]? {
        let hiddenCount = 512
        let hiddenWeights = try floats("\(prefix).cpb_mlp.0.weight", [hiddenCount, 2])
        let hiddenBiases = try floats("\(prefix).cpb_mlp.0.bias", [hiddenCount])
        let weights = try floats("\(prefix).cpb_mlp.2.weight", [headCount, hiddenCount])
        guard !isDryRun else { return nil }
        var table: [Float] = []
        for (dy, dx) in WindowOffsets(side: side).logarithmic {
            let hidden = (0..<hiddenCount).map {
                max(
                    0,
                    Double(hiddenWeights[2 * $0]) * dy + Double(hiddenWeights[2 * $0 + 1]) * dx
                        + Double(hiddenBiases[$0]))
            }
            for head in 0..<headCount {
                let sum = (0..<hiddenCount).reduce(0) { $0 + Double(weights[head * hiddenCount + $1]) * hidden[$1] }
                table.append(Float(16 / (1 + exp(-sum))))
            }
        }
        return WindowOffsets(side: side).pairs(of: table, headCount: headCount)
    }

    /// What each head multiplies its cosines with, e^logit_scale, at most 100.
    mutating func cosineFactors(_ prefix: String, headCount: Int) throws -> [Float] {
        try floats("\(prefix).logit_scale", [headCount, 1, 1]).map { Float(exp(min(Double($0), log(100)))) }
    }
}

/// The offsets between two pixels of a square window, from -(side - 1) to side - 1 along each axis, row by row.
struct WindowOffsets {
    let side: Int

    private var extent: Int { 2 * side - 1 }

    /// [heads, T, T] from a row [heads] for each offset of query from key.
    func pairs(of table: [Float], headCount: Int) -> [Float] {
        let area = side * side
        let indices = (0..<area).flatMap { query in
            (0..<area).map { key in
                (query / side - key / side + side - 1) * extent + query % side - key % side + side - 1
            }
        }
        return (0..<headCount).flatMap { head in indices.map { table[$0 * headCount + head] } }
    }

    /// Rows and columns of the offsets on a logarithmic scale, on which 8 is a window's side.
    var logarithmic: [(Double, Double)] {
        let coordinates = (1 - side..<side).map { offset -> Double in
            let relative = 8 * Double(offset) / Double(max(side - 1, 1))
            return (relative < 0 ? -1 : 1) * log2(abs(relative) + 1) / 3
        }
        return coordinates.flatMap { y in coordinates.map { (y, $0) } }
    }
}
