import Tensors
import Testing

@Suite struct MatrixProductTests {
    @Test(arguments: [Orientation.asStored, .transposed], [Orientation.asStored, .transposed])
    func multipliesInBothPrecisionsAndAllOrientations(_ a: Orientation, _ b: Orientation) {
        let (m, n, k) = (5, 7, 9)
        let left = noise(m * k, seed: 1)
        let right = noise(k * n, seed: 2)
        let start = noise(m * n, seed: 3)
        let (leftStride, rightStride) = (a == .asStored ? k : m, b == .asStored ? n : k)
        var expected: [Double] = []
        for i in 0..<m {
            for j in 0..<n {
                let sum = (0..<k).reduce(0.0) { sum, l in
                    let x = a == .asStored ? left[i * k + l] : left[l * m + i]
                    let y = b == .asStored ? right[l * n + j] : right[j * k + l]
                    return sum + Double(x) * Double(y)
                }
                expected.append(2 * sum - Double(start[i * n + j]))
            }
        }
        var single = start
        multiply(
            rows: m, columns: n, depth: k, alpha: 2, left, stride: leftStride, a, right, stride: rightStride, b,
            beta: -1, into: &single, stride: n)
        #expect(relativeError(single, expected) < 1e-6)
        var double = start.map(Double.init)
        multiply(
            rows: m, columns: n, depth: k, alpha: 2, left.map(Double.init), stride: leftStride, a,
            right.map(Double.init), stride: rightStride, b, beta: -1, into: &double, stride: n)
        #expect(zip(double, expected).allSatisfy { abs($0 - $1) < 1e-13 })
    }

    @Test func withBetaZeroTheOldContentsDoNotMatter() {
        var result: [Float] = [.nan]
        multiply(
            rows: 1, columns: 1, depth: 1, [3], stride: 1, .asStored, [4], stride: 1, .asStored, into: &result,
            stride: 1)
        #expect(result == [12])
    }
}
