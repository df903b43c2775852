import SystemPackage
import Tensors

/// Data sets listed in a file of comma-separated values (RFC 4180; semicolons or tabs will do):
///
///     path,label,split                  split may be left out; also x,y,width,height for a box
///     photos/1.jpg,crow,train
///     photos/2.jpg,"wren, winter",test
///
/// The root is the file, or a folder with a manifest.csv, or with Hugging Face's metadata.csv (also one in each of train/ and
/// test/) where its folders are no class folders. `ListColumns` says what columns may be called.
///
/// Paths start from the file's folder; those that lead elsewhere, absolute or with "..", need `DatasetOptions.outsidePaths`. A
/// label is a class name; if all labels are integers the classes are in the order of the numbers, else in the order of code
/// points. The split is train or test, or another of the words in `trainValues` and `testValues`; without a column for it
/// classes are split as class folders are.
enum CSVManifest {
    private static let fileName = "manifest.csv"
    private static let metadataName = "metadata.csv"
    private static let trainValues = ["train", "training"]
    /// The values of split for test images, best first.
    private static let testValues = ["test", "testing", "eval", "evaluation", "val", "valid", "validation", "dev"]

    /// Whether a file's name is that of a list.
    static func isList(_ path: FilePath) -> Bool { ["csv", "tsv"].contains(path.extension?.lowercased() ?? "") }

    /// What says that the data set is at `root`; nil if nothing does.
    static func evidence(_ root: FilePath) throws -> String? {
        if let found = DatasetLayout.found([fileName], in: root) { return found }
        let lists = metadataLists(root)
        return lists.isEmpty ? nil : DatasetLayout.found(lists.map(\.list), in: root)
    }

    /// A list in the data set.
    private struct Part {
        /// From the root.
        let list: String
        /// The split of all its rows; nil where its own column says it.
        let split: String?
    }

    /// The lists called metadata.csv that say files and labels, in a root that is not one of class folders.
    private static func metadataLists(_ root: FilePath) -> [Part] {
        func fits(_ list: String) -> Bool {
            let path = root.pushing(FilePath(list))
            guard LayoutFiles.exists(path), let table = try? table(path) else { return false }
            return ListColumns(table.columns) != nil
        }
        guard !ClassFolders.areLikely(in: root) else { return [] }
        if fits(metadataName) { return [Part(list: metadataName, split: nil)] }
        var scanner = FolderScanner(root: root)
        guard let top = try? scanner.list(FilePath()) else { return [] }
        var parts: [SplitName.Role: String] = [:]
        for name in top.folders {
            guard let split = SplitName(name), split.certainty < .hinted, parts[split.role] == nil,
                fits("\(name)/\(metadataName)")
            else { continue }
            parts[split.role] = name
        }
        guard let train = parts[.train], let test = parts[.test] ?? parts[.validation] else { return [] }
        return [
            Part(list: "\(train)/\(metadataName)", split: "train"),
            Part(list: "\(test)/\(metadataName)", split: "test"),
        ]
    }

    private static func table(_ path: FilePath) throws -> CommaSeparatedValues {
        try CommaSeparatedValues(path, delimiters: CommaSeparatedValues.usualDelimiters) { ListColumns($0) != nil }
    }

    private struct Row {
        let path: String
        let label: String
        let split: String
        let box: BoundingBox?
    }

