import SystemPackage

/// Reads data sets that are kept as one folder of images for each class.
///
/// Two layouts are told apart by looking:
///
///     root/train/CLASS/**  and  root/test/CLASS/**  (or val, or valid, or another of the words of `SplitName`)
///     root/CLASS/**                                 split by class, see `ClassSplit`
///
/// Classes and files come in the order in which torchvision's `ImageFolder` (and any Python program that sorts strings)
/// has them, by Unicode code point, so labels agree with those of published classifiers. Images are told by extension,
/// torchvision's list in any case; names that start with a dot are passed over; symbolic links are followed.
///
/// Every folder of images could be a class, so what looks like something else is refused: a single class, and class folders
/// that hold folders of equal names (`FolderDoubts`). A root that holds nothing but one folder is entered (`LoneFolder`).
public enum ClassFolders {
    /// The value of the configuration's `dataset.kind`.
    public static let kind = "class_folders"

    /// Folder names of the test images beside `train`, best first.
    static let testFolderNames = ["test", "val", "valid"]

    /// Finds the classes and images under `root`. No image is opened.
    ///
    /// - Parameters:
    ///   - testFraction: share of each class's images to test on, in 0...1 (exclusive), where the folder has no split.
    ///   - seed: decides which; the same seed gives the same split on every machine.
    /// - Throws: `DatasetError`.
    public static func load(root: FilePath, testFraction: Double = 0.25, seed: UInt64 = 0) throws -> Dataset {
        guard testFraction > 0 && testFraction < 1 else { throw DatasetError.invalidTestFraction(testFraction) }
        var scanner = FolderScanner(root: root)
        let top = try scanner.list(FilePath())
        if let split = try SplitFolders.find(in: top, &scanner) { return try loadSplit(split, top: top, &scanner) }
        return try loadUnsplit(top: top, testFraction: testFraction, seed: seed, &scanner)
    }

    /// Whether the folders of `root` would be read as class folders.
    static func areLikely(in root: FilePath) -> Bool {
        var scanner = FolderScanner(root: root)
        guard let top = try? scanner.list(FilePath()) else { return false }
        do {
            return try SplitFolders.find(in: top, &scanner) != nil || top.folders.count > 1
        } catch {
            return false
        }
    }

    // MARK: - Layouts

    private static func loadSplit(
        _ split: SplitFolders, top: FolderListing, _ scanner: inout FolderScanner
    ) throws -> Dataset {
        let trainName = DatasetLayout.list(split.train.map { "\($0)/" })
        for name in top.folders where !split.train.contains(name) && name != split.test {
            scanner.note("\(name)/ is not used: the data set is \(trainName) and \(split.test)/.")
        }
        noteStrayImages(in: top, at: FilePath(), &scanner)
        let train = try merged(split.train.map { try scanClasses(in: FilePath($0), &scanner) })
        let test = try scanClasses(in: FilePath(split.test), &scanner)
        // Names are told apart by their bytes: to Swift, two spellings of an accent are the same string.
        let labels = Dictionary(uniqueKeysWithValues: train.enumerated().map { (Array($1.name.utf8), $0) })
        for found in test where labels[Array(found.name.utf8)] == nil {
            let testFolder = scanner.root.appending(split.test)
            let trainFolder = scanner.root.appending(split.train[0])
            if train.contains(where: { $0.name == found.name }) {
                throw DatasetError.namesDifferByNormalisation(
                    name: found.name, first: trainFolder, second: testFolder)
            }
            throw DatasetError.classWithoutTraining(
                name: found.name, testFolder: testFolder, trainFolder: trainFolder)
        }
        let tested = Set(test.map { Array($0.name.utf8) })
        for found in train where !tested.contains(Array(found.name.utf8)) {
            scanner.note("The class \"\(found.name)\" has training images but none in \(split.test)/.")
        }
        return dataset(
            classNames: train.map(\.name), train: train.enumerated().map { ($0, $1.images) },
            test: test.map { (labels[Array($0.name.utf8)]!, $0.images) },
            recognition: "found \(DatasetLayout.list(split.train.map { "\($0)/" } + ["\(split.test)/"])) "
                + "with a folder for each class in \(scanner.root)", scanner)
    }

