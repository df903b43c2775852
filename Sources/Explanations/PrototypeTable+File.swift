import DurableFiles
import Foundation
public import Inference
public import MessagePassing
public import Results
public import SystemPackage

extension PrototypeTable {
    /// The table as JSON, the same bytes for the same table.
    public func json() throws -> String {
        String(decoding: try Self.encoder.encode(self), as: UTF8.self) + "\n"
    }

    /// Reads a table that `keep` wrote, and checks that it is what was written and belongs to `model`.
    /// - Throws: `ExplanationError` if it is damaged or belongs to another head or dataset; `DurableFileError`.
    public init(reading path: FilePath, for model: TrainedModel) throws {
        func corrupt(_ reason: String) -> ExplanationError { .corruptPrototypes(path: path, reason: reason) }
        let kept: KeptTable
        do {
            kept = try JSONDecoder().decode(KeptTable.self, from: Data(DurableFile.read(path)))
        } catch let error as DurableFileError {
            throw error
        } catch {
            throw corrupt("it is not a table of prototypes with its digest")
        }
        self = kept.table
        guard schemaVersion == Self.currentSchemaVersion else {
            throw corrupt("its schema version is \(schemaVersion), not \(Self.currentSchemaVersion)")
        }
        guard try kept.digest == digest() else { throw corrupt("it is not what was written: its digest differs") }
        guard headDigest == model.headDigest, datasetFingerprint == model.experiment.dataset.fingerprint,
            featureMap == model.experiment.cacheIdentity.featureMap.size,
            channels.map(\.channel) == Array(0..<model.head.channelCount)
        else { throw corrupt("it belongs to another checkpoint or dataset") }
        let classCount = model.experiment.dataset.classNames.count
        for prototype in channels.flatMap({ $0.positive + $0.negative }) {
            guard (0..<classCount).contains(prototype.label), prototype.activation.isFinite,
                (0..<featureMap.height).contains(prototype.position.row),
                (0..<featureMap.width).contains(prototype.position.column)
            else { throw corrupt("the prototype \(prototype.path) has a label, value or position that cannot be") }
        }
    }

    /// Writes the table with its digest, so that nothing else is ever taken for it.
    /// - Throws: `DurableFileError`.
    public func keep(at path: FilePath) throws {
        try DurableFile.write(Array(Self.encoder.encode(KeptTable(digest: digest(), table: self))), to: path)
    }

    /// SHA-256 of the table as JSON.
    private func digest() throws -> ContentDigest { ContentDigest(of: Array(try Self.encoder.encode(self))) }

    private static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
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
                try? table.keep(at: path)
            }
        }
        return table
    }
}

/// What the file of a kept table holds.
private struct KeptTable: Codable {
    /// SHA-256 of the table as JSON.
    let digest: ContentDigest
    let table: PrototypeTable
}
