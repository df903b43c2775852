/// A graph of ONNX in the making. Values have names; each node makes one value.
///
/// Field numbers are those of the standard's onnx.proto (IR version 7, operator set 13).
struct ONNXGraph {
    /// What elements of a value are.
    enum ElementType: Int64 {
        case float = 1
        case int64 = 7
        case float16 = 10
    }

    enum Attribute {
        case integer(Int64)
        case integers([Int64])
    }

    /// A side of a value's shape: a number, or a name for what is known only when the graph is run.
    enum Dimension {
        case fixed(Int)
        case named(String)
    }

    private var nodes: [ProtocolBuffer] = []
    private var tensors: [ProtocolBuffer] = []
    private var inputs: [ProtocolBuffer] = []
    private var outputs: [ProtocolBuffer] = []

    static let irVersion: Int64 = 7
    static let operatorSet: Int64 = 13

    /// Adds a node of the standard's operator `kind` and gives the name of its value.
    @discardableResult
    mutating func node(
        _ kind: String, _ arguments: [String], named name: String, outputs outputNames: [String]? = nil,
        _ attributes: KeyValuePairs<String, Attribute> = [:]
    ) -> String {
        var node = ProtocolBuffer()
        for argument in arguments { node.add(1, argument) }
        for output in outputNames ?? [name] { node.add(2, output) }
        node.add(3, "make_\(name)")
        node.add(4, kind)
        for (key, value) in attributes {
            var attribute = ProtocolBuffer()
            attribute.add(1, key)
            switch value {
            case .integer(let integer):
                attribute.add(3, integer)
                attribute.add(20, 2)
            case .integers(let integers):
                for integer in integers { attribute.add(8, integer) }
                attribute.add(20, 7)
            }
            node.add(5, attribute)
        }
        nodes.append(node)
        return name
    }

    /// Adds a constant of floats and gives its name.
    mutating func constant(_ name: String, _ shape: [Int], _ elements: [Float]) -> String {
        constant(name, shape, .float, elements.withUnsafeBytes { Array($0) })
    }

    /// Adds a constant list of integers and gives its name.
    mutating func constant(_ name: String, _ elements: [Int64]) -> String {
        constant(name, [elements.count], .int64, elements.withUnsafeBytes { Array($0) })
    }

    private mutating func constant(_ name: String, _ shape: [Int], _ type: ElementType, _ bytes: [UInt8]) -> String {
        var tensor = ProtocolBuffer()
        for side in shape { tensor.add(1, Int64(side)) }
        tensor.add(2, type.rawValue)
        tensor.add(8, name)
        tensor.add(9, bytes: bytes)
        tensors.append(tensor)
        return name
    }

    mutating func input(_ name: String, _ shape: [Dimension], _ explanation: String) {
        inputs.append(Self.value(name, .float, shape, explanation))
    }

    mutating func output(_ name: String, _ type: ElementType, _ shape: [Dimension], _ explanation: String) {
        outputs.append(Self.value(name, type, shape, explanation))
    }

    private static func value(
        _ name: String, _ type: ElementType, _ shape: [Dimension], _ explanation: String
    ) -> ProtocolBuffer {
        var sides = ProtocolBuffer()
        for dimension in shape {
            var side = ProtocolBuffer()
            switch dimension {
            case .fixed(let count): side.add(1, Int64(count))
            case .named(let name): side.add(2, name)
            }
            sides.add(1, side)
        }
        var tensor = ProtocolBuffer()
        tensor.add(1, type.rawValue)
        tensor.add(2, sides)
        var kind = ProtocolBuffer()
        kind.add(1, tensor)
        var value = ProtocolBuffer()
        value.add(1, name)
        value.add(2, kind)
        value.add(3, explanation)
        return value
    }

    /// The bytes of a model file of this graph.
    func model(named name: String, metadata: [String: String]) -> [UInt8] {
        var graph = ProtocolBuffer()
        for node in nodes { graph.add(1, node) }
        graph.add(2, name)
        for tensor in tensors { graph.add(5, tensor) }
        for input in inputs { graph.add(11, input) }
        for output in outputs { graph.add(12, output) }
        var operators = ProtocolBuffer()
        operators.add(1, "")
        operators.add(2, Self.operatorSet)
        var model = ProtocolBuffer()
        model.add(1, Self.irVersion)
        model.add(2, "infodisent")
        model.add(7, graph)
        model.add(8, operators)
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            var entry = ProtocolBuffer()
            entry.add(1, key)
            entry.add(2, value)
            model.add(14, entry)
        }
        return model.bytes
    }
}
