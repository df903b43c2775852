import Foundation
import SystemPackage
import Tensors

/// ImageNet, ILSVRC 2012: 1,281,167 training and 50,000 validation images of 1000 classes
/// (Russakovsky et al., IJCV 2015), in the layouts that are about:
///
///     train/<wnid>/*.JPEG, val/<wnid>/*.JPEG                           as torchvision arranges it
///     train/<wnid>/*.JPEG, val/ILSVRC2012_val_*.JPEG, the devkit       as the archives unpack
///     ILSVRC2012_img_train.tar, ILSVRC2012_img_val.tar, the devkit     not unpacked: read in place
///     ILSVRC/Data/CLS-LOC/{train/<wnid>,val}, LOC_val_solution.csv     as Kaggle has it
///     train/<wnid>/images/*.JPEG, val/images/*, val/val_annotations.txt   Tiny ImageNet, which has 200 of the classes
///
/// and mixtures of these. The devkit is data/meta.mat and data/ILSVRC2012_validation_ground_truth.txt, or its archive
/// ILSVRC2012_devkit_t12.tar.gz with these in it.
///
/// A class is a WordNet id, and classes have the order of the sorted ids, as published weights have it. The devkit numbers
/// classes in another order (ILSVRC2012_ID), which is translated through the ids. Names are no keys: two classes are called
/// crane, and two maillot.
///
/// Whatever the layout, samples are called train/<wnid>/<file> and val/<wnid>/<file>, so caches and checkpoints of one fit
/// the others.
enum ImageNet {
    static let trainArchive = "ILSVRC2012_img_train.tar"
    static let validationArchive = "ILSVRC2012_img_val.tar"
    static let devkitArchive = "ILSVRC2012_devkit_t12.tar.gz"
    static let files = LayoutFiles(kind: .imagenet)

    /// Where the folders train and val may be.
    private static let dataFolders = ["", "ILSVRC/Data/CLS-LOC", "Data/CLS-LOC"]
    private static let devkitFolders = ["data", "ILSVRC2012_devkit_t12/data", "devkit/data", ""]
    private static let annotationFolders = ["ILSVRC/Annotations/CLS-LOC", "Annotations/CLS-LOC", "Annotations"]

    /// The devkit's files: unpacked, or in its archive, which is looked into when one of them is asked for.
    final class Devkit {
        private let folders: [FilePath]
        private let archive: FilePath
        private var unpacked: UnpackedFiles?

        static let meta = "meta.mat"
        static let truth = "ILSVRC2012_validation_ground_truth.txt"

        init(_ root: FilePath) {
            folders = devkitFolders.map { $0.isEmpty ? root : root.pushing(FilePath($0)) }
            archive = root.appending(devkitArchive)
        }

        /// Where the file `name` may be. What is unpacked lasts as long as this.
        /// - Throws: `DatasetError` for an archive that is damaged.
        func places(of name: String) throws -> [FilePath] {
            let isUnpacked = folders.contains { LayoutFiles.exists($0.appending(name)) }
            guard !isUnpacked && LayoutFiles.exists(archive) else { return folders }
            let unpacked = try unpacked ?? UnpackedFiles([Self.meta, Self.truth], of: archive)
            self.unpacked = unpacked
            // A file that is not in the archive is said to be missing there.
            let isThere = LayoutFiles.exists(unpacked.folder.appending(name))
            return folders + [isThere ? unpacked.folder : archive]
        }
    }

    /// Whether a name is a WordNet id: "n" and eight digits.
    static func isWordNetID(_ name: some StringProtocol) -> Bool {
        name.utf8.count == 9 && name.first == "n" && name.dropFirst().allSatisfy { $0.isASCII && $0.isNumber }
    }

