import Foundation
import StrictJSON
import SystemPackage
import Tensors

/// Data sets in tar shards as WebDataset has them, read in place: consecutive files of an archive with the same name up to the
/// first dot are one sample.
///
///     shards/train-000000.tar    0001.jpg, 0001.cls, 0002.jpg, 0002.cls, ...
///     shards/test-000000.tar
///
/// A sample has one image (.jpg, .jpeg or .png) and its label in .cls (an integer or a class name) or .json (its "label", and
/// "class_name" for what the class is called). Test shards are those in a folder test (or val, valid), those with one of these words in their names,
/// or those that `DatasetOptions.testShards` matches; without any, classes are split as class folders are.
enum TarShards {
    /// Words for test shards, best first.
    private static let testWords = ["test", "val", "valid", "validation"]
    /// The largest label file.
    static let labelByteLimit = 1 << 20

    /// What says that the data set is at `root`; nil if nothing does.
    static func evidence(_ root: FilePath) throws -> String? {
        guard let first = try shards(root).first else { return nil }
        return "found \(first.path) in \(root)"
    }

    /// The data set at `root`.
    /// - Throws: `DatasetError`.
    static func load(root: FilePath, options: DatasetOptions, team: WorkerTeam) throws -> Dataset {
        let shards = try shards(root)
        guard !shards.isEmpty else {
            throw DatasetError.missingFile(
                name: "a .tar file", folders: [root] + (["train"] + testWords).map { root.appending($0) },
                archive: "whoever made the data set", dataset: DatasetKind.webdataset.title)
        }
        let found = try team.map(shards.count) { _, index in
            try members(of: shards[index].path, root, options.indexFolder)
        }
        var notes: [String] = []
        let roles = try roles(of: shards, options, root, &notes)
        let (classNames, labels) = try classes(found.joined().map { $0 }, root)
        var (samples, split): ([Sample], [Bool?]) = ([], [])
        for (shard, list) in found.enumerated() {
            for member in list {
                samples.append(Sample(path: member.path, label: labels(member.label), source: member.source))
                split.append(roles[shard])
            }
        }
        if !roles.contains(true) {
            split = try ClassSplit.isTest(samples, classNames: classNames, options, root)
            notes.append(
                "No shard is said to hold test images: \(Int(options.testFraction * 100)) % of each class are.")
        }
        return try Dataset.listed(
            .webdataset, root: root, classNames: classNames,
            train: samples.indices.filter { split[$0] == false }.map { samples[$0] },
            test: samples.indices.filter { split[$0] == true }.map { samples[$0] }, options: options, list: root,
            archive: nil, notes: notes, team: team)
    }

    // MARK: - Shards

    private struct Shard {
        /// From the root.
        let path: String
        /// The folder it is in, or nothing.
        let folder: String
    }

    private static func shards(_ root: FilePath) throws -> [Shard] {
        var scanner = FolderScanner(root: root)
        let top = try scanner.list(FilePath())
        var shards: [Shard] = []
        for folder in [""] + top.folders.filter({ (["train"] + testWords).contains($0) }) {
            let listing = folder.isEmpty ? top : try scanner.list(FilePath(folder))
            for file in listing.files where file.name.lowercased().hasSuffix(".tar") {
                shards.append(Shard(path: folder.isEmpty ? file.name : "\(folder)/\(file.name)", folder: folder))
            }
        }
        return shards
    }