    /// The data set at `root`.
    /// - Throws: `DatasetError`.
    static func load(root: FilePath, options: DatasetOptions, team: WorkerTeam) throws -> Dataset {
        let isFile = try FileStatus(of: root).kind == .file
        var parts = isFile ? [Part(list: root.lastComponent!.string, split: nil)] : []
        let parent = isFile ? root.removingLastComponent() : root
        let folder: FilePath = parent.isEmpty ? "." : parent
        if !isFile {
            parts = LayoutFiles.exists(root.appending(fileName)) ? [] : metadataLists(root)
            if parts.isEmpty {
                _ = try LayoutFiles(kind: .csv).require(fileName, in: [root], archive: "whoever made the data set")
                parts = [Part(list: fileName, split: nil)]
            }
        }
        var (rows, notes): ([Row], [String]) = ([], [])
        var (hasSplit, hasBoxes) = (true, false)
        for part in parts {
            let table = try table(folder.pushing(FilePath(part.list)))
            let columns = try columns(of: table)
            if let note = columns.note, !notes.contains(note) { notes.append(note) }
            hasSplit = hasSplit && (columns.split != nil || part.split != nil)
            hasBoxes = hasBoxes || !columns.box.isEmpty
            let paths = ListPaths(root: folder, list: part.list, allowsOutside: options.outsidePaths)
            rows += try self.rows(of: table, columns, split: part.split, paths)
        }
        let list = folder.pushing(FilePath(parts[0].list))
        if options.crop != nil, !hasBoxes { throw DatasetError.noBoxes(kind: DatasetKind.csv.title) }
        let classNames = ClassNames.sorted(Set(rows.map(\.label)))
        var labels: [String: Int] = [:]
        for (label, name) in classNames.enumerated() { labels[name] = label }
        let samples = rows.map { Sample(path: $0.path, label: labels[$0.label]!, boxes: $0.box.map { [$0] }) }
        let isTest: [Bool?] =
            try hasSplit
            ? splits(of: rows, list, &notes) : ClassSplit.isTest(samples, classNames: classNames, options, list)
        var dataset = try Dataset.listed(
            .csv, root: folder, classNames: classNames,
            train: samples.indices.filter { isTest[$0] == false }.map { samples[$0] },
            test: samples.indices.filter { isTest[$0] == true }.map { samples[$0] }, options: options, list: list,
            archive: nil, notes: notes, team: team)
        dataset.hasOwnSplit = hasSplit
        return dataset
    }

    private static func columns(of table: CommaSeparatedValues) throws -> ListColumns {
        guard let columns = ListColumns(table.columns) else {
            throw DatasetError.malformed(
                path: table.path, place: "line 1",
                reason: "it names no columns path and label (\(ListColumns.known) are known), but "
                    + DatasetLayout.list(table.columns.prefix(20).map { "\"\($0)\"" }))
        }
        guard columns.box.isEmpty || columns.box.count == 4 else {
            throw DatasetError.malformed(
                path: table.path, place: "line 1", reason: "a box needs all of the columns x, y, width and height")
        }
        return columns
    }

    private static func rows(
        of table: CommaSeparatedValues, _ columns: ListColumns, split: String?, _ paths: ListPaths
    ) throws -> [Row] {
        var rows: [Row] = []
        var seen: Set<String> = []
        try table.forEachRow { line, fields in
            func failure(_ reason: String) -> DatasetError {
                .malformed(path: table.path, place: "line \(line)", reason: reason)
            }
            let path: String
            switch paths.name(of: fields[columns.path]) {
            case .success(let name): path = name
            case .failure(let problem): throw failure(problem.reason)
            }
            guard seen.insert(path).inserted else { throw failure("the image \(path) is listed twice") }
            let label = fields[columns.label]
            guard !label.isEmpty, !label.utf8.contains(0) else { throw failure("the label is empty") }
            var value = split ?? columns.split.map { fields[$0] } ?? ""
            if split == nil, columns.split != nil {
                let word = value.lowercased()
                guard trainValues.contains(word) || testValues.contains(word) else {
                    throw failure(
                        "the split is \"\(value)\", expected train or test (or val, valid, validation, dev, eval)")
                }
                value = trainValues.contains(word) ? trainValues[0] : word
            }
            rows.append(
                Row(path: path, label: label, split: value, box: try box(table, columns, fields, failure: failure)))
        }
        return rows
    }

    private static func box(
        _ table: CommaSeparatedValues, _ columns: ListColumns, _ fields: [String],
        failure: (String) -> DatasetError
    ) throws -> BoundingBox? {
        guard !columns.box.isEmpty, !columns.box.allSatisfy({ fields[$0].isEmpty }) else { return nil }
        let numbers = try columns.box.map { place in
            guard let number = Double(fields[place]) else {
                throw failure("the \(table.columns[place]) is \"\(fields[place])\", not a number")
            }
            return number
        }
        let box = BoundingBox(x: numbers[0], y: numbers[1], width: numbers[2], height: numbers[3])
        if let problem = box.problem { throw failure("the box cannot be: \(problem)") }
        return box
    }

