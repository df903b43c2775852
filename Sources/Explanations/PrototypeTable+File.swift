import DurableFiles
import Foundation
public import Inference
public import MessagePassing
public import Results
public import SystemPackage

extension PrototypeTable {
    /// The table as JSON, the same bytes for the same table.
    public func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
    }

    /// Reads a table and checks that it belongs to `model`.
    /// - Throws: `ExplanationError` if it is damaged or belongs to another head or dataset; `DurableFileError`.
    public init(reading path: FilePath, for model: TrainedModel) throws {
        let bytes = try DurableFile.read(path)
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(bytes))
        } catch {
            throw ExplanationError.corruptPrototypes(path: path, reason: "it is not a table of prototypes")
        }
        guard schemaVersion == Self.currentSchemaVersion else {
            throw ExplanationError.corruptPrototypes(
                path: path, reason: "its schema version is \(schemaVersion), not \(Self.currentSchemaVersion)")
        }
        guard headDigest == model.headDigest, datasetFingerprint == model.experiment.dataset.fingerprint,
            channels.count == model.head.channelCount
        else {
            throw ExplanationError.corruptPrototypes(path: path, reason: "it belongs to another checkpoint or dataset")
        }
        let classCount = model.experiment.dataset.classNames.count
        for prototype in channels.flatMap({ $0.positive + $0.negative }) {
            guard (0..<classCount).contains(prototype.label),
                (0..<featureMap.height).contains(prototype.position.row),
                (0..<featureMap.width).contains(prototype.position.column)
            else {
                throw ExplanationError.corruptPrototypes(
                    path: path, reason: "the prototype \(prototype.path) has a label or a position that cannot be")
            }
        }
    }

    /// The table that is kept in the run of `model`, found anew by `search` and kept if there is none that fits. Collective;
    /// rank 0 gets the table, the others nil.
    ///
    /// Keeping it only saves time: a run that cannot be written to, or a checkpoint without a run, is fine.
    public static func kept(
        for model: TrainedModel, communicator: any Communicator = SingleProcess(),
        search: () throws -> PrototypeTable?
    ) throws -> PrototypeTable? {
        guard let folder = model.runDirectory?.appending("prototypes") else { return try search() }
        let path = folder.appending("\(model.checkpointName).json")
        var table = communicator.rank == 0 ? try? PrototypeTable(reading: path, for: model) : nil
        if try communicator.fromRank0(allowing: .zero, { table == nil ? [] : [1] }).isEmpty {
            table = try search()
            if let table {
                try? DurableFile.createDirectory(folder)
                try? DurableFile.write(table.json(), to: path)
            }
        }
        return table
    }
}
