import Scorecard
import Tensors
import Testing

@Suite struct PerturbationTests {
    /// [5, 5, 3] over a map of 2 x 2: cells are 2 or 3 pixels wide.
    private let perturbation = Perturbation(side: 5, map: SpatialSize(2))
    private let pixels = (0..<75).map { Float($0) }

    @Test func aCellIsThePixelsBelowIt() {
        var target = [Float](repeating: -1, count: 75)
        target.withUnsafeMutableBufferPointer { perturbation.copy([1], of: pixels, into: $0) }
        for pixel in 0..<25 {
            let isInside = pixel / 5 < 2 && pixel % 5 >= 2
            #expect(target[3 * pixel] == (isInside ? Float(3 * pixel) : -1), "pixel \(pixel)")
        }
        target.withUnsafeMutableBufferPointer { perturbation.copy([0, 2, 3], of: pixels, into: $0) }
        #expect(target == pixels, "the cells are all of the image")
    }

    @Test func theMeanIsNoughtAndABlurKeepsWhatIsEven() {
        #expect(perturbation.filling(.mean, of: pixels).allSatisfy { $0 == 0 })
        let wide = Perturbation(side: 32, map: SpatialSize(4))
        let even = [Float](repeating: 0.5, count: 32 * 32 * 3)
        #expect(wide.filling(.blur, of: even).allSatisfy { abs($0 - 0.5) < 1e-6 })
        // A point becomes a bell of deviation 2, in its channel alone.
        var point = [Float](repeating: 0, count: 32 * 32 * 3)
        point[(16 * 32 + 16) * 3 + 1] = 1
        let blurred = wide.filling(.blur, of: point)
        #expect(abs(blurred.reduce(0, +) - 1) < 1e-5)
        let (centre, aside) = (blurred[(16 * 32 + 16) * 3 + 1], blurred[(16 * 32 + 18) * 3 + 1])
        #expect(abs(aside / centre - 0.60653) < 1e-4, "exp(-1/2) at one deviation")
        #expect(blurred[(16 * 32 + 16) * 3] == 0)
    }
}
