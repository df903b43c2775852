import DisentangledHead

/// Minimises a smooth function by L-BFGS with a line search for the strong Wolfe conditions.
///
/// Source: Nocedal, Wright, "Numerical Optimization", 2nd edition, 2006, algorithms 7.4, 7.5, 3.5 and 3.6 (the zoom by
/// bisection, which needs no safeguards).
struct LimitedMemoryMinimiser {
    /// Pairs of steps and gradient changes that are kept.
    var memory = 10
    var iterationLimit = 300
    /// Stops when the largest component of the gradient is at most this.
    var gradientTolerance = 1e-6

    /// The point reached from `start`; `evaluate` gives value and gradient at a point.
    func minimise(
        from start: [Double], _ evaluate: ([Double]) throws -> (value: Double, gradient: [Double])
    ) rethrows -> [Double] {
        var point = start
        var (value, gradient) = try evaluate(point)
        var pairs: [(step: [Double], change: [Double])] = []
        for _ in 0..<iterationLimit {
            guard gradient.reduce(0, { max($0, abs($1)) }) > gradientTolerance else { break }
            var direction = descentDirection(gradient, pairs)
            if dot(direction, gradient) >= 0 {
                pairs.removeAll()
                direction = gradient.map { -$0 }
            }
            let firstStep = pairs.isEmpty ? min(1, 1 / dot(gradient, gradient).squareRoot()) : 1
            guard
                let next = try search(
                    from: point, value: value, gradient: gradient, direction: direction, firstStep: firstStep, evaluate)
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
    private func descentDirection(_ gradient: [Double], _ pairs: [(step: [Double], change: [Double])]) -> [Double] {
        var direction = gradient.map { -$0 }
        var factors: [Double] = []
        for pair in pairs.reversed() {
            let factor = dot(pair.step, direction) / dot(pair.step, pair.change)
            factors.append(factor)
            add(-factor, pair.change, to: &direction)
        }
        if let last = pairs.last {
            let scale = dot(last.step, last.change) / dot(last.change, last.change)
            for index in direction.indices { direction[index] *= scale }
        }
        for (pair, factor) in zip(pairs, factors.reversed()) {
            add(factor - dot(pair.change, direction) / dot(pair.step, pair.change), pair.step, to: &direction)
        }
        return direction
    }

    /// A step with sufficient decrease and a flat enough slope; nil if rounding hides any decrease.
    private func search(
        from start: [Double], value: Double, gradient: [Double], direction: [Double], firstStep: Double,
        _ evaluate: ([Double]) throws -> (value: Double, gradient: [Double])
    ) rethrows -> (point: [Double], value: Double, gradient: [Double])? {
        let slope = dot(direction, gradient)
        var (low, high) = (0.0, Double.infinity)
        var step = firstStep
        var best: (point: [Double], value: Double, gradient: [Double])?
        for _ in 0..<40 {
            let point = zip(start, direction).map { $0 + step * $1 }
            let (newValue, newGradient) = try evaluate(point)
            if newValue > value + 1e-4 * step * slope || !newValue.isFinite {
                high = step
            } else {
                if best == nil || newValue < best!.value { best = (point, newValue, newGradient) }
                let newSlope = dot(direction, newGradient)
                if abs(newSlope) <= -0.9 * slope { return (point, newValue, newGradient) }
                if newSlope < 0 { low = step } else { high = step }
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
