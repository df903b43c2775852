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
    /// No class folders where they were expected.
    case noClasses(path: FilePath)
    /// A `train` folder, and nothing to test on.
    case missingTestFolder(root: FilePath)
    /// A class folder without a single image.
    case emptyClass(path: FilePath)
    /// A class that is tested but not trained.
    case classWithoutTraining(name: String, testFolder: FilePath, trainFolder: FilePath)
    /// Too few images in a class to split it.
    case tooFewImages(className: String, count: Int, root: FilePath)
    /// A share of test images that is not between 0 and 1.
    case invalidTestFraction(Double)

    /// The exit code (sysexits) of a program that ends with this error.
    public var exitCode: Int32 {
        switch self {
        case .missingRoot, .rootIsNotAFolder: 66
        case .unreadable: 74
        case .invalidTestFraction: 78
        case .nameIsNotText, .noClasses, .missingTestFolder, .emptyClass, .classWithoutTraining, .tooFewImages: 65
        }
    }

    public var description: String {
        switch self {
        case .missingRoot(let path):
            "The data set folder \(path) does not exist. Check the path."
        case .rootIsNotAFolder(let path):
            "\(path) is not a folder, expected a data set folder. An archive must be unpacked first."
        case .unreadable(let path, let reason):
            "\(path) cannot be read: \(reason). Check its permissions and the disk."
        case .nameIsNotText(let folder, let name):
            "\(folder) contains a name that is not UTF-8 (\"\(name)\"). Rename it."
        case .noClasses(let path):
            "\(path) contains no class folders, expected one folder of images for each class, or the folders train and test "
                + "(or val, valid) with these inside."
        case .missingTestFolder(let root):
            "\(root) has a train folder but no test, val or valid folder with classes in it. Add one, or give the train "
                + "folder itself as the root to have it split."
        case .emptyClass(let path):
            "The class folder \(path) contains no image. Add images or remove the folder."
        case .classWithoutTraining(let name, let testFolder, let trainFolder):
            "The class \"\(name)\" of \(testFolder) is missing in \(trainFolder). Both need the same class folders: add it "
                + "there or remove it here."
        case .tooFewImages(let className, let count, let root):
            "The class \"\(className)\" in \(root) has \(count) image\(count == 1 ? "" : "s"), expected at least 2, one to "
                + "train and one to test. Add images, or make train and test folders."
        case .invalidTestFraction(let fraction):
            "The test fraction is \(fraction), expected a number between 0 and 1."
        }
    }
}
