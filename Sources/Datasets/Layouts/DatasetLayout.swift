import Foundation
import SystemPackage

/// A layout that was recognised, and by what.
public struct DatasetLayout: Equatable, Sendable {
    public let kind: DatasetKind
    /// What it was recognised by, such as "found images.txt and train_test_split.txt in CUB_200_2011/".
    public let evidence: String

    /// Recognises the layout of the data set at `root` by the names of files and folders; nothing is read but the first folders.
    ///
    /// In order: a file that ends in .csv; CUB-200-2011; Stanford Cars; Stanford Dogs; ImageNet; the built-in part data set; a
    /// manifest.csv; tar shards; and class folders for everything else.
    ///
    /// - Throws: `DatasetError.missingRoot`, `.unreadable`.
    public static func detect(_ root: FilePath) throws -> DatasetLayout {
        guard let status = try? FileStatus(of: root) else { throw DatasetError.missingRoot(path: root) }
        if status.kind == .file {
            guard root.extension?.lowercased() == "csv" else { throw DatasetError.rootIsNotAFolder(path: root) }
            return DatasetLayout(kind: .csv, evidence: "\(root) is a .csv file")
        }
        let detectors: [(DatasetKind, (FilePath) throws -> String?)] = [
            (.cub, CUB200.evidence), (.cars, StanfordCars.evidence), (.dogs, StanfordDogs.evidence),
            (.imagenet, ImageNet.evidence), (.parts, partsEvidence), (.csv, CSVManifest.evidence),
            (.webdataset, TarShards.evidence),
        ]
        for (kind, evidence) in detectors {
            if let evidence = try evidence(root) { return DatasetLayout(kind: kind, evidence: evidence) }
        }
        return DatasetLayout(kind: .classFolders, evidence: "found no files of another layout in \(root)")
    }

    private static func partsEvidence(_ root: FilePath) -> String? {
        found(["dataset.json", "annotations.jsonl"], in: root)
    }

    /// "found A and B in DIR" if all of these are there; nil if not.
    static func found(_ names: [String], in folder: FilePath) -> String? {
        let areThere = names.allSatisfy { FileManager.default.fileExists(atPath: folder.pushing(FilePath($0)).string) }
        return areThere ? "found \(list(names)) in \(folder)" : nil
    }

    /// "A", "A and B", "A, B and C".
    static func list(_ names: [String]) -> String {
        guard let last = names.last, names.count > 1 else { return names.first ?? "" }
        return names.dropLast().joined(separator: ", ") + " and " + last
    }
}

/// Files of an official layout, looked for in the places where people keep them.
struct LayoutFiles {
    /// The data set, for messages.
    let kind: DatasetKind

    /// The first of `folders` (of the root) in which all of `names` are; nil if there is none.
    static func folder(of root: FilePath, among folders: [String], with names: [String]) -> FilePath? {
        folders.map { $0.isEmpty ? root : root.pushing(FilePath($0)) }.first { folder in
            names.allSatisfy { exists(folder.pushing(FilePath($0))) }
        }
    }

    static func exists(_ path: FilePath) -> Bool { FileManager.default.fileExists(atPath: path.string) }

    /// The file `name` in one of `folders`, which must be there.
    /// - Throws: `DatasetError.missingFile`.
    func require(_ name: String, in folders: [FilePath], archive: String) throws -> FilePath {
        for folder in folders {
            let path = folder.pushing(FilePath(name))
            if (try? FileStatus(of: path))?.kind == .file { return path }
        }
        throw DatasetError.missingFile(name: name, folders: folders, archive: archive, dataset: kind.title)
    }

    /// The folder `name` in one of `folders`, which must be there.
    /// - Throws: `DatasetError.missingFile`.
    func requireFolder(_ name: String, in folders: [FilePath], archive: String) throws -> FilePath {
        for folder in folders {
            let path = folder.pushing(FilePath(name))
            if (try? FileStatus(of: path))?.kind == .folder { return path }
        }
        throw DatasetError.missingFile(name: name + "/", folders: folders, archive: archive, dataset: kind.title)
    }
}
