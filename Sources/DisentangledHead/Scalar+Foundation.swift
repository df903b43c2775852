import Foundation

// One place for libm, so that files of formulas need not import Foundation for a single function.

func power(_ base: Double, _ exponent: Double) -> Double { Foundation.pow(base, exponent) }
func cosine(_ angle: Double) -> Double { Foundation.cos(angle) }
func exponential(_ x: Double) -> Double { Foundation.exp(x) }
func logarithm(_ x: Double) -> Double { Foundation.log(x) }
