import Backbones
import CounterRandom
import SystemPackage
import Tensors
import WeightFiles

/// Random weights of a backbone, for measurements: what is computed means nothing, but takes as long as with trained ones.
///
/// Matrices and kernels are uniform with the variance that keeps activations near 1, scales and variances are 1, everything
/// else is 0. The same name gives the same numbers.
package struct RandomWeights: WeightSource {
    private let backbone: String
    private let shapes: [String: [Int]]
    package let tensorNames: [String]

    /// - Throws: `BackboneError.unknownName`.
    package init(backbone name: String) throws {
        backbone = name
        shapes = try BackboneRegistry.expectedTensors(ofBackbone: name)
        tensorNames = shapes.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    package var path: FilePath { FilePath("random weights of \(backbone)") }

    package func entry(_ name: String) -> TensorEntry? {
        shapes[name].map {
            TensorEntry(name: name, elementType: .float32, shape: $0, byteRange: 0..<4 * $0.reduce(1, *))
        }
    }

    package func floats(_ name: String) throws -> [Float] {
        let shape = try requiredEntry(name).shape
        let count = shape.reduce(1, *)
        let isVector = shape.max() ?? 1 == count
        guard !isVector else {
            let isScale = ["weight", "running_var", "layer_scale", "gamma", "logit_scale"].contains {
                name.hasSuffix($0)
            }
            return Array(repeating: isScale ? 1 : 0, count: count)
        }
        let bound = (3 / Float(shape.dropFirst().reduce(1, *))).squareRoot()
        var stream = RandomStream(seed: 0, purpose: .test, tensorNames.firstIndex(of: name)!)
        return (0..<count).map { _ in bound * (Float(stream.nextWord() >> 8) * 0x1p-23 - 1) }
    }
}

extension Backbone {
    /// The backbone `name` with random weights, for measurements; `demo` with its own, since its file says what it is.
    ///
    /// - Throws: `BackboneError.unknownName`, `.undescribed`, `.unsupportedCompute`.
    package static func withRandomWeights(name: String, compute: ComputePrecision = .f32) throws -> Backbone {
        guard name != DemoBackbone.name else {
            return try load(name: name, weights: WeightFile.open(DemoBackbone.weights), compute: compute)
        }
        return try load(name: name, weights: RandomWeights(backbone: name), compute: compute)
    }
}