    /// Whether each shard holds test images; nil for those that are not used.
    private static func roles(
        of shards: [Shard], _ options: DatasetOptions, _ root: FilePath, _ notes: inout [String]
    ) throws -> [Bool?] {
        if let pattern = options.testShards {
            let roles = shards.map { shard -> Bool? in
                fnmatch(pattern, FilePath(shard.path).lastComponent!.string, 0) == 0
                    || fnmatch(pattern, shard.path, 0) == 0
            }
            guard roles.contains(true), roles.contains(false) else {
                throw DatasetError.malformed(
                    path: root, place: nil,
                    reason: "dataset.test_shards (\(pattern)) matches \(roles.contains(true) ? "all" : "none") of the "
                        + "\(shards.count) shards, such as \(shards[0].path)")
            }
            return roles
        }
        let words = shards.map { shard in
            shard.folder.isEmpty
                ? shard.path.lowercased().split { !$0.isLetter }.map(String.init) : [shard.folder]
        }
        guard let test = testWords.first(where: { word in words.contains { $0.contains(word) } }) else {
            return shards.map { _ in false }
        }
        for other in testWords where other != test && words.contains(where: { $0.contains(other) }) {
            notes.append("The shards called \(other) are not used: the data set is train and \(test).")
        }
        return words.map { words in
            words.contains(test) ? true : words.contains { testWords.contains($0) } ? nil : false
        }
    }

    // MARK: - Samples

    private enum Label: Hashable {
        case number(Int)
        case name(String)
    }

    private struct Member {
        let path: String
        let source: SampleSource
        let label: Label
        /// What the class is called, if the sample says it beside a number.
        let className: String?
    }

    /// The files of a shard; those with labels with what is read of them.
    private static func entries(of archive: FilePath, _ indexFolder: FilePath?) throws -> [ArchiveIndex.Entry] {
        try ArchiveIndex.sections(of: archive, reader: "WebDataset", keptIn: indexFolder) { file in
            var reader = TarReader(file)
            var entries: [ArchiveIndex.Entry] = []
            while let entry = try reader.next() {
                let (key, suffix) = split(entry.name)
                var content: [UInt8] = []
                if ["cls", "json"].contains(suffix) {
                    guard entry.byteCount <= labelByteLimit else {
                        throw DatasetError.malformed(
                            path: archive, place: "sample \(key)", reason: "its .\(suffix) is far too long")
                    }
                    let bytes = try file.read(from: entry.offset, byteCount: entry.byteCount)
                    content =
                        try suffix == "cls"
                        ? bytes
                        : shortened(bytes) {
                            .malformed(path: archive, place: "sample \(key)", reason: $0)
                        }
                }
                entries.append(.init(entry, content: content))
            }
            return [.init(name: "", entries: entries)]
        }.flatMap(\.entries)
    }

    private static func members(of shard: String, _ root: FilePath, _ indexFolder: FilePath?) throws -> [Member] {
        let archive = root.pushing(FilePath(shard))
        var (members, seen): ([Member], Set<String>) = ([], [])
        var group = Group(key: "")
        func failure(_ key: String, _ reason: String) -> DatasetError {
            .malformed(path: archive, place: "sample \(key)", reason: reason)
        }
        func finish() throws {
            guard !group.key.isEmpty else { return }
            guard seen.insert(group.key).inserted else {
                throw failure(group.key, "its files are not one after the other, or it is there twice")
            }
            // Files that belong to no sample, such as a description of the shard, have neither.
            if group.image == nil && group.label == nil { return }
            guard let image = group.image else {
                throw failure(group.key, "it has a label, but no .jpg, .jpeg or .png")
            }
            guard let label = group.label else {
                throw failure(group.key, "it has an image, but no .cls or .json with a label")
            }
            members.append(
                Member(
                    path: "\(shard)/\(image.name)",
                    source: .archive(shard, offset: image.offset, byteCount: image.byteCount), label: label,
                    className: group.className))
        }
        for entry in try entries(of: archive, indexFolder) {
            let (key, suffix) = split(entry.file.name)
            if key != group.key {
                try finish()
                group = Group(key: key)
            }
            switch suffix {
            case "jpg", "jpeg", "png":
                guard group.image == nil else { throw failure(key, "it has two images") }
                group.image = entry.file
            case "cls", "json":
                let bytes = entry.content
                let (label, className) =
                    try suffix == "cls"
                    ? (labelText(bytes), nil) : labelObject(bytes, failure: { failure(key, $0) })
                guard suffix == "json" || label != nil else {
                    throw failure(key, "its .cls is neither a number nor a name")
                }
                // A .cls is the label if there are both.
                if suffix == "cls" || group.label == nil { group.label = label ?? group.label }
                group.className = className ?? group.className
            default: break
            }
        }
        try finish()
        return members
    }

