import Tensors

/// Softmax regression on rows of features: what a classifier outside of the head needs of the head's mathematics, in Float.
///
/// The head's own code is generic over its precision, and generic code is only fast where it is specialised: in this target.
package enum SoftmaxRegression {
    /// What a number of rows add up to.
    package struct Sums: Sendable {
        /// Sum of the cross-entropies, in nats; not a number if a logit is not finite.
        package var loss = 0.0
        /// Rows whose largest logit is their label's; ties go to the lowest class.
        package var correctCount = 0
        /// Sum of 1 - sum over classes of p^2: C times the mean curvature of the loss in a logit.
        package var doubt = 0.0

        package init() {}

        package static func += (total: inout Sums, part: Sums) {
            total.loss += part.loss
            total.correctCount += part.correctCount
            total.doubt += part.doubt
        }
    }

    /// Floats from one row of logits to the next: whole vectors, for `replaceByGradient`.
    package static func logitStride(classCount: Int) -> Int { (classCount + 7) / 8 * 8 }

    /// Adds the bias to logits and replaces them by the gradient of the loss, softmax(logits) - onehot(label).
    ///
    /// - Parameters:
    ///   - logits: [N, C], `logitStride(classCount:)` from row to row; what lies between the rows is overwritten.
    ///   - labels: [N], in 0..<C.
    ///   - bias: [C] and zeros, `logitStride(classCount:)` in all.
    package static func replaceByGradient(
        _ logits: UnsafeMutablePointer<Float>, labels: ArraySlice<Int>, bias: [Float], classCount: Int
    ) -> Sums {
        let stride = logitStride(classCount: classCount)
        precondition(bias.count == stride, "\(bias.count) biases in a row of \(stride)")
        var sums = Sums()
        bias.withUnsafeBufferPointer { bias in
            for (row, label) in labels.enumerated() {
                precondition(0..<classCount ~= label, "the label \(label) is not one of \(classCount) classes")
                let row = logits + row * stride
                (row + classCount).update(repeating: -.infinity, count: stride - classCount)
                sums += replaceRow(row, label: label, bias: bias.baseAddress!, count: stride)
            }
        }
        return sums
    }

    private typealias Lanes = SIMD8<Float>

    /// A row of `count` logits, a multiple of 8.
    private static func replaceRow(
        _ row: UnsafeMutablePointer<Float>, label: Int, bias: UnsafePointer<Float>, count: Int
    ) -> Sums {
        var greatest = Lanes(repeating: -.infinity)
        // Turns into not a number with the first lane that is not one; the vectors' own comparison would pass over it.
        var faults = Lanes()
        var index = 0
        while index < count {
            let y = load8(row + index) + load8(bias + index)
            store8(y, to: row + index)
            greatest.replace(with: y, where: y .> greatest)
            faults.replace(with: y, where: y .!= y)
            index &+= 8
        }
        let peak = greatest.max()
        var sums = Sums()
        guard peak.isFinite, faults.sum() == 0 else {
            sums.loss = .nan
            return sums
        }
        let own = row[label]
        if own == peak, !(0..<label).contains(where: { row[$0] == peak }) { sums.correctCount = 1 }
        let shift = Lanes(repeating: peak)
        var (total, squares) = (Lanes(), Lanes())
        index = 0
        while index < count {
            let weight = Float.exponential(load8(row + index) - shift)
            store8(weight, to: row + index)
            total += weight
            squares.addProduct(weight, weight)
            index &+= 8
        }
        let sum = Double(total.sum())
        let scale = Lanes(repeating: Float(1 / sum))
        index = 0
        while index < count {
            store8(load8(row + index) * scale, to: row + index)
            index &+= 8
        }
        row[label] -= 1
        sums.loss = logarithm(sum) - (Double(own) - Double(peak))
        sums.doubt = 1 - Double(squares.sum()) / (sum * sum)
        return sums
    }

    /// Whether every element is finite.
    package static func isFinite(_ values: [Float], team: WorkerTeam) -> Bool { areFinite(values, team: team) }

    /// The scalar product of two vectors of one length, in a fixed order.
    package static func scalarProduct(_ a: [Double], _ b: [Double]) -> Double {
        precondition(a.count == b.count, "vectors of \(a.count) and \(b.count) elements")
        return dotProduct(a, b, count: a.count)
    }
}
