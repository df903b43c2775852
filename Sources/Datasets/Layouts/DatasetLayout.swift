import Foundation
import SystemPackage

/// A layout that was recognised, and by what.
public struct DatasetLayout: Equatable, Sendable {
    public internal(set) var kind: DatasetKind
    /// What it was recognised by, such as "found images.txt and train_test_split.txt in CUB_200_2011/".
    public internal(set) var evidence: String
    /// Where the data set is: the folder it was looked for in, or one in it that is all it holds.
    public internal(set) var root: FilePath

    /// Recognises the layout of the data set at `root` by the names of files and folders; nothing is read but the first folders.
    ///
    /// In order: a file that ends in .csv or .tsv; CUB-200-2011; Stanford Cars; Stanford Dogs; ImageNet; the built-in part data
    /// set; FunnyBirds; a manifest.csv (or Hugging Face's metadata.csv where there are no class folders); tar shards; CIFAR; and class folders for
    /// everything else. A folder that holds nothing but another one, as archives unpack, is entered.
    ///
    /// - Throws: `DatasetError.missingRoot`, `.unreadable`.
    public static func detect(_ root: FilePath) throws -> DatasetLayout {
        guard let status = try? FileStatus(of: root) else { throw DatasetError.missingRoot(path: root) }
        if status.kind == .file {
            guard CSVManifest.isList(root) else { throw DatasetError.rootIsNotAFolder(path: root) }
            return DatasetLayout(kind: .csv, evidence: "\(root) is a \(root.extension!) file", root: root)
        }
        let chain = LoneFolder.chain(from: root)
        for place in chain {
            for (kind, evidence) in detectors {
                if let evidence = try evidence(place) {
                    return DatasetLayout(kind: kind, evidence: evidence, root: place)
                }
            }
        }
        let place = try LoneFolder.classFoldersRoot(in: chain)
        return DatasetLayout(kind: .classFolders, evidence: "found folders in \(place)", root: place)
    }

    /// Where in `root` a data set of a known kind is: in it, or in the folder that is all it holds.
    static func place(of kind: DatasetKind, in root: FilePath) throws -> FilePath {
        let chain = LoneFolder.chain(from: root)
        if kind == .classFolders { return try LoneFolder.classFoldersRoot(in: chain) }
        guard let evidence = detectors.first(where: { $0.0 == kind })?.1 else { return root }
        return try chain.first { try evidence($0) != nil } ?? root
    }

    private static let detectors: [(DatasetKind, @Sendable (FilePath) throws -> String?)] = [
        (.cub, { CUB200.evidence($0) }), (.cars, { StanfordCars.evidence($0) }), (.dogs, { StanfordDogs.evidence($0) }),
        (.imagenet, { try ImageNet.evidence($0) }), (.parts, { partsEvidence($0) }),
        (.funnybirds, { FunnyBirds.evidence($0) }),
        (.csv, { try CSVManifest.evidence($0) }), (.webdataset, { try TarShards.evidence($0) }),
        (.cifar, { CIFAR.evidence($0) }),
    ]

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

    /// The first of `candidates` whose images are there; the first of all if they are nowhere, so that messages are about it.
    ///
    /// A list says nothing about which images came with it: mirrors keep one layout's list beside another one's images.
    ///
    /// - Parameter images: some image files of a candidate.
    static func withImages<Candidate>(
        _ candidates: [Candidate], images: (Candidate) throws -> [FilePath]
    ) rethrows -> Candidate? {
        guard candidates.count > 1 else { return candidates.first }
        return try candidates.first { try images($0).contains(where: exists) } ?? candidates.first
    }

    /// Up to so many images of a list are looked for to see whether they are there at all.
    private static let probeCount = 16

    /// A few of `items`, from the first to the last.
    static func probes<Item>(of items: [Item]) -> [Item] {
        guard items.count > probeCount else { return items }
        return (0..<probeCount).map { items[$0 * (items.count - 1) / (probeCount - 1)] }
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
}
