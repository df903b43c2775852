import DisentangledHead
import Foundation
import SeededNumbers
import Tensors

func randomMatrix(_ size: Int, scale: Double, seed: UInt64, _ name: Int = 0) -> SquareMatrix<Double> {
    SquareMatrix(size: size, values: normals(size * size, seed: seed, name).map { scale * $0 })
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

extension SquareMatrix {
    /// exp(S) of a skew matrix.
    static func rotation(_ generator: SquareMatrix, team: WorkerTeam) -> SquareMatrix {
        combination(identity: 1, [(1, rotationBeyondIdentity(generator, team: team))], team: team)
    }
}

extension ChannelMapParameters<Double> {
    /// What the gradient of a loss, a function of U, has of this map, by central differences: dL/dU, of a `riemannian` map dL/dU U^T.
    func differences(_ loss: ([Double]) throws -> Double) rethrows -> [Double] {
        let ofMatrix = SquareMatrix(size: matrix.size, values: try centralDifferences(matrix.values, loss))
        guard kind == .riemannian else { return ofMatrix.values }
        return SquareMatrix.product(ofMatrix, matrix, transposing: .right, team: alone).values
    }
}
