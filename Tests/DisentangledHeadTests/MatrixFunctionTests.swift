import DisentangledHead
import Foundation
import SeededNumbers
import Tensors
import Testing

@Suite("Matrix functions")
struct MatrixFunctionTests {
    /// exp by the plain series of S / 2^10, squared ten times.
    private func seriesExponential(_ matrix: SquareMatrix<Double>) -> SquareMatrix<Double> {
        let scaled = SquareMatrix(size: matrix.size, values: matrix.values.map { $0 / 1024 })
        var result = SquareMatrix<Double>(identity: matrix.size)
        var term = result
        for order in 1...12 {
            term = naiveProduct(term, scaled)
            term.values = term.values.map { $0 / Double(order) }
            result.values = zip(result.values, term.values).map { $0 + $1 }
        }
        for _ in 0..<10 { result = naiveProduct(result, result) }
        return result
    }

    @Test(
        "The numbers above the diagonal say all of a skew or symmetric matrix",
        arguments: [1, 2, 3, 31, 32, 33, 64, 97])
    func triangles(size: Int) throws {
        let matrix = randomMatrix(size, scale: 1, seed: 2)
        let count = size * (size - 1) / 2
        for team in [alone, three] {
            let triangle = matrix.skewTriangle(team: team)
            let square = SquareMatrix(triangle: triangle, size: size, symmetry: .skew, team: team)
            #expect(triangle.count == count && square == skew(matrix) && square.triangle(.skew) == triangle)
            #expect(square.triangle(.symmetric) == nil || size == 1)

            let even = matrix.combinedWithTranspose(sign: 1, scale: 0.5, team: team)
            var hollow = even
            for index in 0..<size { hollow.values[index * (size + 1)] = 0 }
            let numbers = try #require(even.triangle(.symmetric))
            #expect(SquareMatrix(triangle: numbers, size: size, symmetry: .symmetric, team: team) == hollow)
            let scaled = SquareMatrix(triangle: triangle, size: size, symmetry: .skew, scale: -0.25, team: team)
            #expect(scaled.values == square.values.map { -0.25 * $0 })
        }
        // Row by row.
        if size > 2 {
            #expect(
                try #require(matrix.combinedWithTranspose(sign: 1, scale: 0.5, team: alone).triangle(.symmetric))[
                    size - 1] == 0.5 * (matrix.values[size + 2] + matrix.values[2 * size + 1]))
        }
    }

    @Test(
        "The exponential of a generator in the plane is the rotation by its angle", arguments: [0.01, 0.5, 1.4, 3, 20])
    func planeRotation(angle: Double) {
        let generator = SquareMatrix<Double>(size: 2, values: [0, -angle, angle, 0])
        let expected = [cos(angle), -sin(angle), sin(angle), cos(angle)]
        #expect(relativeDifference(MatrixExponential(of: generator, team: alone).value.values, expected) < 1e-13)
        let single = SquareMatrix<Float>(size: 2, values: generator.values.map { Float($0) })
        #expect(relativeDifference(MatrixExponential(of: single, team: alone).value.values, expected) < 5e-6)
    }

    @Test(
        "The exponential agrees with its series at every scale",
        arguments: [1e-7, 1e-3, 5e-3, 0.02, 0.05, 0.1, 0.3, 0.6, 2, 6])
    func exponentialAgainstSeries(scale: Double) {
        let generator = skew(randomMatrix(13, scale: scale, seed: 1))
        let expected = seriesExponential(generator).values
        #expect(relativeDifference(MatrixExponential(of: generator, team: alone).value.values, expected) < 1e-12)
        #expect(relativeDifference(SquareMatrix.rotation(generator, team: alone).values, expected) < 1e-12)
        let single = SquareMatrix<Float>(size: 13, values: generator.values.map { Float($0) })
        #expect(relativeDifference(SquareMatrix.rotation(single, team: alone).values, expected) < 1e-5)
    }

    /// Every series of `SkewSeries` has its norms here, also with halving.
    @Test(
        "A rotation is one to rounding at every norm",
        arguments: [0.01, 0.1, 0.3, 0.6, 1, 1.45, 1.9, 3, 3.7, 5, 6, 8, 8.4, 11, 12, 15, 18, 25, 40, 300])
    func rotationsOfEveryNorm(norm: Double) {
        let size = 60
        var generator = skew(randomMatrix(size, scale: 1, seed: 7))
        let estimate = generator.skewSpectralNorm(ifAbove: 0, team: alone)
        generator.values = generator.values.map { $0 * norm / estimate }
        let expected = seriesExponential(generator).values
        let rotation = SquareMatrix.rotation(generator, team: alone)
        let single = SquareMatrix<Float>(size: size, values: generator.values.map { Float($0) })
        let inSingle = SquareMatrix.rotation(single, team: alone)
        let double = SquareMatrix<Double>(size: size, values: inSingle.values.map { Double($0) })
        #expect(relativeDifference(rotation.values, expected) < 1e-12)
        // Rounding grows with the angle: by 300, in single precision, nothing turns more exactly.
        let growth = max(1, norm / 40)
        #expect(relativeDifference(inSingle.values, expected) < 4e-6 * growth)
        #expect(double.orthogonalityError(team: alone) < 2e-6 * growth)
    }

    @Test(
        "The gradient of the exponential is that of central differences, with and without squaring",
        arguments: [0.02, 0.3, 1.5])
    func exponentialGradient(scale: Double) {
        let weight = randomMatrix(7, scale: scale, seed: 2)
        let cotangent = randomMatrix(7, scale: 1, seed: 3)
        let exponential = MatrixExponential(of: skew(weight), team: alone)
        #expect((exponential.squaringCount > 0) == (scale > 0.1))
        let expected = centralDifferences(weight.values) { values in
            let moved = MatrixExponential(of: skew(SquareMatrix(size: 7, values: values)), team: alone)
            return dot(moved.value.values, cotangent.values)
        }
        let found = skew(exponential.gradient(cotangent, team: alone)).values
        #expect(relativeDifference(found, expected) < 1e-8)
    }

    @Test("The Cayley transform solves (I + S) U = I - S, also when it is inverted by blocks", arguments: [1, 6, 450])
    func cayleyEquation(size: Int) throws {
        let generator = skew(randomMatrix(size, scale: 0.5, seed: 4))
        let plus = SquareMatrix<Double>.combination(identity: 1, [(1, generator)], team: alone)
        let minus = SquareMatrix<Double>.combination(identity: 1, [(-1, generator)], team: alone)
        let transform = try #require(CayleyTransform(of: generator, team: three))
        let product = SquareMatrix.product(plus, transform.value, team: alone)
        #expect(relativeDifference(product.values, minus.values) < 1e-12)
        #expect(transform.value.orthogonalityError(team: alone) < 1e-12)
    }

    @Test(
        "In single precision both maps are orthogonal to rounding before any polishing", arguments: [1e-4, 3e-3, 1e-2])
    func orthogonality(scale: Double) throws {
        let generator = skew(randomMatrix(300, scale: 2 * scale, seed: 9))
        let single = SquareMatrix<Float>(size: 300, values: generator.values.map { Float($0) })
        let transform = try #require(CayleyTransform(of: single, team: three))
        for value in [transform.value, MatrixExponential(of: single, team: three).value] {
            let double = SquareMatrix<Double>(size: 300, values: value.values.map { Double($0) })
            #expect(double.orthogonalityError(team: three) < 1e-6)
        }
    }

    @Test(
        "What rotations add up to stays orthogonal to rounding, however large each is", arguments: [1e-4, 2e-3, 2e-2])
    func manyRotations(scale: Double) {
        var matrix = SquareMatrix<Float>(identity: 150)
        for step in 0..<200 {
            let generator = skew(randomMatrix(150, scale: scale, seed: UInt64(step)))
            let single = SquareMatrix<Float>(size: 150, values: generator.values.map { Float($0) })
            matrix.addProduct(SquareMatrix.rotationBeyondIdentity(single, team: three), matrix, team: three)
        }
        let double = SquareMatrix<Double>(size: 150, values: matrix.values.map { Double($0) })
        // 200 roundings of a diagonal near 1.
        #expect(double.orthogonalityError(team: three) < 3e-6)
        #expect(matrix.distanceFromIdentity() > 0.003, "they add up to something")
    }

    @Test("Matrices of different sizes stop the program")
    func differentSizes() async {
        await #expect(processExitsWith: .failure) {
            let (two, three) = (SquareMatrix<Float>(identity: 2), SquareMatrix<Float>(identity: 3))
            _ = SquareMatrix.product(two, three, team: WorkerTeam(workerCount: 1))
        }
        await #expect(processExitsWith: .failure) {
            var two = SquareMatrix<Float>(identity: 2)
            let three = SquareMatrix<Float>(identity: 3)
            two.addProduct(three, three, team: WorkerTeam(workerCount: 1))
        }
        await #expect(processExitsWith: .failure) {
            let (two, three) = (SquareMatrix<Float>(identity: 2), SquareMatrix<Float>(identity: 3))
            _ = SquareMatrix<Float>.combination(
                identity: 0, [(Float(1), two), (Float(1), three)], team: WorkerTeam(workerCount: 1))
        }
        await #expect(processExitsWith: .failure) {
            _ = BatchLoss<Float>(logits: [1, 2], labels: [2], classCount: 2)
        }
    }

    @Test("Products, exponential and Cayley transform have the same bits on any team", arguments: [130, 513])
    func teams(size: Int) throws {
        let generator = SquareMatrix<Float>(
            size: size, values: skew(randomMatrix(size, scale: 0.1, seed: 11)).values.map { Float($0) })
        let cotangent = SquareMatrix<Float>(size: size, values: normals(size * size, seed: 12).map { Float($0) })
        func results(_ team: WorkerTeam) throws -> [SquareMatrix<Float>] {
            let exponential = MatrixExponential(of: generator, team: team)
            let transform = try #require(CayleyTransform(of: generator, team: team))
            return [
                exponential.value, exponential.gradient(cotangent, team: team), transform.value,
                transform.gradient(cotangent, team: team), SquareMatrix.rotation(generator, team: team),
            ]
        }
        let expected = try results(alone)
        for workerCount in [2, 3, 8] { #expect(try results(WorkerTeam(workerCount: workerCount)) == expected) }
    }

    @Test("The gradient of the Cayley transform is that of central differences")
    func cayleyGradient() throws {
        let weight = randomMatrix(6, scale: 0.7, seed: 5)
        let cotangent = randomMatrix(6, scale: 1, seed: 6)
        let transform = try #require(CayleyTransform(of: skew(weight), team: alone))
        let expected = centralDifferences(weight.values) { values in
            let moved = CayleyTransform(of: skew(SquareMatrix(size: 6, values: values)), team: alone)
            return dot(moved!.value.values, cotangent.values)
        }
        #expect(relativeDifference(skew(transform.gradient(cotangent, team: alone)).values, expected) < 1e-8)
    }

    @Test("A product computed above the diagonal only is the whole product", arguments: [5, 130, 300])
    func mirroredProducts(size: Int) {
        let generator = skew(randomMatrix(size, scale: 1, seed: 7))
        let square = SquareMatrix.product(generator, generator, team: alone)
        let halfSquare = SquareMatrix.product(generator, generator, symmetry: .symmetric, team: three)
        #expect(relativeDifference(halfSquare.values, square.values) < 1e-14)
        let cube = SquareMatrix.product(generator, square, team: alone)
        let halfCube = SquareMatrix.product(generator, halfSquare, symmetry: .skew, team: three)
        #expect(relativeDifference(halfCube.values, cube.values) < 1e-13)
        #expect(relativeDifference(naiveProduct(generator, generator).values, square.values) < 1e-13)
    }

    @Test(
        "The spectral norm is not underestimated, nor overestimated by more than a twentieth",
        arguments: [0, 0.02, 0.2, 3])
    func spectralNorm(outlier: Double) {
        for seed in 10..<20 {
            let size = 40
            var generator = skew(randomMatrix(size, scale: 0.3, seed: UInt64(seed)))
            // One rotation that is larger than the others, or nearly as large.
            let (left, right) = (normals(size, seed: 78), normals(size, seed: 79))
            for row in 0..<size {
                for column in 0..<size {
                    generator.values[row * size + column] +=
                        outlier * (left[row] * right[column] - right[row] * left[column])
                }
            }
            // Power iteration to convergence.
            var vector = normals(size, seed: 77)
            var norm = 0.0
            for _ in 0..<4000 {
                let length = dot(vector, vector).squareRoot()
                vector = vector.map { $0 / length }
                vector = (0..<size).map { dot(Array(generator.values[$0 * size..<($0 + 1) * size]), vector) }
                norm = dot(vector, vector).squareRoot()
            }
            let estimate = generator.skewSpectralNorm(ifAbove: 0, team: alone)
            #expect(estimate > 0.998 * norm && estimate < 1.051 * norm, "seed \(seed)")
        }
    }

    @Test("The vector exponential and logarithm agree with libm")
    func vectorFunctions() {
        var worstExponential = 0.0
        var worstLogarithm = 0.0
        for index in 0..<20_000 {
            let x = -Float(index) * 0.00434
            let exponential = Double(Float.exponential(SIMD8(repeating: x))[3])
            worstExponential = max(worstExponential, abs(exponential / exp(Double(x)) - 1))
            let u = Float.openUniform(SIMD8(repeating: UInt32(index) &* 214_748))[0]
            #expect(u > 0 && u < 1)
            let logarithm = Double(Float.logarithm(SIMD8(repeating: u))[5])
            worstLogarithm = max(worstLogarithm, abs(logarithm / log(Double(u)) - 1))
        }
        #expect(worstExponential < 2e-7)
        #expect(worstLogarithm < 3e-7)
        #expect(Float.openUniform(SIMD8(repeating: .max))[0] < 1)
        #expect(Float.openUniform(SIMD8(repeating: 0))[0] > 0)
    }

    @Test(
        "A wide map far from I is orthogonal to 1e-5 in single precision",
        arguments: [ChannelMapKind.exponential, .cayley])
    func wideMaps(map: ChannelMapKind) throws {
        let size = 512
        let weight = SquareMatrix<Float>(size: size, values: normals(size * size, seed: 8).map { Float(0.2 * $0) })
        var parameters = ChannelMapParameters<Float>(kind: map, size: size, optimizer: OptimizerConfiguration())
        try parameters.setParameter(weight, team: three)
        #expect(parameters.matrix.orthogonalityError(team: three) < 1e-5)
        #expect(parameters.matrix.distanceFromIdentity() > 0.5)
        let generator = weight.combinedWithTranspose(sign: -1, scale: 1, team: three)
        if map == .exponential { #expect(MatrixExponential(of: generator, team: three).squaringCount >= 3) }
    }
}
