import DurableFiles
import SystemPackage

/// The images of a data set with their labels, in a fixed order. The images themselves stay on disk.
///
/// The order is part of every result: it is the same on every machine and file system.
public struct Dataset: Sendable {
    /// The reader that found it, as the configuration's `dataset.kind` names it.
    public let kind: String
    /// The folder that the samples' paths start from.
    public let root: FilePath
    /// Names of the classes by label.
    public let classNames: [String]
    public let train: [Sample]
    public let test: [Sample]
    /// Changes when a class, a path, a label, the size of a file or the order changes; see `fingerprint(of:)`.
    public let fingerprint: ContentDigest
    /// What was found and passed over, in sentences for the user.
    public let notes: [String]

    /// A data set whose files are looked at for their sizes, which the fingerprint covers.
    ///
    /// - Throws: `DurableFileError` if a file is not there.
    public init(
        kind: String, root: FilePath, classNames: [String], train: [Sample], test: [Sample], notes: [String] = []
    ) throws {
        let byteCounts = try Split.allCases.map { split in
            try (split == .train ? train : test).map { try DurableFile.byteCount(of: root.pushing(FilePath($0.path))) }
        }
        self.init(
            kind: kind, root: root, classNames: classNames, train: train, test: test, trainByteCounts: byteCounts[0],
            testByteCounts: byteCounts[1], notes: notes)
    }

    /// A data set whose file sizes are known: one for each sample.
    init(
        kind: String, root: FilePath, classNames: [String], train: [Sample], test: [Sample], trainByteCounts: [Int],
        testByteCounts: [Int], notes: [String]
    ) {
        precondition(
            (train + test).allSatisfy { classNames.indices.contains($0.label) },
            "labels are indices into the \(classNames.count) class names")
        self.kind = kind
        self.root = root
        self.classNames = classNames
        self.train = train
        self.test = test
        self.notes = notes
        fingerprint = Self.fingerprint(
            classNames: classNames, parts: [(.train, train, trainByteCounts), (.test, test, testByteCounts)])
    }

    /// The samples of one part, in order.
    public func samples(_ split: Split) -> [Sample] {
        switch split {
        case .train: train
        case .test: test
        }
    }

    /// The file of a sample.
    public func path(of sample: Sample) -> FilePath {
        root.pushing(FilePath(sample.path))
    }
}
