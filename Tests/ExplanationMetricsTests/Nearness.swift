/// Whether a figure is there and differs from what it should be by less than `tolerance`.
func isNear(_ figure: Double?, _ expected: Double, within tolerance: Double = 1e-12) -> Bool {
    figure.map { abs($0 - expected) < tolerance } ?? false
}
