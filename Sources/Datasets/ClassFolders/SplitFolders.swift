import SystemPackage

/// The folders of a root that hold training and test images.
struct SplitFolders: Equatable {
    /// One, or the pieces of one: train.X1, train.X2...
    let train: [String]
    let test: String

    /// The folders that `top`, the root's contents, is divided into; nil if its folders are classes.
    ///
    /// `train` beside `test`, `val` or `valid` (the first of them with class folders) always wins; other words count where these
    /// are not there. Of several folders for the same part the one with the surest and shortest name is taken.
    /// - Throws: `DatasetError` for folders that are parts of a data set which cannot be told.
    static func find(in top: FolderListing, _ scanner: inout FolderScanner) throws -> SplitFolders? {
        let candidates = ClassFolders.testFolderNames.filter(top.folders.contains)
        if top.folders.contains("train") {
            for name in candidates {
                guard try !scanner.list(FilePath(name)).folders.isEmpty else {
                    scanner.note("\(name)/ has no class folders and is not used.")
                    continue
                }
                let train = try Set(classNames(of: "train", &scanner))
                guard try name == candidates.last || !train.isDisjoint(with: classNames(of: name, &scanner)) else {
                    scanner.note("\(name)/ has none of the classes of train/ and is not used.")
                    continue
                }
                return SplitFolders(train: ["train"], test: name)
            }
        }
        if let found = try byWords(top, &scanner) { return found }
        if top.folders.contains("train") {
            // A class may be called "train"; alone, or with folders for classes in it, it is half of a data set.
            guard candidates.isEmpty, top.folders.count > 1, try !holdsClasses("train", &scanner) else {
                throw DatasetError.missingTestFolder(root: scanner.root)
            }
        }
        return nil
    }

    private struct Part {
        let name: String
        let split: SplitName
    }

    private static func byWords(_ top: FolderListing, _ scanner: inout FolderScanner) throws -> SplitFolders? {
        var parts: [Part] = []
        for name in top.folders {
            guard let split = SplitName(name), try holdsClassFolders(name, &scanner) else { continue }
            parts.append(Part(name: name, split: split))
        }
        let sure = parts.filter { $0.split.certainty < .hinted }
        if let found = choose(sure) { return found }
        let sureRoles = Set(sure.map(\.split.role))
        if sureRoles.count > 1 || (sureRoles == [.train] && parts.count == top.folders.count) {
            // Parts of a data set without those to train on, or without those to test on.
            guard sureRoles.contains(.train) else {
                throw DatasetError.looksLikeSplits(
                    folder: scanner.root, names: sure.map(\.name),
                    advice: "There is no folder of training images beside them: add it as train/")
            }
            throw DatasetError.missingTestFolder(root: scanner.root)
        }
        // All folders are parts by their names, and there are no classes in them.
        let roles = top.folders.map { SplitName($0).flatMap { $0.certainty < .hinted ? $0.role : nil } }
        if !roles.contains(nil), Set(roles).count > 1, sure.isEmpty {
            throw DatasetError.looksLikeSplits(
                folder: scanner.root, names: top.folders,
                advice:
                    "They hold no class folders: expected a folder of images for each class in each of them. A CSV list can "
                    + "say the classes of images that are not in folders")
        }
        // Names such as seg_train may be classes: the folders must hold the same classes.
        guard let found = choose(parts) else { return nil }
        let test = Set(try classNames(of: found.test, &scanner))
        let train = Set(try found.train.flatMap { try classNames(of: $0, &scanner) })
        return !test.isEmpty && test.isSubset(of: train) ? found : nil
    }

    private static func choose(_ parts: [Part]) -> SplitFolders? {
        func best(_ role: SplitName.Role) -> Part? {
            parts.filter { $0.split.role == role }.min { first, second in
                (first.split.certainty.rawValue, first.split.stem.utf8.count, first.name.utf8.count)
                    < (second.split.certainty.rawValue, second.split.stem.utf8.count, second.name.utf8.count)
            }
        }
        guard let train = best(.train), let test = best(.test) ?? best(.validation) else { return nil }
        // Pieces are numbered: train and train_1 are not.
        let isNumbered = train.name.last?.isNumber == true
        let pieces = parts.filter {
            $0.split == train.split && ($0.name == train.name || (isNumbered && $0.name.last?.isNumber == true))
        }
        return SplitFolders(train: pieces.map(\.name), test: test.name)
    }

    /// Whether a folder has folders in it, that is to say could hold classes.
    private static func holdsClassFolders(_ name: String, _ scanner: inout FolderScanner) throws -> Bool {
        try !scanner.list(FilePath(name)).folders.isEmpty
    }

    /// Whether a folder holds folders alone, several of them.
    private static func holdsClasses(_ name: String, _ scanner: inout FolderScanner) throws -> Bool {
        let listing = try scanner.list(FilePath(name))
        return listing.folders.count > 1 && listing.imageCount == 0
    }

    private static func classNames(of name: String, _ scanner: inout FolderScanner) throws -> [String] {
        try scanner.list(LoneFolder.classesFolder(of: FilePath(name), &scanner)).folders
    }
}
