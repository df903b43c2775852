import Foundation
import SystemPackage
import Tensors
import WeightFiles

/// The files that Reference/record_resnet.py wrote.
enum Fixtures {
    static func path(_ name: String) -> FilePath {
        FilePath(Bundle.module.resourcePath!).appending("Fixtures/\(name)")
    }

    static func safetensors(_ name: String) throws -> SafetensorsFile { try SafetensorsFile(path(name)) }
}

extension SafetensorsFile {
    func tensor(_ name: String) throws -> Tensor {
        Tensor(shape: entry(name)!.shape, values: try floats(name))
    }
}

extension Tensor {
    /// Images `range` of an [N, H, W, C] tensor.
    func images(_ range: Range<Int>) -> Tensor {
        let length = shape.dropFirst().reduce(1, *)
        return Tensor(
            shape: [range.count] + shape.dropFirst(),
            values: Array(values[range.lowerBound * length..<range.upperBound * length]))
    }
}

/// Largest difference relative to the root mean square of the expected values.
func relativeError(_ actual: [Float], _ expected: [Float]) -> Double {
    precondition(actual.count == expected.count && !expected.isEmpty)
    let square = expected.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(expected.count)
    return worstDifference(actual, expected) / square.squareRoot()
}

/// Largest difference; infinite if any number is not one.
func worstDifference(_ actual: [Float], _ expected: [Float]) -> Double {
    zip(actual, expected).map { abs(Double($0) - Double($1)) }.reduce(0) { $1.isNaN ? .infinity : max($0, $1) }
}
