import SystemPackage

/// Reads data sets that are kept as one folder of images for each class.
///
/// Two layouts are told apart by looking:
///
///     root/train/CLASS/**  and  root/test/CLASS/**  (or val, or valid)
///     root/CLASS/**                                 split by class, see `ClassSplit`
///
/// Classes and files come in the order in which torchvision's `ImageFolder` (and any Python program that sorts strings)
/// has them, by Unicode code point, so labels agree with those of published classifiers. Images are told by extension,
/// torchvision's list in any case; names that start with a dot are passed over; symbolic links are followed.
public enum ClassFolders {
    /// The value of the configuration's `dataset.kind`.
    public static let kind = "class_folders"

    /// Folder names of the test images, best first.
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
        if top.folders.contains("train") {
            let candidates = testFolderNames.filter(top.folders.contains)
            for name in candidates {
                guard try !scanner.list(FilePath(name)).folders.isEmpty else {
                    scanner.note("\(name)/ has no class folders and is not used.")
                    continue
                }
                return try loadSplit(testFolder: name, top: top, &scanner)
            }
            // A class may be called "train"; alone it is half of a data set.
            guard candidates.isEmpty && top.folders.count > 1 else { throw DatasetError.missingTestFolder(root: root) }
        }
        return try loadUnsplit(top: top, testFraction: testFraction, seed: seed, &scanner)
    }

    // MARK: - Layouts

    private static func loadSplit(
        testFolder: String, top: FolderListing, _ scanner: inout FolderScanner
    ) throws -> Dataset {
        for name in top.folders where name != "train" && name != testFolder {
            scanner.note("\(name)/ is not used: the data set is train/ and \(testFolder)/.")
        }
        noteStrayImages(in: top, at: FilePath(), &scanner)
        let train = try scanClasses(in: FilePath("train"), &scanner)
        let test = try scanClasses(in: FilePath(testFolder), &scanner)
        // Names are told apart by their bytes: to Swift, two spellings of an accent are the same string.
        let labels = Dictionary(uniqueKeysWithValues: train.enumerated().map { (Array($1.name.utf8), $0) })
        for found in test where labels[Array(found.name.utf8)] == nil {
            throw DatasetError.classWithoutTraining(
                name: found.name, testFolder: scanner.root.appending(testFolder),
                trainFolder: scanner.root.appending("train"))
        }
        let tested = Set(test.map { Array($0.name.utf8) })
        for found in train where !tested.contains(Array(found.name.utf8)) {
            scanner.note("The class \"\(found.name)\" has training images but none in \(testFolder)/.")
        }
        return dataset(
            classNames: train.map(\.name), train: train.enumerated().map { ($0, $1.images) },
            test: test.map { (labels[Array($0.name.utf8)]!, $0.images) }, scanner)
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
        return dataset(classNames: classes.map(\.name), train: train, test: test, scanner)
    }

    // MARK: - Pieces

    /// The classes below a folder, sorted by name.
    private static func scanClasses(
        in folder: FilePath, _ scanner: inout FolderScanner
    ) throws -> [(name: String, images: [FoundImage])] {
        let listing = try scanner.list(folder)
        noteStrayImages(in: listing, at: folder, &scanner)
        guard !listing.folders.isEmpty else { throw DatasetError.noClasses(path: scanner.root.pushing(folder)) }
        return try listing.folders.map { name in
            let images = try scanner.images(below: folder.appending(name))
            guard !images.isEmpty else {
                throw DatasetError.emptyClass(path: scanner.root.pushing(folder).appending(name))
            }
            return (name, images)
        }
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
        test: [(label: Int, images: [FoundImage])], _ scanner: FolderScanner
    ) -> Dataset {
        func samples(_ part: [(label: Int, images: [FoundImage])]) -> [Sample] {
            part.flatMap { label, images in images.map { Sample(path: $0.path, label: label) } }
        }
        return Dataset(
            kind: kind, root: scanner.root, classNames: classNames, train: samples(train), test: samples(test),
            trainByteCounts: train.flatMap { $0.images.map(\.byteCount) },
            testByteCounts: test.flatMap { $0.images.map(\.byteCount) }, notes: scanner.notes)
    }
}
