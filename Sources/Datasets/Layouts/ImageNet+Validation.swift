import SystemPackage

/// The validation images of ImageNet, wherever they are and whatever says their classes.
enum ValidationImages {
    /// Tiny ImageNet's list of its validation images: file, WordNet id and box in each line.
    static let tinyList = "val_annotations.txt"

    static func find(
        _ root: FilePath, _ labels: [String: Int], _ devkit: ImageNet.Devkit, dataFolders: [String],
        indexFolder: FilePath?,
        _ notes: inout [String]
    ) throws -> [Sample] {
        let archive = root.appending(ImageNet.validationArchive)
        let folders = dataFolders.map { ($0, $0.isEmpty ? FilePath("val") : FilePath($0).appending("val")) }.filter {
            LayoutFiles.exists(root.pushing($0.1))
        }
        // A folder without images does not hide those elsewhere.
        let filled = try folders.first { try holdsImages(root.pushing($0.1)) }
        if let (data, folder) = filled ?? (LayoutFiles.exists(archive) ? nil : folders.first) {
            var scanner = FolderScanner(root: root)
            let listing = try scanner.list(folder)
            defer { notes += scanner.notes }
            if listing.folders.contains(where: ImageNet.isWordNetID) {
                return try inFolders(root, folder, data, listing, labels, &scanner)
            }
            if listing.files.contains(where: { $0.name == tinyList }) {
                return try tiny(root, folder, labels)
            }
            let files = listing.files.map(\.name).filter(FolderScanner.hasImageExtension)
            guard !files.isEmpty else {
                throw DatasetError.missingFile(
                    name: "validation images", folders: [root.pushing(folder)], archive: ImageNet.validationArchive,
                    dataset: DatasetKind.imagenet.title)
            }
            return try labelled(files.map { ($0, .folder(folder.string)) }, root, labels, devkit)
        }
        guard LayoutFiles.exists(archive) else {
            throw DatasetError.missingFile(
                name: "val/ or \(ImageNet.validationArchive)", folders: [root], archive: ImageNet.validationArchive,
                dataset: DatasetKind.imagenet.title)
        }
        return try labelled(images(in: archive, indexFolder), root, labels, devkit)
    }

    private static func holdsImages(_ folder: FilePath) throws -> Bool {
        var scanner = FolderScanner(root: folder)
        let listing = try scanner.list(FilePath())
        return listing.imageCount > 0 || listing.folders.contains(where: ImageNet.isWordNetID)
            || listing.files.contains { $0.name == tinyList }
    }

    // MARK: - Labels from folders

    private static func inFolders(
        _ root: FilePath, _ folder: FilePath, _ data: String, _ listing: FolderListing, _ labels: [String: Int],
        _ scanner: inout FolderScanner
    ) throws -> [Sample] {
        if !listing.files.isEmpty {
            scanner.note("\(listing.files.count) files in \(folder)/ itself belong to no class.")
        }
        return try listing.folders.flatMap { wnid -> [Sample] in
            guard ImageNet.isWordNetID(wnid) else {
                scanner.note("\(folder)/\(wnid)/ is not called as a WordNet id and is not used.")
                return []
            }
            guard let label = labels[wnid] else {
                throw DatasetError.classWithoutTraining(
                    name: wnid, testFolder: root.pushing(folder), trainFolder: root.appending("train"))
            }
            let images = try scanner.images(below: folder.appending(wnid))
            guard !images.isEmpty else { throw DatasetError.emptyClass(path: root.pushing(folder).appending(wnid)) }
            return images.map { image in
                Sample(
                    path: data.isEmpty ? image.path : String(image.path.dropFirst(data.utf8.count + 1)), label: label,
                    source: data.isEmpty ? .file : .folder(FilePath(image.path).removingLastComponent().string))
            }
        }
    }

    // MARK: - Labels from lists

    /// The validation images of Tiny ImageNet: in `images`, or beside the list.
    private static func tiny(_ root: FilePath, _ folder: FilePath, _ labels: [String: Int]) throws -> [Sample] {
        let list = root.pushing(folder).appending(tinyList)
        let images = LayoutFiles.exists(root.pushing(folder).appending("images")) ? folder.appending("images") : folder
        var samples: [Sample] = []
        var seen: Set<Substring> = []
        try AnnotationText(list).forEachRecord(fieldCount: 2) { record in
            let name = record.fields[0]
            let wnid = String(record.fields[1].prefix { !$0.isWhitespace })
            guard SafePath.isSafe(name), !name.utf8.contains(UInt8(ascii: "/")) else {
                throw record.failure("\"\(name)\" is no name of an image")
            }
            guard seen.insert(name).inserted else { throw record.failure("the image \(name) is listed twice") }
            guard let label = labels[wnid] else {
                throw record.failure("\"\(wnid)\" is not the WordNet id of a folder in train/")
            }
            samples.append(Sample(path: "val/\(wnid)/\(name)", label: label, source: .folder(images.string)))
        }
        return samples
    }

