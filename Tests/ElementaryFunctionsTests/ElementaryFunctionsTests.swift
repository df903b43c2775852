import ElementaryFunctions
import Foundation
import Testing

/// Against what Reference/record.py wrote with mpmath.
@Suite struct ElementaryFunctionsTests {
    /// Of each function, rows of its arguments, the result rounded to a double, and what the rounding left out.
    private static let recorded = Result {
        let url = Bundle.module.resourceURL!.appendingPathComponent("Fixtures/values.json")
        return try JSONDecoder().decode([String: [[Double]]].self, from: Data(contentsOf: url))
    }

    @Test(
        "Errors are below the bounds that the documentation gives",
        arguments: [
            ("exponential", 0.8), ("subnormalExponential", 1.3), ("logarithm", 0.51), ("binaryLogarithm", 0.51),
            ("power", 0.8), ("sine", 0.8), ("cosine", 0.8), ("tangent", 1), ("singleSine", 0.57),
            ("singleCosine", 0.57),
        ])
    func accuracy(name: String, bound: Double) throws {
        let rows = try #require(try Self.recorded.get()[name])
        #expect(rows.count >= 40)
        for row in rows {
            let (expected, remainder) = (row[row.count - 2], row[row.count - 1])
            let found =
                switch name {
                case "exponential", "subnormalExponential": exponential(row[0])
                case "logarithm": logarithm(row[0])
                case "binaryLogarithm": binaryLogarithm(row[0])
                case "power": power(row[0], row[1])
                case "sine": sine(row[0])
                case "cosine": cosine(row[0])
                case "tangent": tangent(row[0])
                case "singleSine": Double(sine(Float(row[0])))
                default: Double(cosine(Float(row[0])))
                }
            let unit = name.hasPrefix("single") ? Double(Float(expected).ulp) : expected.ulp
            let error = abs((found - expected) - remainder) / unit
            #expect(error < bound, "\(name)(\(row.dropLast(2))): \(found), expected \(expected): \(error) units")
        }
    }

    @Test func beyondTheirRangeExponentialsAreZeroOrInfinite() {
        #expect(exponential(709.9) == .infinity && exponential(.infinity) == .infinity)
        #expect(exponential(-746) == 0 && exponential(-.infinity) == 0)
        #expect(exponential(0) == 1 && exponential(.nan).isNaN)
        #expect(exponential(709.782712893384) < .infinity && exponential(-745.1) == .leastNonzeroMagnitude)
    }

    @Test func manyExponentialsAtOnceHaveTheBitsOfEach() {
        func expectTheSame(_ values: [Double], location: SourceLocation = #_sourceLocation) {
            var found = values
            exponentiate(&found)
            #expect(
                found.map(\.bitPattern) == values.map { exponential($0).bitPattern }, sourceLocation: location)
        }
        // Fine steps through several binades, coarse ones through all that has a result.
        expectTheSame((-40_000...40_000).map { Double($0) / 1021 })
        expectTheSame((-75_000...75_000).map { Double($0) / 97 })
        expectTheSame([-0.0, 0, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, 1e-300, .ulpOfOne, -.ulpOfOne, 1])
        // One that is out of the ordinary in the middle of others.
        for odd in [-.infinity, -746, -745.1, -708.5, -700, 700, 709.9, .infinity] {
            expectTheSame([1, 2, 3, odd, -4, 5, 6, 7, 8.5, odd])
        }
        var withNaN = [1.0, 2, .nan, 4, 5, 6, 7, 8]
        exponentiate(&withNaN)
        #expect(withNaN[2].isNaN && withNaN[3] == exponential(4))
        for count in 0...17 { expectTheSame((0..<count).map { Double($0) * 0.37 - 3 }) }
    }

    @Test func logarithmsOfWhatHasNone() {
        for function in [logarithm, binaryLogarithm] {
            #expect(function(0) == -.infinity && function(.infinity) == .infinity)
            #expect(function(-1).isNaN && function(.nan).isNaN)
            #expect(function(1) == 0)
        }
        for exponent in -1074...1023 {
            #expect(binaryLogarithm(Double(sign: .plus, exponent: exponent, significand: 1)) == Double(exponent))
        }
    }

    @Test func specialPowersAreThoseOfIEEE754() {
        for x in [0.0, -0.0, 1, -2, .infinity, .nan] { #expect(power(x, 0) == 1) }
        for y in [0.5, -3, .infinity, .nan] { #expect(power(1, y) == 1) }
        #expect(power(.nan, 1).isNaN && power(2, .nan).isNaN)
        #expect(power(-8, 1.0 / 3).isNaN && power(-8, 3) == -512 && power(-8, 2) == 64 && power(-2, -1) == -0.5)
        #expect(power(0, 2) == 0 && power(0, -1) == .infinity && power(-0.0, -1) == -.infinity)
        #expect(power(-0.0, 3).sign == .minus && power(-0.0, 2).sign == .plus && power(-0.0, 0.5) == 0)
        #expect(power(2, .infinity) == .infinity && power(0.5, .infinity) == 0 && power(2, -.infinity) == 0)
        #expect(power(.infinity, -2) == 0 && power(-.infinity, 3) == -.infinity && power(-.infinity, 2) == .infinity)
        #expect(power(-1, .infinity) == 1 && power(-2, .infinity) == .infinity && power(-2, 0x1p60) == .infinity)
        #expect(power(10, 308) == 1e308 && power(10, 309) == .infinity && power(10, -330) == 0)
    }

    @Test func anglesThatAreNotFiniteHaveNoSine() {
        for angle in [Double.nan, .infinity, -.infinity] {
            #expect(sine(angle).isNaN && cosine(angle).isNaN && tangent(angle).isNaN)
            #expect(sine(Float(angle)).isNaN && cosine(Float(angle)).isNaN)
        }
        #expect(sine(0.0) == 0 && cosine(0.0) == 1 && tangent(0) == 0 && cosine(Double.pi) == -1)
    }

    @Test func anAngleBeyondTheLargestStopsTheProgram() async {
        await #expect(processExitsWith: .failure) { _ = sine(largestAngle.nextUp) }
    }
}
