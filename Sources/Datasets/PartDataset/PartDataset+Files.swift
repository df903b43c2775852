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

    /// Writes into a staging folder, whose files are all synced when it gets its name. Throws `DurableFileError`.
    static func write(_ data: Data, to path: FilePath) throws {
        do {
            let file = try FileDescriptor.open(
                path, .writeOnly, options: [.create, .exclusiveCreate],
                permissions: [.ownerReadWrite, .groupRead, .otherRead])
            try file.closeAfter { _ = try file.writeAll(data) }
        } catch let error as Errno {
            throw DurableFileError.failed(operation: "write", path: path, code: error.rawValue)
        }
    }
}
