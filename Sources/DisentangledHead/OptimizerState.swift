import Tensors

/// The optimizer's memory of one parameter, and its rule.
///
/// Formulas and their order as in PyTorch's `Adam` and `SGD` (no weight decay, no dampening, no Nesterov).
package struct OptimizerState<Scalar: HeadScalar>: Sendable, Equatable {
    /// Adam's first moment or SGD's velocity.
    package var first: [Scalar]
    /// Adam's second moment; empty for SGD.
    package var second: [Scalar]

    package init(count: Int, optimizer: OptimizerConfiguration) {
        first = Array(repeating: 0, count: count)
        second = optimizer.kind == .adam ? first : []
    }

    /// Takes in a gradient and replaces it by the direction d of the step: the parameter moves by -learningRate * d.
    ///
    /// `updateCount` is the number of gradients taken in before this one.
    mutating func makeDirection(
        _ gradient: inout [Scalar], optimizer: OptimizerConfiguration, updateCount: Int, team: WorkerTeam
    ) {
        precondition(
            gradient.count == first.count && (optimizer.kind != .adam || second.count == first.count),
            "a gradient of another parameter")
        let length = 1 << 15
        gradient.withUnsafeMutableBufferPointer { gradient in
            first.withUnsafeMutableBufferPointer { first in
                second.withUnsafeMutableBufferPointer { second in
                    guard let gradientBase = gradient.baseAddress, let firstBase = first.baseAddress else { return }
                    nonisolated(unsafe) let (g, m) = (gradientBase, firstBase)
                    switch optimizer.kind {
                    case .sgd:
                        let momentum = Scalar(optimizer.momentum)
                        team.forEachRange(of: gradient.count, length: length) { _, range in
                            for i in range {
                                let velocity = momentum * m[i] + g[i]
                                m[i] = velocity
                                g[i] = velocity
                            }
                        }
                    case .adam:
                        nonisolated(unsafe) let v = second.baseAddress!
                        let count = Double(updateCount + 1)
                        let (decay1, decay2) = (Scalar(optimizer.beta1), Scalar(optimizer.beta2))
                        let (gain1, gain2) = (Scalar(1 - optimizer.beta1), Scalar(1 - optimizer.beta2))
                        let scale1 = Scalar(1 / (1 - power(optimizer.beta1, count)))
                        let scale2 = Scalar(1 / (1 - power(optimizer.beta2, count)).squareRoot())
                        let epsilon = Scalar(optimizer.epsilon)
                        team.forEachRange(of: gradient.count, length: length) { _, range in
                            for i in range {
                                let mean = decay1 * m[i] + gain1 * g[i]
                                let square = decay2 * v[i] + gain2 * (g[i] * g[i])
                                m[i] = mean
                                v[i] = square
                                g[i] = scale1 * mean / (square.squareRoot() * scale2 + epsilon)
                            }
                        }
                    }
                }
            }
        }
    }
}
