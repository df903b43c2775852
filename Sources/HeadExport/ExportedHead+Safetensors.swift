public import SystemPackage
import WeightFiles

extension ExportedHead {
    /// Writes `channel_map` [D, D], `classifier` [C, D] (or [C, 2 D]: the weights of positive activations and then those of
    /// negative ones) and, for a head that has one, `classifier_bias` [C], all F32, with the facts as metadata.
    /// - Throws: `DurableFileError`.
    public func writeSafetensors(to path: FilePath) throws {
        try SafetensorsWriter.write(entries, metadata: facts, to: path)
    }

    /// The bytes that `writeSafetensors` writes.
    package func safetensors() throws -> [UInt8] { try SafetensorsWriter.encode(entries, metadata: facts) }

    private var entries: [SafetensorsWriter.Entry] {
        [
            .floats("channel_map", [head.channelCount, head.channelCount], head.channelMap),
            .floats("classifier", [head.classCount, head.classifier.channelCount], head.classifier.weights),
        ] + (head.classifier.bias.map { [.floats("classifier_bias", [head.classCount], $0)] } ?? [])
    }
}
