import SystemPackage
import Tensors

/// Stanford Dogs: 20,580 photographs of 120 breeds, with one or more boxes each
/// (Khosla, Jayadevaprakash, Yao, Fei-Fei, 2011).
///
///     lists.tar       train_list.mat, test_list.mat, file_list.mat    beside the folders, or in lists/
///     images.tar      Images/n02085620-Chihuahua/n02085620_10074.jpg
///     annotation.tar  Annotation/n02085620-Chihuahua/n02085620_10074  XML without an extension
///
/// Mirrors have each archive in a folder of its own, images/Images and annotations/Annotation.
///
/// A class is called as its folder is; classes have the order of the lists' labels. All images come from ImageNet, so a
/// backbone that was trained on ImageNet has seen most of them with their classes.
enum StanfordDogs {
    private static let folders = ["", "stanford_dogs"]
    private static let files = LayoutFiles(kind: .dogs)
    /// Where the images, the annotations and the lists are.
    private static let imageFolders = ["Images", "images/Images", "Images/Images", "images"]
    private static let annotationFolders = [
        "Annotation", "annotations/Annotation", "annotation/Annotation", "Annotations/Annotation",
        "Annotation/Annotation",
    ]
    private static let listFolders = ["", "lists", "lists/lists"]

    /// What says that the data set is at `root`; nil if nothing does.
    static func evidence(_ root: FilePath) -> String? {
        for folder in folders {
            if let found = evidence(in: folder.isEmpty ? root : root.appending(folder)) { return found }
        }
        return nil
    }

    private static func evidence(in base: FilePath) -> String? {
        for name in ["train_list.mat", "test_list.mat", "file_list.mat"] {
            for folder in listFolders {
                let place = folder.isEmpty ? name : "\(folder)/\(name)"
                if let found = DatasetLayout.found([place], in: base) { return found }
            }
        }
        for names in [["Images", "Annotation"], ["images/Images", "annotations/Annotation"]] {
            if let found = DatasetLayout.found(names, in: base) { return found }
        }
        return nil
    }

    /// The data set at or below `root`.
    /// - Throws: `DatasetError`.
    static func load(root: FilePath, options: DatasetOptions, team: WorkerTeam) throws -> Dataset {
        let base = folders.map { $0.isEmpty ? root : root.appending($0) }.first { evidence(in: $0) != nil } ?? root
        func list(_ name: String) throws -> FilePath {
            do {
                return try files.require(
                    name, in: listFolders.map { $0.isEmpty ? base : base.pushing(FilePath($0)) }, archive: "lists.tar")
            } catch DatasetError.missingFile(_, let folders, let archive, let dataset) {
                let images = imageFolders.map { base.pushing(FilePath($0)) }.first(where: LayoutFiles.exists)
                throw DatasetError.missingFile(
                    name: name
                        + (images.map { " for the official split (or give \($0) as dataset.root for one of its own)" }
                            ?? ""),
                    folders: folders, archive: archive, dataset: dataset)
            }
        }
        let (trainList, testList, fileList) = (
            try list("train_list.mat"), try list("test_list.mat"), try list("file_list.mat")
        )
        let (train, test) = (try entries(of: trainList), try entries(of: testList))
        let images = LayoutFiles.withImages(
            imageFolders.filter { LayoutFiles.exists(base.pushing(FilePath($0))) },
            images: { folder in
                LayoutFiles.probes(of: train).map { base.pushing(FilePath("\(folder)/\($0.path)")) }
            })
        guard let images else {
            throw DatasetError.missingFile(
                name: "Images/", folders: [base, base.appending("images")], archive: "images.tar",
                dataset: DatasetKind.dogs.title)
        }
        let classNames = try classNames(train + test, lists: [trainList, testList])
        try checkComplete(train: train, test: test, fileList: fileList, testList: testList)
        let boxFiles = try boxFiles(base, options)
        func samples(_ entries: [Entry]) throws -> [Sample] {
            entries.map { entry in
                Sample(
                    path: "Images/" + entry.path, label: entry.label,
                    source: images == "Images" ? .file : .folder("\(images)/\(entry.folder)"))
            }
        }
        return try Dataset.listed(
            .dogs, root: base, classNames: classNames, train: samples(train), test: samples(test), boxFiles: boxFiles,
            options: options, list: trainList, archive: "images.tar",
            notes: [
                "The images of Stanford Dogs come from ImageNet: a backbone trained on ImageNet has seen them with their classes."
            ], team: team)
    }

