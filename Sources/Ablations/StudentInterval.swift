/// The mean of a few numbers and how far the true one may be from it.
public enum StudentInterval {
    /// The 0.975 quantile of Student's distribution with 1, 2, ... degrees of freedom.
    private static let quantiles = [
        12.706205, 4.302653, 3.182446, 2.776445, 2.570582, 2.446912, 2.364624, 2.306004, 2.262157, 2.228139, 2.200985,
        2.178813, 2.160369, 2.144787, 2.131450, 2.119905, 2.109816, 2.100922, 2.093024, 2.085963, 2.079614, 2.073873,
        2.068658, 2.063899, 2.059539, 2.055529, 2.051831, 2.048407, 2.045230, 2.042272,
    ]

    /// The 0.975 quantile; beyond 30 degrees of freedom by the expansion of Fisher and Cornish, to 1e-5.
    public static func quantile(freedom: Int) -> Double {
        precondition(freedom >= 1, "a spread needs two numbers")
        guard freedom > quantiles.count else { return quantiles[freedom - 1] }
        let (z, n) = (1.959963985, Double(freedom))
        let (cube, fifth, seventh) = (z * z * z, z * z * z * z * z, z * z * z * z * z * z * z)
        let first = (cube + z) / (4 * n)
        let second = (5 * fifth + 16 * cube + 3 * z) / (96 * n * n)
        let third = (3 * seventh + 19 * fifth + 17 * cube - 15 * z) / (384 * n * n * n)
        return z + first + second + third
    }

    /// The mean, and half the width of its 95 % interval; nil for a single number.
    public static func of(_ values: [Double]) -> (mean: Double, half: Double?) {
        let count = Double(values.count)
        let mean = values.reduce(0, +) / count
        guard values.count > 1 else { return (mean, nil) }
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1)
        return (mean, quantile(freedom: values.count - 1) * (variance / count).squareRoot())
    }
}
