import ElementaryFunctions

// One place for them, so that files of formulas need not import a target for a single function.

func power(_ base: Double, _ exponent: Double) -> Double { ElementaryFunctions.power(base, exponent) }
func cosine(_ angle: Double) -> Double { ElementaryFunctions.cosine(angle) }
func exponential(_ x: Double) -> Double { ElementaryFunctions.exponential(x) }
func exponentiate(_ values: inout [Double]) { ElementaryFunctions.exponentiate(&values) }
func logarithm(_ x: Double) -> Double { ElementaryFunctions.logarithm(x) }
