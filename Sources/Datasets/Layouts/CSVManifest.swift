import SystemPackage
import Tensors

/// Data sets listed in a file of comma-separated values (RFC 4180):
///
///     path,label,split                  split may be left out; also x,y,width,height for a box
///     photos/1.jpg,crow,train
///     photos/2.jpg,"wren, winter",test
///
/// The root is the file, or a folder with a manifest.csv. Paths start from the file's folder. A label is a class name; if all
/// labels are integers the classes are in the order of the numbers, else in the order of code points. The split is train,
/// or test (or val, valid, validation); without a column for it classes are split as class folders are.
enum CSVManifest {
    private static let fileName = "manifest.csv"
    /// The values of split for test images, best first.
    private static let testValues = ["test", "val", "valid", "validation"]

    /// What says that the data set is at `root`; nil if nothing does.
    static func evidence(_ root: FilePath) -> String? {
        DatasetLayout.found([fileName], in: root)
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
        let list =
            isFile
            ? root
            : try LayoutFiles(kind: .csv).require(fileName, in: [root], archive: "whoever made the data set")
        let parent = list.removingLastComponent()
        let table = try CommaSeparatedValues(list)
        let rows = try rows(of: table)
        if options.crop != nil, !table.columns.contains("width") {
            throw DatasetError.noBoxes(kind: DatasetKind.csv.title)
        }
        let classNames = ClassNames.sorted(Set(rows.map(\.label)))
        var labels: [String: Int] = [:]
        for (label, name) in classNames.enumerated() { labels[name] = label }
        let samples = rows.map { Sample(path: $0.path, label: labels[$0.label]!, boxes: $0.box.map { [$0] }) }
        var notes: [String] = []
        let isTest: [Bool?]
        if table.columns.contains("split") {
            isTest = try splits(of: rows, list, &notes)
        } else {
            isTest = try ClassSplit.isTest(samples, classNames: classNames, options, list)
        }
        return try Dataset.listed(
            .csv, root: parent.isEmpty ? "." : parent, classNames: classNames,
            train: samples.indices.filter { isTest[$0] == false }.map { samples[$0] },
            test: samples.indices.filter { isTest[$0] == true }.map { samples[$0] }, options: options, list: list,
            archive: nil, notes: notes, team: team)
    }

    private static func rows(of table: CommaSeparatedValues) throws -> [Row] {
        func column(_ name: String) -> Int? { table.columns.firstIndex(of: name) }
        let known = ["path", "label", "split", "x", "y", "width", "height"]
        guard let path = column("path"), let label = column("label") else {
            throw DatasetError.malformed(
                path: table.path, place: "line 1", reason: "it names no columns path and label; columns are \(known)")
        }
        let split = column("split")
        let box = ["x", "y", "width", "height"].compactMap(column)
        guard box.isEmpty || box.count == 4 else {
            throw DatasetError.malformed(
                path: table.path, place: "line 1", reason: "a box needs all of the columns x, y, width and height")
        }
        var rows: [Row] = []
        var seen: Set<String> = []
        try table.forEachRow { line, fields in
            func failure(_ reason: String) -> DatasetError {
                .malformed(path: table.path, place: "line \(line)", reason: reason)
            }
            guard SafePath.isSafe(fields[path]) else {
                throw failure("\"\(fields[path])\" is no path below the folder of the manifest")
            }
            guard seen.insert(fields[path]).inserted else { throw failure("the image \(fields[path]) is listed twice") }
            guard !fields[label].isEmpty, !fields[label].utf8.contains(0) else { throw failure("the label is empty") }
            var found: BoundingBox?
            if !box.isEmpty, !box.allSatisfy({ fields[$0].isEmpty }) {
                let numbers = try box.map { place in
                    guard let number = Double(fields[place]) else {
                        throw failure("the \(table.columns[place]) is \"\(fields[place])\", not a number")
                    }
                    return number
                }
                found = BoundingBox(x: numbers[0], y: numbers[1], width: numbers[2], height: numbers[3])
                if let problem = found!.problem { throw failure("the box cannot be: \(problem)") }
            }
            if let split, fields[split] != "train", !testValues.contains(fields[split]) {
                throw failure("the split is \"\(fields[split])\", expected train or test (or val, valid, validation)")
            }
            rows.append(
                Row(path: fields[path], label: fields[label], split: split.map { fields[$0] } ?? "", box: found))
        }
        return rows
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
