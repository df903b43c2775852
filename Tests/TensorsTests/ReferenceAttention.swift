import Foundation
import Tensors

/// rows [n, inputs] times weights [outputs, inputs], plus biases.
func referenceLinear(_ rows: [Double], _ weights: [Float], _ biases: [Float]) -> [Double] {
    let inputs = weights.count / biases.count
    return stride(from: 0, to: rows.count, by: inputs).flatMap { start in
        biases.indices.map { o in
            (0..<inputs).reduce(Double(biases[o])) { $0 + rows[start + $1] * Double(weights[o * inputs + $1]) }
        }
    }
}

/// The layer normalisation of each row of `weight.count` numbers.
func referenceNormalisation(
    _ rows: [Double], _ weight: [Float], _ bias: [Float], epsilon: Double = 1e-5
) -> [Double] {
    let c = weight.count
    return stride(from: 0, to: rows.count, by: c).flatMap { start in
        let row = rows[start..<start + c]
        let mean = row.reduce(0, +) / Double(c)
        let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(c)
        return zip(row, zip(weight, bias)).map {
            ($0 - mean) / (variance + epsilon).squareRoot() * Double($1.0) + Double($1.1)
        }
    }
}

/// What each token of one image attends to, from the definition: all pixels of the filled-up map that are in the same
/// window of the shifted grid.
///
/// - Parameters:
///   - projected: queries, keys and values of the map's pixels, [H W, 3 D].
///   - padding: those of a pixel beyond the edge.
///   - bias: of head, query and key, by their positions in the window.
func referenceAttention(
    _ projected: [Double], padding: [Double], size: SpatialSize, headCount: Int, window: SpatialSize, isShifted: Bool,
    cosineFactors: [Float]?, bias: (_ head: Int, _ query: Int, _ key: Int) -> Double
) -> [Double] {
    let d = padding.count / 3
    let length = d / headCount
    let filled = SpatialSize(
        height: (size.height + window.height - 1) / window.height * window.height,
        width: (size.width + window.width - 1) / window.width * window.width)
    let shiftY = isShifted && filled.height > window.height ? window.height / 2 : 0
    let shiftX = isShifted && filled.width > window.width ? window.width / 2 : 0
    struct Place {
        let window: Int
        let part: Int
        let index: Int
    }
    func place(_ y: Int, _ x: Int) -> Place {
        let sy = (y - shiftY + filled.height) % filled.height
        let sx = (x - shiftX + filled.width) % filled.width
        // Pixels that came round the edge are another part of their window.
        return Place(
            window: sy / window.height * 1000 + sx / window.width,
            part: (sy >= filled.height - shiftY ? 2 : 0) + (sx >= filled.width - shiftX ? 1 : 0),
            index: sy % window.height * window.width + sx % window.width)
    }
    func token(_ y: Int, _ x: Int) -> ArraySlice<Double> {
        guard y < size.height && x < size.width else { return padding[...] }
        let start = (y * size.width + x) * 3 * d
        return projected[start..<start + 3 * d]
    }
    func norm(_ x: ArraySlice<Double>) -> Double { max(x.reduce(0) { $0 + $1 * $1 }.squareRoot(), 1e-12) }
    var result: [Double] = []
    for y in 0..<size.height {
        for x in 0..<size.width {
            let own = place(y, x)
            for head in 0..<headCount {
                let query = token(y, x).dropFirst(head * length).prefix(length)
                var weights: [Double] = []
                var values: [ArraySlice<Double>] = []
                for ky in 0..<filled.height {
                    for kx in 0..<filled.width {
                        let other = place(ky, kx)
                        guard other.window == own.window else { continue }
                        let key = token(ky, kx).dropFirst(d + head * length).prefix(length)
                        var score = zip(query, key).reduce(0) { $0 + $1.0 * $1.1 }
                        if let cosineFactors {
                            score *= Double(cosineFactors[head]) / norm(query) / norm(key)
                        } else {
                            score /= Double(length).squareRoot()
                        }
                        score += bias(head, own.index, other.index) + (other.part == own.part ? 0 : -100)
                        weights.append(exp(score))
                        values.append(token(ky, kx).dropFirst(2 * d + head * length).prefix(length))
                    }
                }
                let sum = weights.reduce(0, +)
                for c in 0..<length {
                    result.append(zip(weights, values).reduce(0) { $0 + $1.0 * $1.1[$1.1.startIndex + c] } / sum)
                }
            }
        }
    }
    return result
}
