import DisentangledHead

/// Minimises a smooth function by preconditioned L-BFGS with a line search for the approximate Wolfe conditions.
///
/// Sources: Nocedal, Wright, "Numerical Optimization", 2nd edition, 2006, algorithms 7.4, 7.5, 3.5 and 3.6 (the zoom by bisection,
/// which needs no safeguards); Hager, Zhang, SIAM Journal on Optimization 16, 2005, equation 4.1: where a step changes the value by
/// less than its rounding, the slope alone decides.
struct LimitedMemoryMinimiser {
    /// Pairs of steps and gradient changes that are kept.
    var memory = 10
    var iterationLimit = 300
    /// Stops when a step is expected to lower the value by at most this.
    var tolerance: Double

    /// Relative error of the values of a function that is computed in Float.
    private static let valueNoise = 1e-7

    typealias Evaluation = (value: Double, gradient: [Double])

    /// The point reached from `start`.
    ///
    /// - Parameters:
    ///   - precondition: an approximate inverse of the second derivatives, times a vector: linear, symmetric, positive.
    ///   - evaluate: value and gradient at a point; a value that is not finite, with any gradient, makes the step shorter.
    func minimise(
        from start: [Double], precondition: ([Double]) throws -> [Double],
        _ evaluate: ([Double]) throws -> Evaluation
    ) rethrows -> [Double] {
        var point = start
        var (value, gradient) = try evaluate(point)
        var pairs: [(step: [Double], change: [Double])] = []
        for _ in 0..<iterationLimit {
            var direction = try descentDirection(gradient, pairs, precondition)
            var slope = dot(direction, gradient)
            if !(slope < 0), !pairs.isEmpty {
                pairs.removeAll()
                direction = try descentDirection(gradient, pairs, precondition)
                slope = dot(direction, gradient)
            }
            // A quadratic function falls by half of what its slope promises.
            guard -slope / 2 > tolerance else { break }
            guard
                let next = try search(
                    from: point, value: value, slope: slope, direction: direction, evaluate)
            else { break }
            let step = zip(next.point, point).map { $0 - $1 }
            let change = zip(next.gradient, gradient).map { $0 - $1 }
            if dot(step, change) > 0 {
                if pairs.count == memory { pairs.removeFirst() }
                pairs.append((step, change))
            }
            (point, value, gradient) = next
        }
        return point
    }

    /// -H g by the two-loop recursion.
    private func descentDirection(
        _ gradient: [Double], _ pairs: [(step: [Double], change: [Double])],
        _ precondition: ([Double]) throws -> [Double]
    ) rethrows -> [Double] {
        var direction = gradient.map { -$0 }
        var factors: [Double] = []
        for pair in pairs.reversed() {
            let factor = dot(pair.step, direction) / dot(pair.step, pair.change)
            factors.append(factor)
            add(-factor, pair.change, to: &direction)
        }
        direction = try precondition(direction)
        if let last = pairs.last {
            let scale = dot(last.step, last.change) / dot(last.change, try precondition(last.change))
            for index in direction.indices { direction[index] *= scale }
        }
        for (pair, factor) in zip(pairs, factors.reversed()) {
            add(factor - dot(pair.change, direction) / dot(pair.step, pair.change), pair.step, to: &direction)
        }
        return direction
    }

    /// A step with sufficient decrease and a flat enough slope; nil if rounding hides any decrease.
    private func search(
        from start: [Double], value: Double, slope: Double, direction: [Double],
        _ evaluate: ([Double]) throws -> Evaluation
    ) rethrows -> (point: [Double], value: Double, gradient: [Double])? {
        var (low, high) = (0.0, Double.infinity)
        var step = 1.0
        var best: (point: [Double], value: Double, gradient: [Double])?
        for _ in 0..<40 {
            let point = zip(start, direction).map { $0 + step * $1 }
            let (newValue, newGradient) = try evaluate(point)
            let newSlope = newValue.isFinite ? dot(direction, newGradient) : .infinity
            let falls = newValue <= value + 1e-4 * step * slope
            let isLevel = newValue <= value + Self.valueNoise * abs(value) && newSlope <= -0.9998 * slope
            if newValue.isFinite, falls || isLevel {
                if best == nil || newValue < best!.value { best = (point, newValue, newGradient) }
                if abs(newSlope) <= -0.9 * slope { return (point, newValue, newGradient) }
                if newSlope < 0 { low = step } else { high = step }
            } else {
                high = step
            }
            step = high.isFinite ? (low + high) / 2 : 2 * step
        }
        return best
    }

    private func dot(_ a: [Double], _ b: [Double]) -> Double {
        SoftmaxRegression.scalarProduct(a, b)
    }

    private func add(_ factor: Double, _ a: [Double], to b: inout [Double]) {
        for index in b.indices { b[index] += factor * a[index] }
    }
}
