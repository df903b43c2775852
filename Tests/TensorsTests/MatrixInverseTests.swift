import Tensors
import Testing

@Suite struct MatrixInverseTests {
    /// A matrix that needs row exchanges, with gaps of NaN behind its rows.
    private func matrix(_ size: Int, stride: Int) -> [Float] {
        var values = noise(size * stride, seed: 5)
        for row in 0..<size {
            values[row * stride + (row + 1) % size] += 3
            for column in size..<stride { values[row * stride + column] = .nan }
        }
        return values
    }

    @Test(arguments: [1, 2, 3, 7, 8, 9, 33, 64])
    func theProductWithTheInverseIsTheIdentity(size: Int) {
        let stride = size + 3
        let original = matrix(size, stride: stride)
        var inverse = original
        #expect(invert(size: size, &inverse, stride: stride))
        var double = original.map { Double($0) }
        #expect(invert(size: size, &double, stride: stride))
        for row in 0..<size {
            for column in 0..<size {
                let identity = row == column ? 1.0 : 0
                let sum = (0..<size).reduce(0.0) {
                    $0 + Double(original[row * stride + $1]) * Double(inverse[$1 * stride + column])
                }
                #expect(abs(sum - identity) < 2e-6)
                let exact = (0..<size).reduce(0.0) {
                    $0 + Double(original[row * stride + $1]) * double[$1 * stride + column]
                }
                #expect(abs(exact - identity) < 1e-13)
            }
            #expect(inverse[(row * stride + size)..<(row + 1) * stride].allSatisfy { $0.isNaN })
        }
    }

    @Test(arguments: [[1, 2, 2, 4], [0, 0, 0, 1], [1, .nan, 0, 1], [.infinity, 0, 0, 1]] as [[Float]])
    func aSingularOrBrokenMatrixIsLeftAsItWas(values: [Float]) {
        var matrix = values
        #expect(!invert(size: 2, &matrix, stride: 2))
        #expect(zip(matrix, values).allSatisfy { $0.bitPattern == $1.bitPattern })
    }

    @Test func nothingHasAnInverse() {
        var matrix: [Float] = []
        #expect(invert(size: 0, &matrix, stride: 0))
    }
}