    /// Whether each row is a test image; nil for those that are not used.
    private static func splits(of rows: [Row], _ list: FilePath, _ notes: inout [String]) throws -> [Bool?] {
        let found = Set(rows.map(\.split))
        guard let test = testValues.first(where: found.contains) else {
            throw DatasetError.malformed(
                path: list, place: nil,
                reason: "no row has the split test (or val, valid); leave the column out to have the images split")
        }
        for other in testValues where other != test && found.contains(other) {
            notes.append("The rows with the split \(other) are not used: the data set is train and \(test).")
        }
        return rows.map { $0.split == "train" ? false : $0.split == test ? true : nil }
    }
}

/// What the images of a list are called in the data set.
struct ListPaths {
    /// The data set's root.
    let root: FilePath
    /// The list's folder from the root, with "/" behind it; nothing if they are the same.
    private let prefix: String
    private let allowsOutside: Bool
    /// The root, absolute: as it is called, and with links resolved.
    private let absoluteRoots: [FilePath]

    struct Problem: Error {
        let reason: String
    }

    init(root: FilePath, list: String, allowsOutside: Bool) {
        self.root = root
        self.allowsOutside = allowsOutside
        prefix = list.lastIndex(of: "/").map { String(list[...$0]) } ?? ""
        absoluteRoots = AbsolutePath.spellings(of: root)
    }

    /// The name of the image that a list writes as `path`: its path from the root if it is below it, else the absolute path.
    func name(of path: String) -> Result<String, Problem> {
        var path = path[...]
        while path.hasPrefix("./") { path = path.dropFirst(2) }
        if SafePath.isSafe(path) { return .success(prefix + slashes(in: path)) }
        guard !path.isEmpty, path.utf8.count <= SafePath.byteLimit, !path.utf8.contains(0) else {
            return .failure(Problem(reason: "\"\(path)\" is no path of an image"))
        }
        let base = absoluteRoots[0].pushing(FilePath(prefix))
        let absolute = base.pushing(FilePath(String(path))).lexicallyNormalized()
        for root in absoluteRoots where absolute != root && absolute.starts(with: root) {
            var rest = absolute
            if rest.removePrefix(root), SafePath.isSafe(rest.string) { return .success(rest.string) }
        }
        guard allowsOutside else {
            return .failure(
                Problem(
                    reason:
                        "\"\(path)\" is no path below the folder of the manifest; if that is meant, set dataset.outside_paths "
                        + "to true"))
        }
        return .success(absolute.string)
    }

    /// A path with "/" between folders, where it was written on Windows and there is no file that is called so.
    private func slashes(in path: Substring) -> String {
        guard path.utf8.contains(UInt8(ascii: "\\")) else { return String(path) }
        let other = String(path.map { $0 == "\\" ? "/" : $0 })
        guard SafePath.isSafe(other), !LayoutFiles.exists(root.pushing(FilePath(prefix + path))) else {
            return String(path)
        }
        return other
    }
}

/// The order of classes that are named by labels.
enum ClassNames {
    /// By number if all are integers, else by code point.
    static func sorted(_ names: Set<String>) -> [String] {
        let numbers = names.compactMap { Int($0) }
        // Different spellings of a number are different names, so that the numbers alone give no order.
        if numbers.count == names.count && Set(numbers).count == names.count {
            return names.sorted { Int($0)! < Int($1)! }
        }
        return names.sorted { $0.precedesByCodePoint($1) }
    }
}

extension ClassSplit {
    /// Whether each of `samples` is a test image, in a data set without a split; see `testIndices`.
    /// - Throws: `DatasetError.tooFewImages`.
    static func isTest(
        _ samples: [Sample], classNames: [String], _ options: DatasetOptions, _ root: FilePath
    ) throws -> [Bool?] {
        var members = [[Int]](repeating: [], count: classNames.count)
        for index in samples.indices { members[samples[index].label].append(index) }
        var isTest = [Bool?](repeating: false, count: samples.count)
        for (label, indices) in members.enumerated() where !indices.isEmpty {
            guard indices.count >= 2 else {
                throw DatasetError.tooFewImages(className: classNames[label], count: indices.count, root: root)
            }
            let sorted = indices.sorted { samples[$0].path.precedesByCodePoint(samples[$1].path) }
            let tested = testIndices(
                count: sorted.count, testFraction: options.testFraction, label: label, seed: options.splitSeed)
            for place in tested { isTest[sorted[place]] = true }
        }
        return isTest
    }
}
