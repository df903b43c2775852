import DurableFiles
import PrintableText
import SystemPackage

/// The images of a data set with their labels, in a fixed order. The images themselves stay on disk.
///
/// The order is part of every result: it is the same on every machine and file system.
public struct Dataset: Sendable {
    /// The reader that found it, as the configuration's `dataset.kind` names it.
    public internal(set) var kind: String
    /// The folder that the samples' paths start from.
    public let root: FilePath
    /// Names of the classes by label, in the data set's official order where it has one.
    public let classNames: [String]
    /// Names of the parts that samples have places of, in their order; empty for data sets without parts.
    public let partNames: [String]
    /// What part of each image is used; nil for all of it.
    public let crop: DatasetCrop?
    public let train: [Sample]
    public let test: [Sample]
    /// Changes when a class, a path, a label, the size of a file or the order changes; see `fingerprint(of:)`.
    public private(set) var fingerprint: ContentDigest
    /// Of the part dataset; others are easy.
    public private(set) var level = PartDataset.Level.easy
    /// What was found and passed over, in sentences for the user.
    public internal(set) var notes: [String]
    /// Whether the data set says itself which of its images are for testing; else they were drawn class by class.
    public internal(set) var hasOwnSplit = true
    /// Which layout it is and what that was recognised by; empty for a data set that was put together otherwise.
    public internal(set) var recognition = ""
    /// What people call the classes, by label; their names where there is nothing better. Not part of the fingerprint.
    public internal(set) var classTitles: [String]
    /// Title and name of each class where they differ, such as "tench, Tinca tinca (n01440764)": for people, and no two alike.
    public var displayNames: [String] {
        zip(classTitles, classNames).map { title, name in title == name ? name : "\(title) (\(name))" }
    }
    /// What the samples' files go away with; nil where they are the user's own.
    var unpackedFiles: UnpackedFiles?
    /// Annotations that are read when boxes are asked for.
    let boxFiles: BoxFiles?
    /// Sizes of the image files, those of training images first.
    let byteCounts: [Int]

    /// A data set whose files are looked at for their sizes, which the fingerprint covers.
    ///
    /// - Throws: `DurableFileError` if a file is not there.
    public init(
        kind: String, root: FilePath, classNames: [String], train: [Sample], test: [Sample], partNames: [String] = [],
        crop: DatasetCrop? = nil, notes: [String] = []
    ) throws {
        let byteCounts = try Split.allCases.map { split in
            try (split == .train ? train : test).map { sample in
                if let byteCount = sample.source.byteCount { return byteCount }
                return try DurableFile.byteCount(of: Self.file(of: sample, below: root))
            }
        }
        self.init(
            kind: kind, root: root, classNames: classNames, train: train, test: test, trainByteCounts: byteCounts[0],
            testByteCounts: byteCounts[1], partNames: partNames, crop: crop, notes: notes)
    }

    /// A data set whose file sizes are known: one for each sample.
    init(
        kind: String, root: FilePath, classNames: [String], train: [Sample], test: [Sample], trainByteCounts: [Int],
        testByteCounts: [Int], partNames: [String] = [], crop: DatasetCrop? = nil, boxFiles: BoxFiles? = nil,
        notes: [String]
    ) {
        precondition(
            (train + test).allSatisfy { classNames.indices.contains($0.label) },
            "labels are indices into the \(classNames.count) class names")
        self.kind = kind
        self.root = root
        self.classNames = classNames
        self.train = train
        self.test = test
        self.partNames = partNames
        self.boxFiles = boxFiles
        classTitles = classNames
        byteCounts = trainByteCounts + testByteCounts
        self.crop = crop
        self.notes = notes.map(\.printable)
        fingerprint = Self.fingerprint(
            classNames: classNames, parts: [(.train, train, trainByteCounts), (.test, test, testByteCounts)], crop: crop
        )
    }

    /// Says at which level the part dataset is drawn. A folder of another level is another data set, whatever its files are called.
    mutating func setLevel(_ level: PartDataset.Level) {
        self.level = level
        fingerprint = Self.fingerprint(
            classNames: classNames,
            parts: [
                (.train, train, Array(byteCounts[..<train.count])), (.test, test, Array(byteCounts[train.count...])),
            ], crop: crop, level: level)
    }

    /// The samples of one part, in order.
    public func samples(_ split: Split) -> [Sample] {
        switch split {
        case .train: train
        case .test: test
        }
    }

    /// Number of all samples.
    public var count: Int { train.count + test.count }

    /// A sample by its number among all: those for training come first. Caches number samples in this way.
    public subscript(index: Int) -> Sample {
        index < train.count ? train[index] : test[index - train.count]
    }
}
