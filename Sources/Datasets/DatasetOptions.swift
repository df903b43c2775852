import SystemPackage

/// The readers of data sets, as the configuration's `dataset.kind` names them.
public enum DatasetKind: String, CaseIterable, Sendable {
    /// The layout is recognised by its files, see `DatasetLayout.detect(_:)`.
    case auto
    case classFolders = "class_folders"
    /// The built-in data set, see `PartDataset`.
    case parts
    case imagenet
    case cub
    case cars
    case dogs
    case csv
    case webdataset
    case cifar
    case funnybirds

    /// The name people know it by.
    public var title: String {
        switch self {
        case .auto: "a data set"
        case .classFolders: "class folders"
        case .parts: "the built-in part data set"
        case .imagenet: "ImageNet (ILSVRC 2012)"
        case .cub: "CUB-200-2011"
        case .cars: "Stanford Cars"
        case .dogs: "Stanford Dogs"
        case .csv: "a CSV manifest"
        case .webdataset: "WebDataset shards"
        case .cifar: "CIFAR"
        case .funnybirds: "FunnyBirds"
        }
    }
}

/// Where test images come from.
public enum DatasetSplit: String, CaseIterable, Sendable {
    /// The data set's own split; class by class where it has none.
    case official
    /// A share of the training images, class by class, to choose settings on or where test labels are missing; the official
    /// test images are left out.
    case validation
}

/// What of a data set is used, and how.
public struct DatasetOptions: Equatable, Sendable {
    public var kind: DatasetKind
    public var split: DatasetSplit
    /// Share of each class's images to test on, in 0...1 (exclusive), where the data set has no split or is not to use it.
    public var testFraction: Double
    /// Decides which; the same seed gives the same split on every machine.
    public var splitSeed: UInt64
    /// What part of each image is used; nil for all of it.
    public var crop: DatasetCrop?
    /// File names of the shards with test images, with * for any text, where names do not say it (`webdataset`).
    public var testShards: String?
    /// Whether a list may name images that are not below its folder (`csv`). These are called by their absolute paths, so that
    /// the data set is another one when they move.
    public var outsidePaths: Bool
    /// A folder for indexes of tar archives, so that the next process need not read their headers; nil to keep none. It says
    /// nothing about the data set.
    public var indexFolder: FilePath?

    public init(
        kind: DatasetKind = .auto, split: DatasetSplit = .official, testFraction: Double = 0.25, splitSeed: UInt64 = 0,
        crop: DatasetCrop? = nil, testShards: String? = nil, outsidePaths: Bool = false,
        indexFolder: FilePath? = nil
    ) {
        self.kind = kind
        self.split = split
        self.testFraction = testFraction
        self.splitSeed = splitSeed
        self.crop = crop
        self.testShards = testShards
        self.outsidePaths = outsidePaths
        self.indexFolder = indexFolder
    }
}