    private static func boxFiles(_ base: FilePath, _ options: DatasetOptions) throws -> BoxFiles? {
        // Of a folder in one of the same name the inner one has the breeds.
        let found = annotationFolders.map { base.pushing(FilePath($0)) }.filter {
            (try? FileStatus(of: $0))?.kind == .folder
        }
        if let folder = found.first(where: { !LayoutFiles.exists($0.appending("Annotation")) }) {
            return .dogs(folder: folder)
        }
        guard options.crop == nil else {
            throw DatasetError.missingFile(
                name: "Annotation/", folders: [base], archive: "annotation.tar", dataset: DatasetKind.dogs.title)
        }
        return nil
    }

    // MARK: - Lists

    private struct Entry: Hashable {
        /// Below Images/.
        let path: String
        let label: Int

        var folder: Substring { path.prefix { $0 != "/" } }
    }

    /// The images of a list and their labels, from 0.
    private static func entries(of list: FilePath) throws -> [Entry] {
        let file = try MatFile(list)
        let (paths, labels) = (try file.texts("file_list"), try file.integers("labels"))
        guard paths.count == labels.count else {
            throw DatasetError.malformed(
                path: list, place: nil, reason: "it has \(paths.count) images, but \(labels.count) labels")
        }
        guard !paths.isEmpty else { throw DatasetError.malformed(path: list, place: nil, reason: "it lists no images") }
        var seen: Set<String> = []
        return try zip(paths, labels).enumerated().map { index, pair in
            let (path, label) = pair
            func failure(_ reason: String) -> DatasetError {
                .malformed(path: list, place: "file_list{\(index + 1)}", reason: reason)
            }
            guard SafePath.isSafe(path), path.utf8.count(where: { $0 == UInt8(ascii: "/") }) == 1 else {
                throw failure("\"\(path)\" is not of the form BREED/IMAGE.jpg")
            }
            guard seen.insert(path).inserted else { throw failure("the image \(path) is listed twice") }
            guard (1...classLimit).contains(label) else { throw failure("the label \(label) is not from 1 on") }
            return Entry(path: path, label: label - 1)
        }
    }

    private static let classLimit = 10_000

    /// The folder of each label, which must be one and the same for all its images.
    private static func classNames(_ entries: [Entry], lists: [FilePath]) throws -> [String] {
        var names = [Substring?](repeating: nil, count: (entries.map(\.label).max() ?? 0) + 1)
        func failure(_ reason: String) -> DatasetError { .malformed(path: lists[0], place: nil, reason: reason) }
        for entry in entries {
            if let name = names[entry.label], name != entry.folder {
                throw failure("images of the label \(entry.label + 1) are in two folders, \(name) and \(entry.folder)")
            }
            names[entry.label] = entry.folder
        }
        if let missing = names.firstIndex(of: nil) {
            throw failure("no image has the label \(missing + 1), but there are higher ones")
        }
        let found = names.map { String($0!) }
        guard Set(found).count == found.count else { throw failure("two labels have images in the same folder") }
        return found
    }

    /// Checks that the two lists share no image and make up file_list.mat.
    private static func checkComplete(
        train: [Entry], test: [Entry], fileList: FilePath, testList: FilePath
    ) throws {
        let trained = Set(train.map(\.path))
        if let shared = test.first(where: { trained.contains($0.path) }) {
            throw DatasetError.malformed(
                path: testList, place: nil, reason: "the test image \(shared.path) is a training image too")
        }
        let all = Set(try entries(of: fileList))
        guard all == Set(train + test) else {
            let difference = all.symmetricDifference(train + test).min { $0.path < $1.path }!
            throw DatasetError.malformed(
                path: fileList, place: nil,
                reason: "it is not train_list.mat and test_list.mat together: they differ in \(difference.path)")
        }
    }
}
