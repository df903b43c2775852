// In single precision, computed in double: two short polynomials whose own error is a sixteenth of a unit in the last place.
// Their coefficients are those of sinf and cosf in Arm's Optimized Routines, which the GNU C library has too: results are the
// ones that generated datasets have always been drawn with.

/// The sine of x, in radians, with an error below 0.57 units in the last place; see `sine` of a Double.
public func sine(_ x: Float) -> Float {
    guard let angle = ReducedAngle(Double(x)) else { return .nan }
    let result = angle.quadrant & 1 == 0 ? shortSine(angle.r.high) : shortCosine(angle.r.high)
    return Float(angle.quadrant < 2 ? result : -result)
}

/// The cosine of x, in radians, with an error below 0.57 units in the last place; see `sine` of a Double.
public func cosine(_ x: Float) -> Float {
    guard let angle = ReducedAngle(Double(x)) else { return .nan }
    let result = angle.quadrant & 1 == 0 ? shortCosine(angle.r.high) : shortSine(angle.r.high)
    return Float(angle.quadrant == 0 || angle.quadrant == 3 ? result : -result)
}

private func shortSine(_ r: Double) -> Double {
    let z = r * r
    let cube = r * z
    let leading = r.addingProduct(cube, -0x1.555545995a603p-3)
    let rest = 0x1.1107605230bc4p-7.addingProduct(z, -0x1.994eb3774cf24p-13)
    return leading.addingProduct(cube * z, rest)
}

private func shortCosine(_ r: Double) -> Double {
    let z = r * r
    let square = z * z
    let leading = 1.0.addingProduct(z, -0x1.ffffffd0c621cp-2).addingProduct(square, 0x1.55553e1068f19p-5)
    let rest = (-0x1.6c087e89a359dp-10).addingProduct(z, 0x1.99343027bf8c3p-16)
    return leading.addingProduct(square * z, rest)
}