    private static func loadUnsplit(
        top: FolderListing, testFraction: Double, seed: UInt64, _ scanner: inout FolderScanner
    ) throws -> Dataset {
        let classes = try scanClasses(in: FilePath(), &scanner)
        var train: [(Int, [FoundImage])] = []
        var test: [(Int, [FoundImage])] = []
        for (label, found) in classes.enumerated() {
            guard found.images.count >= 2 else {
                throw DatasetError.tooFewImages(
                    className: found.name, count: found.images.count, root: scanner.root)
            }
            let tested = ClassSplit.testIndices(
                count: found.images.count, testFraction: testFraction, label: label, seed: seed)
            train.append((label, found.images.indices.filter { !tested.contains($0) }.map { found.images[$0] }))
            test.append((label, found.images.indices.filter(tested.contains).map { found.images[$0] }))
        }
        var dataset = dataset(
            classNames: classes.map(\.name), train: train, test: test,
            recognition: "found a folder for each of \(classes.count) classes in \(scanner.root)", scanner)
        dataset.hasOwnSplit = false
        return dataset
    }

    // MARK: - Pieces

    /// A class as it was found.
    struct FoundClass {
        let name: String
        var images: [FoundImage]
    }

    /// The classes below a folder, sorted by name.
    private static func scanClasses(in folder: FilePath, _ scanner: inout FolderScanner) throws -> [FoundClass] {
        // A lone folder in the root itself is entered before the root is read, see `Dataset.load`.
        let folder = try folder.isEmpty ? folder : LoneFolder.classesFolder(of: folder, &scanner)
        let listing = try scanner.list(folder)
        noteStrayImages(in: listing, at: folder, &scanner)
        guard !listing.folders.isEmpty else {
            throw DatasetError.noClasses(path: scanner.root.pushing(folder), seen: listing.summary)
        }
        var contents: [(name: String, FolderContents)] = []
        for name in listing.folders {
            let found = try scanner.contents(below: folder.appending(name))
            guard !found.images.isEmpty else {
                throw DatasetError.emptyClass(
                    path: scanner.root.pushing(folder).appending(name), seen: found.summary)
            }
            contents.append((name, found))
        }
        try FolderDoubts.check(contents, in: folder, &scanner)
        return contents.map { FoundClass(name: $0.name, images: $0.1.images) }
    }

    /// The classes of several folders that share out the training images: those of the same name are one class.
    private static func merged(_ folders: [[FoundClass]]) -> [FoundClass] {
        guard folders.count > 1 else { return folders.first ?? [] }
        var classes: [[UInt8]: FoundClass] = [:]
        for found in folders.joined() {
            classes[Array(found.name.utf8), default: FoundClass(name: found.name, images: [])].images += found.images
        }
        return classes.values.sorted { $0.name.precedesByCodePoint($1.name) }
    }

    private static func noteStrayImages(
        in listing: FolderListing, at folder: FilePath, _ scanner: inout FolderScanner
    ) {
        let count = listing.files.count(where: { FolderScanner.hasImageExtension($0.name) })
        guard count > 0 else { return }
        let place = folder.isEmpty ? "the data set folder itself" : "\(folder)/ itself"
        scanner.note("\(count) image\(count == 1 ? "" : "s") in \(place) belong\(count == 1 ? "s" : "") to no class.")
    }

    private static func dataset(
        classNames: [String], train: [(label: Int, images: [FoundImage])],
        test: [(label: Int, images: [FoundImage])], recognition: String, _ scanner: FolderScanner
    ) -> Dataset {
        func samples(_ part: [(label: Int, images: [FoundImage])]) -> [Sample] {
            part.flatMap { label, images in images.map { Sample(path: $0.path, label: label) } }
        }
        var dataset = Dataset(
            kind: kind, root: scanner.root, classNames: classNames, train: samples(train), test: samples(test),
            trainByteCounts: train.flatMap { $0.images.map(\.byteCount) },
            testByteCounts: test.flatMap { $0.images.map(\.byteCount) }, notes: scanner.notes)
        dataset.recognition = recognition
        return dataset
    }
}
