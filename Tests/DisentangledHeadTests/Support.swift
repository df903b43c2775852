import CounterRandom
import DisentangledHead
import Foundation
import Tensors

/// Random numbers from the normal distribution; the same for the same name.
func normals(_ count: Int, seed: UInt64, _ name: Int = 0) -> [Double] {
    var stream = RandomStream(seed: seed, purpose: .test, name)
    return (0..<count).map { _ in stream.normal() }
}

func normalTensor(_ shape: [Int], seed: UInt64, _ name: Int = 0) -> Tensor {
    Tensor(shape: shape, values: normals(shape.reduce(1, *), seed: seed, name).map { Float($0) })
}

func randomMatrix(_ size: Int, scale: Double, seed: UInt64, _ name: Int = 0) -> SquareMatrix<Double> {
    SquareMatrix(size: size, values: normals(size * size, seed: seed, name).map { scale * $0 })
}

func randomLabels(_ count: Int, classCount: Int, seed: UInt64) -> [Int] {
    var stream = RandomStream(seed: seed, purpose: .test, 999)
    return (0..<count).map { _ in stream.below(classCount) }
}

/// The largest difference, relative to the largest magnitude of `expected`.
func relativeDifference<Scalar: BinaryFloatingPoint>(_ found: [Scalar], _ expected: [Double]) -> Double {
    precondition(found.count == expected.count, "\(found.count) against \(expected.count) numbers")
    let scale = expected.reduce(0) { max($0, abs($1)) }
    return zip(found, expected).reduce(0) { max($0, abs(Double($1.0) - $1.1)) } / max(scale, 1e-300)
}

/// The gradient of `function` by central differences in Double.
func centralDifferences(_ point: [Double], step: Double = 1e-5, _ function: ([Double]) throws -> Double) rethrows
    -> [Double]
{
    var point = point
    return try point.indices.map { index in
        let centre = point[index]
        point[index] = centre + step
        let above = try function(point)
        point[index] = centre - step
        let below = try function(point)
        point[index] = centre
        return (above - below) / (2 * step)
    }
}

func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

/// A matrix product the obvious way.
func naiveProduct(_ a: SquareMatrix<Double>, _ b: SquareMatrix<Double>) -> SquareMatrix<Double> {
    let size = a.size
    var result = SquareMatrix<Double>(size: size, values: Array(repeating: 0, count: size * size))
    for row in 0..<size {
        for column in 0..<size {
            var sum = 0.0
            for index in 0..<size { sum += a.values[row * size + index] * b.values[index * size + column] }
            result.values[row * size + column] = sum
        }
    }
    return result
}

func skew(_ matrix: SquareMatrix<Double>) -> SquareMatrix<Double> {
    matrix.combinedWithTranspose(sign: -1, scale: 0.5, team: WorkerTeam(workerCount: 1))
}

func fixture<Value: Decodable>(_ name: String, as type: Value.Type) throws -> Value {
    let url = Bundle.module.resourceURL!.appendingPathComponent("Fixtures/\(name).json")
    return try JSONDecoder().decode(type, from: Data(contentsOf: url))
}

let alone = WorkerTeam(workerCount: 1)
let three = WorkerTeam(workerCount: 3)