    private static func images(
        in archive: FilePath, _ indexFolder: FilePath?
    ) throws -> [(name: String, source: SampleSource)] {
        let sections = try ArchiveIndex.sections(of: archive, reader: "ImageNet", keptIn: indexFolder) { file in
            var reader = TarReader(file)
            var images: [ArchiveIndex.Entry] = []
            var seen: Set<String> = []
            while let entry = try reader.next() {
                guard FolderScanner.hasImageExtension(entry.name) else { continue }
                guard seen.insert(entry.fileName).inserted else {
                    throw DatasetError.malformed(path: archive, place: entry.name, reason: "the image is there twice")
                }
                images.append(.init(entry))
            }
            return [.init(name: "", entries: images)]
        }
        let archiveName = archive.lastComponent!.string
        return sections.flatMap(\.entries).map { entry in
            (
                entry.file.fileName,
                .archive(archiveName, offset: entry.file.offset, byteCount: entry.file.byteCount)
            )
        }
    }

    /// Images without folders, whose classes LOC_val_solution.csv or the devkit says.
    private static func labelled(
        _ images: [(name: String, source: SampleSource)], _ root: FilePath, _ labels: [String: Int],
        _ devkit: ImageNet.Devkit
    ) throws -> [Sample] {
        let (list, classes) = try classes(of: images.first?.name, root, devkit)
        guard images.count == classes.count else {
            throw DatasetError.malformed(
                path: list, place: nil,
                reason: "it has the classes of \(classes.count) validation images, but \(images.count) are there")
        }
        return try images.map { name, source in
            let identifier = String(name[..<(name.lastIndex(of: ".") ?? name.endIndex)])
            guard let wnid = classes[identifier] else {
                throw DatasetError.malformed(
                    path: list, place: nil, reason: "it does not say the class of the image \(name)")
            }
            guard let label = labels[wnid] else { throw DatasetError.classOnlyTested(name: wnid, list: list) }
            return Sample(path: "val/\(wnid)/\(name)", label: label, source: source)
        }
    }

    /// The WordNet id of each validation image, by the image's name without extension, and what says it.
    ///
    /// Of several tables the one that lists `image` counts.
    private static func classes(
        of image: String?, _ root: FilePath, _ devkit: ImageNet.Devkit
    ) throws -> (list: FilePath, classes: [String: String]) {
        let solutions = [root, root.appending("ILSVRC")].map { $0.appending("LOC_val_solution.csv") }
            .filter(LayoutFiles.exists)
        let identifier = image.map { String($0[..<($0.lastIndex(of: ".") ?? $0.endIndex)]) } ?? ""
        var first: (list: FilePath, classes: [String: String])?
        for solution in solutions {
            let classes = try LocalisationTable(solution).classes
            if classes[identifier] != nil { return (solution, classes) }
            first = first ?? (solution, classes)
        }
        if let first { return first }
        let truth = try ImageNet.files.require(
            ImageNet.Devkit.truth, in: devkit.places(of: ImageNet.Devkit.truth),
            archive: "\(ImageNet.devkitArchive) (Kaggle's copy has LOC_val_solution.csv instead)")
        let meta = try ImageNet.files.require(
            ImageNet.Devkit.meta, in: devkit.places(of: ImageNet.Devkit.meta), archive: ImageNet.devkitArchive)
        let wnids = Dictionary(uniqueKeysWithValues: try Synsets(meta).leaves.map { ($0.number, $0.wnid) })
        var classes: [String: String] = [:]
        var number = 0
        try AnnotationText(truth).forEachRecord(fieldCount: 1) { record in
            number += 1
            let value = try record.integer(0, "class")
            guard let wnid = wnids[value] else {
                throw record.failure("the class \(value) is not the ILSVRC2012_ID of a class in \(meta)")
            }
            let digits = String(number)
            classes["ILSVRC2012_val_" + String(repeating: "0", count: max(0, 8 - digits.utf8.count)) + digits] = wnid
        }
        return (truth, classes)
    }
}

/// The synsets of the devkit's meta.mat.
struct Synsets {
    struct Leaf {
        /// ILSVRC2012_ID, the class in the ground truth.
        let number: Int
        let wnid: String
        let words: String
    }

    /// Those without children, which are the classes; the others are groups of these.
    let leaves: [Leaf]

