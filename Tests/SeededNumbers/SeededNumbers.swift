import CounterRandom
public import Tensors

/// Random numbers from the normal distribution; the same for the same name.
public func normals(_ count: Int, seed: UInt64, _ name: Int = 0) -> [Double] {
    var stream = RandomStream(seed: seed, purpose: .test, name)
    return (0..<count).map { _ in stream.normal() }
}

public func normalTensor(_ shape: [Int], seed: UInt64, _ name: Int = 0) -> Tensor {
    Tensor(shape: shape, values: normals(shape.reduce(1, *), seed: seed, name).map { Float($0) })
}

public func randomLabels(_ count: Int, classCount: Int, seed: UInt64) -> [Int] {
    var stream = RandomStream(seed: seed, purpose: .test, 999)
    return (0..<count).map { _ in stream.below(classCount) }
}

/// The largest difference, relative to the largest magnitude of `expected`.
public func relativeDifference<Scalar: BinaryFloatingPoint>(_ found: [Scalar], _ expected: [Double]) -> Double {
    precondition(found.count == expected.count, "\(found.count) against \(expected.count) numbers")
    let scale = expected.reduce(0) { max($0, abs($1)) }
    return zip(found, expected).reduce(0) { max($0, abs(Double($1.0) - $1.1)) } / max(scale, 1e-300)
}

public let alone = WorkerTeam(workerCount: 1)
public let three = WorkerTeam(workerCount: 3)