    private struct Group {
        let key: String
        var image: TarEntry?
        var label: Label?
        var className: String?

        init(key: String) { self.key = key }
    }

    /// The name up to the first dot of its last component, and what follows it, in lower case.
    private static func split(_ name: String) -> (key: String, suffix: String) {
        let start = name.lastIndex(of: "/").map { name.index(after: $0) } ?? name.startIndex
        guard let dot = name[start...].firstIndex(of: ".") else { return (name, "") }
        return (String(name[..<dot]), name[name.index(after: dot)...].lowercased())
    }

    /// Of an object with a label what is read of it.
    private static func shortened(_ bytes: [UInt8], failure: (String) -> DatasetError) throws -> [UInt8] {
        let (label, className) = try labelObject(bytes, failure: failure)
        var object: [String: Any] = [:]
        switch label {
        case .number(let number)?: object["label"] = number
        case .name(let name)?: object["label"] = name
        case nil: break
        }
        if let className { object["class_name"] = className }
        return [UInt8](try JSONSerialization.data(withJSONObject: object, options: .sortedKeys))
    }

    private static func labelText(_ bytes: [UInt8]) -> Label? {
        guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
        let trimmed = text.drop(while: \.isWhitespace)
        guard let last = trimmed.lastIndex(where: { !$0.isWhitespace }), !text.utf8.contains(0) else { return nil }
        let word = String(trimmed[...last])
        return Int(word).map { .number($0) } ?? .name(word)
    }

    private static func labelObject(
        _ bytes: [UInt8], failure: (String) -> DatasetError
    ) throws -> (Label?, className: String?) {
        let object: JSONValue
        do {
            object = try JSONValue(parsing: bytes)
        } catch let error as JSONError {
            throw failure("its .json cannot be read: \(error)")
        }
        var className: String?
        if case .string(let name)? = object["class_name"], !name.isEmpty, !name.utf8.contains(0) { className = name }
        switch object["label"] {
        case .integer(let number)?: return (.number(number), className)
        case .string(let name)? where !name.isEmpty && !name.utf8.contains(0): return (.name(name), className)
        case nil: return (className.map { .name($0) }, nil)
        default: throw failure("the \"label\" of its .json is neither an integer nor a name")
        }
    }

    // MARK: - Classes

    private static let classLimit = 1_000_000

    /// The classes' names, and the label of a sample. Numbers are labels as they are.
    private static func classes(
        _ members: [Member], _ root: FilePath
    ) throws -> (names: [String], label: (Label) -> Int) {
        func failure(_ member: Member, _ reason: String) -> DatasetError {
            .malformed(path: root, place: member.path, reason: reason)
        }
        guard let first = members.first else {
            throw DatasetError.malformed(path: root, place: nil, reason: "its shards hold no samples")
        }
        if case .name = first.label {
            var found: Set<String> = []
            for member in members {
                guard case .name(let name) = member.label else {
                    throw failure(member, "its label is a number, but others are names")
                }
                found.insert(name)
            }
            let names = ClassNames.sorted(found)
            let labels = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
            return (
                names, { if case .name(let name) = $0 { labels[name]! } else { preconditionFailure("checked above") } }
            )
        }
        var names: [Int: String] = [:]
        var highest = 0
        for member in members {
            guard case .number(let number) = member.label else {
                throw failure(member, "its label is a name, but others are numbers")
            }
            guard (0..<classLimit).contains(number) else {
                throw failure(member, "its label is \(number), expected 0 or more")
            }
            highest = max(highest, number)
            if let name = member.className {
                if let other = names[number], other != name {
                    throw failure(member, "the class \(number) is called \(name), but \(other) elsewhere")
                }
                names[number] = name
            }
        }
        let all = (0...highest).map { names[$0] ?? String($0) }
        guard Set(all).count == all.count else {
            throw DatasetError.malformed(path: root, place: nil, reason: "two classes have the same class_name")
        }
        return (all, { if case .number(let number) = $0 { number } else { preconditionFailure("checked above") } })
    }
}