    /// What says that the data set is at `root`; nil if nothing does.
    static func evidence(_ root: FilePath) throws -> String? {
        for names in [
            ["train", "val/\(ValidationImages.tinyList)"], [trainArchive], ["ILSVRC/Data/CLS-LOC"],
            ["LOC_synset_mapping.txt"], ["data/meta.mat", "train"],
        ] {
            if let found = DatasetLayout.found(names, in: root) { return found }
        }
        guard LayoutFiles.exists(root.appending("train")),
            LayoutFiles.exists(root.appending("val")) || LayoutFiles.exists(root.appending(validationArchive))
        else { return nil }
        var scanner = FolderScanner(root: root)
        let classes = try scanner.list("train").folders
        // With classes in a test folder these are somebody's class folders, called as in ImageNet.
        let top = try scanner.list(FilePath())
        let hasTest = try top.folders.contains("test") && !scanner.list("test").folders.isEmpty
        guard !classes.isEmpty, classes.allSatisfy(isWordNetID), !hasTest else { return nil }
        return "found train/ with folders of WordNet ids and val in \(root)"
    }

    /// The data set at `root`.
    /// - Throws: `DatasetError`.
    static func load(root: FilePath, options: DatasetOptions, team: WorkerTeam) throws -> Dataset {
        let train = try trainingImages(root, options, team)
        let classNames = train.classes.map(\.wnid)
        var labels: [String: Int] = [:]
        for (label, wnid) in classNames.enumerated() { labels[wnid] = label }
        let devkit = Devkit(root)
        var test: [Sample] = []
        var notes = train.notes
        if options.split == .official {
            test = try ValidationImages.find(
                root, labels, devkit, dataFolders: dataFolders, indexFolder: options.indexFolder, &notes)
        }
        let solutions = try ["LOC_train_solution.csv", "LOC_val_solution.csv"].map { name in
            try [root, root.appending("ILSVRC")].map { $0.appending(name) }.first(where: LayoutFiles.exists)
                .map { try LocalisationTable($0) }
        }
        let annotations = annotationFolders.map { root.pushing(FilePath($0)) }.first(where: LayoutFiles.exists)
        if options.crop != nil && annotations == nil && solutions[0] == nil {
            throw DatasetError.missingFile(
                name: "LOC_train_solution.csv or Annotations/CLS-LOC/", folders: [root],
                archive: "the archives of bounding boxes", dataset: DatasetKind.imagenet.title)
        }
        var dataset = try Dataset.listed(
            .imagenet, root: root, classNames: classNames,
            train: train.classes.enumerated().flatMap { label, found in
                found.images.map { $0.sample(label: label, boxes: solutions[0]?.boxes(of: $0.path, wnid: found.wnid)) }
            },
            test: test.map { sample in
                Sample(
                    path: sample.path, label: sample.label, source: sample.source,
                    boxes: solutions[1]?.boxes(of: sample.path, wnid: classNames[sample.label]))
            },
            boxFiles: annotations.map { .imageNet(folder: $0) }, options: options, list: root,
            archive: "\(trainArchive) and \(validationArchive)", notes: notes, team: team)
        dataset.classTitles = try Synsets.titles(root, devkit, classNames)
        return dataset
    }

    // MARK: - Training images

    struct FoundClass {
        let wnid: String
        let images: [FoundSample]
    }

    /// An image that was found, before its label is known.
    struct FoundSample {
        let path: String
        let source: SampleSource

        func sample(label: Int, boxes: [BoundingBox]?) -> Sample {
            Sample(path: path, label: label, source: source, boxes: boxes)
        }
    }

    /// The classes in the order of their ids, with their images.
    private static func trainingImages(
        _ root: FilePath, _ options: DatasetOptions, _ team: WorkerTeam
    ) throws -> (classes: [FoundClass], notes: [String]) {
        let found = dataFolders.filter { LayoutFiles.exists(root.pushing(FilePath($0)).appending("train")) }
        // A folder without classes, as a failed download leaves it, does not hide the images elsewhere.
        let filled = try found.first { data in
            var scanner = FolderScanner(root: root.pushing(FilePath(data)))
            return try scanner.list("train").folders.contains(where: isWordNetID)
        }
        let archive = root.appending(trainArchive)
        if let folder = filled ?? (LayoutFiles.exists(archive) ? nil : found.first) {
            return try folders(root, data: folder, team)
        }
        guard LayoutFiles.exists(archive) else {
            throw DatasetError.missingFile(
                name: "train/ or \(trainArchive)", folders: [root], archive: trainArchive,
                dataset: DatasetKind.imagenet.title)
        }
        return (try TrainingArchive.classes(in: archive, indexFolder: options.indexFolder, team), [])
    }

