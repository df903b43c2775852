import FieldCoding
import SystemPackage

/// A checkpoint in one array of bytes, on its way from the process that read and checked it to others.
///
/// Fields in order: folder, `state.json`, how far U is from orthogonal, D, channel map, classifier, bias, mask and epsilon where
/// there are, and name, shape and elements of each of the optimizer's tensors.
extension Checkpoint {
    /// What `init(bytes:)` reads.
    public var bytes: [UInt8] {
        var writer = FieldWriter()
        writer.append(directory.string)
        writer.append(state.fileText)
        writer.append(orthogonalityError)
        writer.append(channelCount)
        writer.append(channelMap)
        writer.append(classifier)
        writer.append(optional: bias) { $0.append($1) }
        writer.append(optional: mask) { $0.append(bytes: $1.map { $0 ? 1 : 0 }) }
        writer.append(optional: epsilon) { $0.append([$1]) }
        writer.append(list: optimizer) { writer, tensor in
            writer.append(tensor.name)
            writer.append(list: tensor.shape) { $0.append($1) }
            writer.append(tensor.elements)
        }
        return writer.bytes
    }

    /// The checkpoint that gave `bytes`, which must come from the same program. Throws `CheckpointError`.
    public init(bytes: [UInt8]) throws {
        var reader = FieldReader(bytes)
        do {
            let directory = FilePath(try reader.readText())
            let state = try CheckpointState(
                parsing: Array(try reader.readText().utf8), path: directory.appending(Self.stateName))
            let orthogonalityError = try reader.readDouble()
            let channelCount = try reader.readCount()
            let channelMap = try reader.readFloats()
            let classifier = try reader.readFloats()
            let bias = try reader.readOptional { reader throws(FieldFault) in try reader.readFloats() }
            let mask = try reader.readOptional { reader throws(FieldFault) in try reader.readBytes().map { $0 != 0 } }
            let epsilon = try reader.readOptional { reader throws(FieldFault) in try reader.readFloats() }
            let optimizer = try reader.readList(ofAtLeast: 24) { reader throws in try OptimizerTensor(from: &reader) }
            self.init(
                directory: directory, state: state, channelCount: channelCount, channelMap: channelMap,
                classifier: classifier, bias: bias, mask: mask, epsilon: epsilon?.first, optimizer: optimizer,
                orthogonalityError: orthogonalityError)
        } catch let fault as FieldFault {
            throw CheckpointError.malformedMessage(problem: fault.problem)
        }
    }
}

extension OptimizerTensor {
    fileprivate init(from reader: inout FieldReader) throws {
        let name = try reader.readText()
        let shape = try reader.readList(ofAtLeast: 8) { reader throws(FieldFault) in try reader.readCount() }
        let elements = try reader.readFloats()
        let count = shape.reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
        guard count == elements.count else {
            throw FieldFault(problem: "\(name) has \(elements.count) elements for the shape \(shape)")
        }
        self.init(name: name, shape: shape, elements: elements)
    }
}