    /// - Throws: `DatasetError.malformed`.
    init(_ path: FilePath) throws {
        let records = try MatRecords(MatFile(path), "synsets")
        var leaves: [Leaf] = []
        var (numbers, wnids): (Set<Int>, Set<String>) = ([], [])
        for index in 0..<records.count where try records.integer(index, "num_children") == 0 {
            let leaf = Leaf(
                number: try records.integer(index, "ILSVRC2012_ID"), wnid: try records.text(index, "WNID"),
                words: try records.text(index, "words"))
            guard ImageNet.isWordNetID(leaf.wnid) else {
                throw records.failure(index, "WNID is \"\(leaf.wnid)\", expected n and eight digits")
            }
            guard leaf.number >= 1, numbers.insert(leaf.number).inserted, wnids.insert(leaf.wnid).inserted else {
                throw records.failure(
                    index, "the class \(leaf.number) (\(leaf.wnid)) is there twice, or its number cannot be")
            }
            leaves.append(leaf)
        }
        guard !leaves.isEmpty else {
            throw DatasetError.malformed(path: path, place: nil, reason: "it has no synset without children")
        }
        self.leaves = leaves
    }

    /// What the classes are called, as far as the devkit or LOC_synset_mapping.txt is there; else the ids. A devkit in a
    /// damaged archive is no devkit here: what classes are called decides nothing.
    static func titles(_ root: FilePath, _ devkit: ImageNet.Devkit, _ wnids: [String]) throws -> [String] {
        var words: [String: String] = [:]
        let tables = ["LOC_synset_mapping.txt", "words.txt"].map { root.appending($0) }
        if let mapping = tables.first(where: LayoutFiles.exists) {
            try AnnotationText(mapping).forEachRecord(fieldCount: 2) {
                words[String($0.fields[0])] = String($0.fields[1])
            }
        } else if let places = try? devkit.places(of: ImageNet.Devkit.meta),
            let meta = places.map({ $0.appending(ImageNet.Devkit.meta) }).first(where: LayoutFiles.exists)
        {
            for leaf in try Synsets(meta).leaves { words[leaf.wnid] = leaf.words }
        }
        return wnids.map { words[$0] ?? $0 }
    }
}

/// LOC_train_solution.csv and LOC_val_solution.csv of Kaggle: for each image its class and boxes, as
/// "wnid x1 y1 x2 y2 wnid x1 y1 x2 y2 ...".
struct LocalisationTable {
    private struct Object {
        let wnid: String
        let box: BoundingBox
    }

    private var objects: [String: [Object]] = [:]

    /// The WordNet id of each image, by its name without extension: that of its first box.
    var classes: [String: String] { objects.mapValues { $0[0].wnid } }

    /// - Throws: `DatasetError.malformed`.
    init(_ path: FilePath) throws {
        let table = try CommaSeparatedValues(path)
        guard table.columns == ["ImageId", "PredictionString"] else {
            throw DatasetError.malformed(
                path: path, place: "line 1", reason: "its columns are not ImageId and PredictionString")
        }
        var wnids: [Substring: String] = [:]
        try table.forEachRow { line, fields in
            func failure(_ reason: String) -> DatasetError {
                .malformed(path: path, place: "line \(line)", reason: reason)
            }
            let words = fields[1].split(separator: " ")
            guard !words.isEmpty, words.count % 5 == 0 else {
                throw failure("the boxes are not groups of a WordNet id and four numbers")
            }
            let found = try stride(from: 0, to: words.count, by: 5).map { start -> Object in
                guard ImageNet.isWordNetID(words[start]) else { throw failure("\"\(words[start])\" is no WordNet id") }
                let edges = try words[start + 1..<start + 5].map { word in
                    guard let number = Double(word) else { throw failure("\"\(word)\" is no number of pixels") }
                    return number
                }
                let box = BoundingBox(
                    x: edges[0], y: edges[1], width: edges[2] - edges[0], height: edges[3] - edges[1])
                if let problem = box.problem { throw failure("the box cannot be: \(problem)") }
                let wnid = wnids[words[start]] ?? String(words[start])
                wnids[words[start]] = wnid
                return Object(wnid: wnid, box: box)
            }
            guard objects.updateValue(found, forKey: fields[0]) == nil else {
                throw failure("the image \(fields[0]) is there twice")
            }
        }
    }

    /// The boxes of an image around objects of its class; nil if there are none.
    func boxes(of path: String, wnid: String) -> [BoundingBox]? {
        let name = path[(path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex)...]
        let found = objects[String(name[..<(name.lastIndex(of: ".") ?? name.endIndex)])]?.filter { $0.wnid == wnid }
        return found?.isEmpty == false ? found!.map(\.box) : nil
    }
}
