import SystemPackage

/// Folders that were taken for classes and look like something else.
enum FolderDoubts {
    /// Up to so many folders with the same folders in them are more likely parts of a data set than classes.
    static let partLimit = 12

    /// Refuses class folders whose own folders have equal names, as the parts of a data set have them (or the other way
    /// round: classes with train and test in each). A few files of the same folder name in many classes, as "images" in
    /// all classes of Tiny ImageNet, say nothing.
    /// - Throws: `DatasetError.looksLikeSplits`.
    static func check(
        _ classes: [(name: String, contents: FolderContents)], in folder: FilePath, _ scanner: inout FolderScanner
    ) throws {
        guard classes.count > 1 else { return }
        let place = scanner.root.pushing(folder)
        // Classes that are divided themselves.
        let divided = classes.filter { found in
            let roles = found.contents.folders.compactMap { SplitName($0) }.filter { $0.certainty < .hinted }
            return found.contents.ownImageCount == 0 && Set(roles.map(\.role)).count > 1
        }
        if divided.count * 2 > classes.count {
            throw DatasetError.looksLikeSplits(
                folder: place, names: divided.prefix(3).map(\.name),
                advice:
                    "Each of them has \(DatasetLayout.list(divided[0].contents.folders.prefix(3).map { "\($0)/" })) in it: "
                    + "make folders train and test with the classes below each, or list the images in a CSV file")
        }
        var holders: [String: [Int]] = [:]
        for (index, found) in classes.enumerated() where found.contents.ownImageCount == 0 {
            var names = found.contents.folders
            if names.count == 1, classes.count <= partLimit {
                let path = folder.appending(found.name)
                names = try scanner.list(LoneFolder.classesFolder(of: path, &scanner)).folders
            }
            for name in names { holders[name, default: []].append(index) }
        }
        let shared = holders.filter { $0.value.count > 1 }
        guard shared.count > 1 else { return }
        let members = Set(shared.values.joined()).sorted()
        let names = shared.keys.sorted { $0.precedesByCodePoint($1) }
        let examples = DatasetLayout.list(names.prefix(3).map { "\($0)/" })
        guard classes.count > partLimit else {
            throw DatasetError.looksLikeSplits(
                folder: place, names: members.prefix(4).map { classes[$0].name },
                advice:
                    "They have \(examples) in common, so these may be the classes: call the folders train and test, give "
                    + "one of them (\(place.appending(classes[members[0]].name))) as dataset.root to have it split by class, "
                    + "or list the images in a CSV file")
        }
        scanner.note(
            "\(members.count) class folders have folders of the same names in them, such as \(examples): all images below a "
                + "class folder are of that class.")
    }
}
