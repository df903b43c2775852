import DurableFiles
import Foundation
import SystemPackage

extension PartDataset {
    static func requireAbsentOrEmpty(_ directory: FilePath) throws {
        guard DurableDirectory.exists(directory) else {
            guard !DurableFile.exists(directory) else { throw PartDatasetError.notADirectory(directory) }
            return
        }
        guard try DurableDirectory.names(in: directory).isEmpty else {
            throw PartDatasetError.outputNotEmpty(directory)
        }
    }

    /// Writes into a staging folder, whose files are all synced when it gets its name.
    static func write(_ data: Data, to path: FilePath) throws {
        do {
            try data.write(to: URL(fileURLWithPath: path.string))
        } catch {
            throw PartDatasetError.writeFailed(path, reason: error.localizedDescription)
        }
    }
}
