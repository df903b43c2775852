import PrintableText
import SystemPackage

/// Why a folder is not a data set that can be used.
public enum DatasetError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The root is not there.
    case missingRoot(path: FilePath)
    /// The root is a file.
    case rootIsNotAFolder(path: FilePath)
    /// The system refused to list a folder or look at a file.
    case unreadable(path: FilePath, reason: String)
    /// A name that is not UTF-8; it cannot be stored in a cache or checkpoint.
    case nameIsNotText(folder: FilePath, name: String)
    /// No class folders where they were expected; `seen` is what is there instead.
    case noClasses(path: FilePath, seen: String? = nil)
    /// One class alone: nothing can be told apart.
    case singleClass(name: String, root: FilePath)
    /// Folders that were to be classes, and look like the parts of a data set.
    case looksLikeSplits(folder: FilePath, names: [String], advice: String)
    /// Names that are the same text with another encoding of its accents.
    case namesDifferByNormalisation(name: String, first: FilePath, second: FilePath)
    /// Shards that cannot be read in place.
    case compressedShards(first: FilePath, count: Int)
    /// A `train` folder, and nothing to test on.
    case missingTestFolder(root: FilePath)
    /// A class folder without a single image; `seen` is what is there instead.
    case emptyClass(path: FilePath, seen: String? = nil)
    /// A folder of images, whatever they are, without any.
    case noImages(path: FilePath)
    /// A class that is tested but not trained.
    case classWithoutTraining(name: String, testFolder: FilePath, trainFolder: FilePath)
    /// Too few images in a class to split it.
    case tooFewImages(className: String, count: Int, root: FilePath)
    /// A file or folder of a known layout that is not there; `archive` is where it comes from.
    case missingFile(name: String, folders: [FilePath], archive: String, dataset: String)
    /// A list of test images without their classes.
    case missingTestLabels(list: FilePath, name: String, folders: [FilePath], dataset: String)
    /// Images that a list names and that are not there; `hint` is a sentence about where they might be.
    case missingImages(
        first: FilePath, count: Int, total: Int, list: FilePath, archive: String?, hint: String? = nil)
    /// An annotation, list or archive that is not what it should be; `place` is where in it.
    case malformed(path: FilePath, place: String?, reason: String)
    /// A list without an image to train on.
    case noTrainingImages(list: FilePath)
    /// A list with a class that is tested but not trained.
    case classOnlyTested(name: String, list: FilePath)
    /// A crop to boxes of a data set that has none.
    case noBoxes(kind: String)
    /// The box that an image is to be cropped to lies outside of it.
    case boxOutside(image: FilePath, width: Int, height: Int)
    /// An image to be cropped to its box has none.
    case noBox(image: FilePath)
    /// A share of test images that is not between 0 and 1.
    case invalidTestFraction(Double)

    /// The exit code (sysexits) of a program that ends with this error.
    public var exitCode: Int32 {
        switch self {
        case .missingRoot, .rootIsNotAFolder, .missingFile, .missingTestLabels, .missingImages, .noImages: 66
        case .unreadable: 74
        case .invalidTestFraction, .noBoxes: 78
        case .nameIsNotText, .noClasses, .singleClass, .looksLikeSplits, .namesDifferByNormalisation,
            .compressedShards, .missingTestFolder, .emptyClass, .classWithoutTraining, .tooFewImages,
            .noBox, .boxOutside, .malformed, .noTrainingImages, .classOnlyTested:
            65
        }
    }

    /// The message. What it names comes from disks, archives and lists, and is made fit for a terminal.
    public var description: String { sentences.printable }

    private var sentences: String {
        switch self {
        case .missingRoot(let path):
            "The data set folder \(path) does not exist. Check the path."
        case .rootIsNotAFolder(let path):
            "\(path) is not a folder, expected a data set folder. An archive must be unpacked first."
        case .unreadable(let path, let reason):
            "\(path) cannot be read: \(reason). Check its permissions and the disk."
        case .nameIsNotText(let folder, let name):
            "\(folder) contains a name that is not UTF-8 (\"\(name)\"). Rename it."
        case .noClasses(let path, let seen):
            "\(path) contains no class folders\(seen.map { ", but \($0)" } ?? ""), expected one folder of images for each class, "
                + "or the folders train and test (or val, valid) with these inside. If it is a class itself, give the folder "
                + "around it."
        case .singleClass(let name, let root):
            "The data set in \(root) has one class alone, \"\(name)\", so that nothing can be told apart. Expected at least two: "
                + "if the classes are folders somewhere else, give the folder around them as dataset.root."
        case .looksLikeSplits(let folder, let names, let advice):
            "The folders \(DatasetLayout.list(names.map { "\($0)/" })) in \(folder) look like the parts of a data set, not like "
                + "classes. \(advice)."
        case .namesDifferByNormalisation(let name, let first, let second):
            "\"\(name)\" is written in two ways, in \(first) and in \(second): the names differ only in how Unicode writes their "
                + "accents (macOS and other systems do it differently). Rename one like the other."
        case .compressedShards(let first, let count):
            "\(first)\(count > 1 ? " and \(count - 1) more are" : " is") compressed, and shards are read in place, which needs "
                + "plain .tar files. Unpack with gunzip: images hardly get smaller by it."
        case .missingTestFolder(let root):
            "\(root) has a train folder but no test, val or valid folder with classes in it. Add one, or give the train "
                + "folder itself as dataset.root to have it split."
        case .emptyClass(let path, let seen):
            "The class folder \(path) contains no image\(seen.map { ", but \($0)" } ?? ""). Add images (or convert these, if they "
                + "are some) or remove the folder."
        case .noImages(let path):
            "There is no image in \(path) or the folders below it. Give the path of another folder, or of image files."
        case .classWithoutTraining(let name, let testFolder, let trainFolder):
            "The class \"\(name)\" of \(testFolder) is missing in \(trainFolder). Both need the same class folders: add it "
                + "there or remove it here."
        case .tooFewImages(let className, let count, let root):
            "The class \"\(className)\" in \(root) has \(count) image\(count == 1 ? "" : "s"), expected at least 2, one to "
                + "train and one to test. Add images, or make train and test folders."
        case .missingFile(let name, let folders, let archive, let dataset):
            "\(dataset) needs \(name), which is not in \(Self.list(folders)). It comes from \(archive): fetch and unpack that "
                + "there, or correct dataset.root."
        case .missingTestLabels(let list, let name, let folders, let dataset):
            "\(list) lists the test images of \(dataset) without their classes. Put \(name), a download of its own, into "
                + "\(Self.list(folders)), or set dataset.split to validation to test on a share of the training images."
        case .missingImages(let first, let count, let total, let list, let archive, let hint):
            "\(count) of the \(total) images that \(list) lists are not there, the first is \(first). "
                + (hint.map { "\($0) " } ?? "")
                + (archive.map { "They come from \($0): fetch it and unpack it again." }
                    ?? "Correct the list or the paths.")
        case .malformed(let path, let place, let reason):
            "\(path)\(place.map { ", \($0)" } ?? ""): \(reason). Fetch or write the file again."
        case .noTrainingImages(let list):
            "\(list) has no image to train on. Check that it is the list you mean."
        case .classOnlyTested(let name, let list):
            "\(list) has test images of the class \"\(name)\", which has no training image. Add some, or remove the class."
        case .noBoxes(let kind):
            "dataset.crop is box, but \(kind) has no bounding boxes. Leave dataset.crop out to use whole images."
        case .boxOutside(let image, let width, let height):
            "The bounding box of \(image) lies outside of its \(width) x \(height) pixels. Correct the annotation, or leave "
                + "dataset.crop out to use whole images."
        case .noBox(let image):
            "\(image) has no bounding box to crop it to. Leave dataset.crop out to use whole images, or add its annotation."
        case .invalidTestFraction(let fraction):
            "The test fraction is \(fraction), expected a number between 0 and 1."
        }
    }

    /// "A, B or C", without what is there twice.
    private static func list(_ folders: [FilePath]) -> String {
        var names: [String] = []
        for folder in folders where !names.contains(folder.string) { names.append(folder.string) }
        guard let last = names.last, names.count > 1 else { return names.first ?? "" }
        return names.dropLast().joined(separator: ", ") + " or " + last
    }
}
