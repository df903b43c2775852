import DurableFiles
import SystemPackage
import WeightFiles

/// Numbers that Swift and Python both make from a name and an index, so that large weights need not be stored.
///
/// Reference/hashed_numbers.py is the other half: the two agree bit for bit.
enum HashedNumbers {
    /// `count` multiples of 2^-23 in -1..<1.
    static func units(_ name: String, count: Int) -> [Double] {
        // FNV-1a, 64 bits.
        let seed = name.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return (0..<count).map { index in
            var x = UInt64(index) &* 0x9e37_79b9_7f4a_7c15 &+ seed
            x ^= x >> 29
            x = x &* 0xbf58_476d_1ce4_e5b9
            x ^= x >> 32
            return Double(x >> 40) / Double(1 << 23) - 1
        }
    }

    /// The tensor `name` of a state dictionary, of a size that keeps activations near 1, with batch normalisations that
    /// are far from neutral.
    static func parameter(_ name: String, shape: [Int]) -> [Float] {
        let units = units(name, count: shape.reduce(1, *))
        if shape.count > 1 {
            let scale = (6 / Double(shape.dropFirst().reduce(1, *))).squareRoot()
            return units.map { Float($0 * scale) }
        }
        if name.hasSuffix(".weight") { return units.map { Float(1 + 0.5 * $0) } }
        if name.hasSuffix(".running_var") { return units.map { Float(1 + 0.75 * $0) } }
        return units.map { Float(0.3 * $0) }
    }
}

/// Weights in memory, for tests that break them one by one.
struct WeightsInMemory: WeightSource {
    struct Parameter {
        var shape: [Int]
        var values: [Float]
    }

    var path: FilePath { "in-memory.safetensors" }
    var parameters: [String: Parameter]

    var tensorNames: [String] { parameters.keys.sorted() }

    func entry(_ name: String) -> TensorEntry? {
        parameters[name].map {
            TensorEntry(name: name, elementType: .float32, shape: $0.shape, byteRange: 0..<$0.values.count * 4)
        }
    }

    func floats(_ name: String) throws -> [Float] { parameters[name]!.values }

    func digest() throws -> ContentDigest { ContentDigest(of: []) }
}

extension WeightsInMemory {
    /// Hashed numbers for tensors of these shapes.
    init(hashed shapes: [String: [Int]]) {
        parameters = Dictionary(
            uniqueKeysWithValues: shapes.map {
                ($0, Parameter(shape: $1, values: HashedNumbers.parameter($0, shape: $1)))
            })
    }

    /// All floating-point tensors of a file.
    init(copying file: SafetensorsFile) throws {
        parameters = [:]
        for name in file.tensorNames where file.entry(name)!.elementType == .float32 {
            parameters[name] = Parameter(shape: file.entry(name)!.shape, values: try file.floats(name))
        }
    }
}
