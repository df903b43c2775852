import ElementaryFunctions

/// Whether a channel is on or off: 1 - the overlap of the two normal distributions that its activations are fitted with, as a
/// mixture (Norrenbrock et al., "QPM", ICLR 2025; evaluation/Metrics/Contrastiveness.py).
public enum Contrastiveness {
    public static let formula = "qpm:mixture-overlap"

    /// A normal distribution and its share of a mixture.
    struct Component: Equatable {
        var mean: Double
        var variance: Double
        var share: Double

        func density(at x: Double) -> Double {
            exponential(-0.5 * (x - mean) * (x - mean) / variance) / (2 * Double.pi * variance).squareRoot()
        }
    }

    /// 1 - overlap; nil for activations that are all the same.
    public static func value(of activations: [Double]) -> Double? {
        mixture(of: activations).map { 1 - overlap($0[0], $0[1]) }
    }

    /// Two components by expectation maximisation from the lower and the upper half, until the mean log-likelihood rises by less
    /// than 1e-3 (as scikit-learn, which begins with k-means); 1e-6 of the variance is added to each.
    static func mixture(of activations: [Double]) -> [Component]? {
        let sorted = activations.sorted()
        guard let least = sorted.first, let most = sorted.last, least < most else { return nil }
        let count = Double(sorted.count)
        let mean = sorted.reduce(0, +) / count
        let whole = sorted.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
        let floor = 1e-6 * whole
        // Where the two parts are farthest apart for their size: one-dimensional 2-means.
        var (sum, bestSpread, cut) = (0.0, -1.0, sorted.count / 2)
        for index in 1..<sorted.count {
            sum += sorted[index - 1]
            let low = sum / Double(index)
            let high = (mean * count - sum) / (count - Double(index))
            let spread = Double(index) * (count - Double(index)) * (high - low) * (high - low)
            if spread > bestSpread { (bestSpread, cut) = (spread, index) }
        }
        func component(_ values: ArraySlice<Double>) -> Component {
            let mean = values.reduce(0, +) / Double(values.count)
            let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
            return Component(mean: mean, variance: variance + floor, share: Double(values.count) / count)
        }
        var parts = [component(sorted[..<cut]), component(sorted[cut...])]
        var before = -Double.infinity
        for _ in 0..<100 {
            var (weight, first, second) = ([0.0, 0.0], [0.0, 0.0], [0.0, 0.0])
            var likelihood = 0.0
            for x in sorted {
                let densities = parts.map { $0.share * $0.density(at: x) }
                let total = max(densities[0] + densities[1], .leastNormalMagnitude)
                likelihood += logarithm(total)
                for part in 0..<2 {
                    let share = densities[part] / total
                    weight[part] += share
                    first[part] += share * (x - mean)
                    second[part] += share * (x - mean) * (x - mean)
                }
            }
            for part in 0..<2 where weight[part] > 1e-9 {
                let centre = first[part] / weight[part]
                parts[part] = Component(
                    mean: mean + centre, variance: max(0, second[part] / weight[part] - centre * centre) + floor,
                    share: weight[part] / count)
            }
            if (likelihood - before) / count < 1e-3 { break }
            before = likelihood
        }
        return parts
    }

    /// The integral of the smaller of the two densities, by Simpson's rule over eight deviations of each.
    static func overlap(_ first: Component, _ second: Component) -> Double {
        let deviations = [first.variance.squareRoot(), second.variance.squareRoot()]
        // Only where the narrower one is: elsewhere the smaller density is as good as 0.
        let narrow = deviations[0] <= deviations[1] ? 0 : 1
        let centre = narrow == 0 ? first.mean : second.mean
        let (start, steps) = (centre - 8 * deviations[narrow], 800)
        let width = 16 * deviations[narrow] / Double(steps)
        var sum = 0.0
        for step in 0...steps {
            let x = start + Double(step) * width
            let weight = step == 0 || step == steps ? 1.0 : (step % 2 == 1 ? 4.0 : 2.0)
            sum += weight * min(first.density(at: x), second.density(at: x))
        }
        return min(1, sum * width / 3)
    }
}