    private static func folders(
        _ root: FilePath, data: String, _ team: WorkerTeam
    ) throws -> (classes: [FoundClass], notes: [String]) {
        let folder = data.isEmpty ? FilePath("train") : FilePath(data).appending("train")
        var scanner = FolderScanner(root: root)
        let names = try scanner.list(folder).folders
        for name in names where !isWordNetID(name) {
            scanner.note("\(folder)/\(name)/ is not called as a WordNet id and is not used.")
        }
        let wnids = names.filter(isWordNetID)
        guard !wnids.isEmpty else { throw DatasetError.noClasses(path: root.pushing(folder)) }
        let found = try team.map(wnids.count) { _, index in
            var scanner = FolderScanner(root: root)
            let contents = try scanner.contents(below: folder.appending(wnids[index]))
            guard !contents.images.isEmpty else {
                throw DatasetError.emptyClass(
                    path: root.pushing(folder).appending(wnids[index]), seen: contents.summary)
            }
            let samples = contents.images.map { image in
                FoundSample(
                    path: data.isEmpty ? image.path : String(image.path.dropFirst(data.utf8.count + 1)),
                    source: data.isEmpty ? .file : .folder(FilePath(image.path).removingLastComponent().string))
            }
            return (FoundClass(wnid: wnids[index], images: samples), scanner)
        }
        for (_, other) in found { scanner.merge(other) }
        return (found.map(\.0), scanner.notes)
    }
}

/// ILSVRC2012_img_train.tar: a tar archive of 1000 tar archives, one for each class, read in place.
enum TrainingArchive {
    /// The classes in the order of their ids.
    static func classes(
        in archive: FilePath, indexFolder: FilePath?, _ team: WorkerTeam
    ) throws -> [ImageNet.FoundClass] {
        let sections = try ArchiveIndex.sections(of: archive, reader: "ImageNet", keptIn: indexFolder) {
            try Self.sections($0, team)
        }
        let name = archive.lastComponent!.string
        return sections.map { section in
            ImageNet.FoundClass(
                wnid: section.name,
                images: section.entries.map { entry in
                    .init(
                        path: "train/\(section.name)/\(entry.file.name)",
                        source: .archive(name, offset: entry.file.offset, byteCount: entry.file.byteCount))
                })
        }
    }

    /// A section for each class. Each inner archive's headers are read, by all workers.
    private static func sections(_ file: OpenFile, _ team: WorkerTeam) throws -> [ArchiveIndex.Section] {
        let archive = file.path
        var reader = TarReader(file)
        var inner: [(wnid: String, entry: TarEntry)] = []
        var seen: Set<String> = []
        while let entry = try reader.next() {
            let wnid = entry.name.hasSuffix(".tar") ? String(entry.name.dropLast(4)) : ""
            guard ImageNet.isWordNetID(wnid) else {
                throw DatasetError.malformed(
                    path: archive, place: entry.name,
                    reason: "it is not called as an archive of a class, such as n01440764.tar")
            }
            guard seen.insert(wnid).inserted else {
                throw DatasetError.malformed(path: archive, place: entry.name, reason: "the class is there twice")
            }
            inner.append((wnid, entry))
        }
        guard !inner.isEmpty else {
            throw DatasetError.malformed(path: archive, place: nil, reason: "it holds no archives of classes")
        }
        inner.sort { $0.wnid.precedesByCodePoint($1.wnid) }
        return try team.map(inner.count) { [inner] _, index in
            let (wnid, entry) = inner[index]
            var reader = TarReader(file, range: entry.offset..<entry.offset + entry.byteCount)
            var images: [ArchiveIndex.Entry] = []
            var seen: Set<String> = []
            while let image = try reader.next() {
                guard FolderScanner.hasImageExtension(image.name) else { continue }
                guard seen.insert(image.name).inserted else {
                    throw DatasetError.malformed(
                        path: archive, place: "\(entry.name): \(image.name)", reason: "the image is there twice")
                }
                images.append(.init(image))
            }
            guard !images.isEmpty else {
                throw DatasetError.malformed(path: archive, place: entry.name, reason: "it holds no images")
            }
            return ArchiveIndex.Section(name: wnid, entries: images)
        }
    }
}
