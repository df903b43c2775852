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
/// A sample has one image (.jpg, .jpeg or .png, or else one of `otherImageSuffixes`) and its label in .cls (an integer or a class name) or .json (its "label", and
/// "class_name" for what the class is called). Test shards are those in a folder test (or val, valid), those with one of these words in their names,
/// or those that `DatasetOptions.testShards` matches; without any, classes are split as class folders are.
///
/// Names with further dots, such as photo.001.jpg, belong by that rule to one sample, photo. Where such a sample has neither
/// image nor label, its files are put together by what stands before their last dot instead.
enum TarShards {
    /// Words for test shards, best first.
    private static let testWords = ["test", "val", "valid", "validation"]
    private static let imageSuffixes = ["jpg", "jpeg", "png"]
    /// Taken where there is none of the usual ones, which have been read longer.
    private static let otherImageSuffixes = ["webp", "tif", "tiff", "bmp", "ppm", "pgm", "gif"]
    /// The largest label file.
    static let labelByteLimit = 1 << 20

    /// What says that the data set is at `root`; nil if nothing does.
    static func evidence(_ root: FilePath) throws -> String? {
        if let first = try shards(root).first { return "found \(first.path) in \(root)" }
        // An archive may lie beside what was unpacked from it.
        guard let first = try shards(root, compressed: true).first, try !holdsImages(root) else { return nil }
        return "found \(first.path) in \(root)"
    }

    /// Whether there are images in the root, or images or folders in its folders.
    private static func holdsImages(_ root: FilePath) throws -> Bool {
        var scanner = FolderScanner(root: root)
        let top = try scanner.list(FilePath())
        return try top.imageCount > 0
            || top.folders.contains { folder in
                let listing = try scanner.list(FilePath(folder))
                return listing.imageCount > 0 || !listing.folders.isEmpty
            }
    }

    /// The data set at `root`.
    /// - Throws: `DatasetError`.
    static func load(root: FilePath, options: DatasetOptions, team: WorkerTeam) throws -> Dataset {
        let shards = try shards(root)
        if shards.isEmpty, case let compressed = try Self.shards(root, compressed: true), let first = compressed.first {
            throw DatasetError.compressedShards(first: root.pushing(FilePath(first.path)), count: compressed.count)
        }
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
        var dataset = try Dataset.listed(
            .webdataset, root: root, classNames: classNames,
            train: samples.indices.filter { split[$0] == false }.map { samples[$0] },
            test: samples.indices.filter { split[$0] == true }.map { samples[$0] }, options: options, list: root,
            archive: nil, notes: notes, team: team)
        dataset.hasOwnSplit = roles.contains(true)
        return dataset
    }

    // MARK: - Shards

    private struct Shard {
        /// From the root.
        let path: String
        /// The folder it is in, or nothing.
        let folder: String
    }

    /// The shards in the root and in folders for parts of a data set.
    ///
    /// - Parameter compressed: look for shards that cannot be read in place instead; one .tar.gz alone may be anything, a
    ///   whole data set that has to be unpacked, for example.
    private static func shards(_ root: FilePath, compressed: Bool = false) throws -> [Shard] {
        let suffixes = compressed ? [".tar.gz", ".tgz", ".tar.zst", ".tar.xz", ".tar.bz2"] : [".tar"]
        var scanner = FolderScanner(root: root)
        let top = try scanner.list(FilePath())
        var shards: [Shard] = []
        for folder in [""] + top.folders.filter({ (["train"] + testWords).contains($0) }) {
            let listing = folder.isEmpty ? top : try scanner.list(FilePath(folder))
            for file in listing.files where suffixes.contains(where: file.name.lowercased().hasSuffix) {
                shards.append(Shard(path: folder.isEmpty ? file.name : "\(folder)/\(file.name)", folder: folder))
            }
        }
        // Shards are numbered or called by their part.
        return compressed && !shards.contains { !$0.folder.isEmpty || isNumbered($0.path) } ? [] : shards
    }

    private static func isNumbered(_ name: String) -> Bool {
        let stem = name.prefix { $0 != "." }
        return (SplitName(String(stem)).map { $0.certainty < .hinted } ?? false)
            || (stem.last?.isNumber == true && stem.allSatisfy { $0.isNumber || $0 == "-" })
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
                let name = SampleName(entry.name)
                var content: [UInt8] = []
                if ["cls", "json"].contains(name.lastSuffix) {
                    // What belongs to no sample by WebDataset's rule need not be a label.
                    let isLabel = name.suffix == name.lastSuffix
                    func failure(_ reason: String) -> DatasetError {
                        .malformed(path: archive, place: "sample \(name.key)", reason: reason)
                    }
                    guard entry.byteCount <= labelByteLimit else {
                        if isLabel { throw failure("its .\(name.suffix) is far too long") }
                        entries.append(.init(entry))
                        continue
                    }
                    let bytes = try file.read(from: entry.offset, byteCount: entry.byteCount)
                    if name.lastSuffix == "cls" {
                        content = bytes
                    } else if isLabel {
                        content = try shortened(bytes, failure: failure)
                    } else {
                        content = (try? shortened(bytes, failure: failure)) ?? []
                    }
                }
                entries.append(.init(entry, content: content))
            }
            return [.init(name: "", entries: entries)]
        }.flatMap(\.entries)
    }

    /// The samples of a shard.
    private static func members(of shard: String, _ root: FilePath, _ indexFolder: FilePath?) throws -> [Member] {
        var assembly = Assembly(shard: shard, archive: root.pushing(FilePath(shard)))
        for entry in try entries(of: assembly.archive, indexFolder) { try assembly.add(entry) }
        try assembly.finishGroup()
        return assembly.members
    }

    /// Puts the files of a shard together.
    private struct Assembly {
        let shard: String
        let archive: FilePath
        private(set) var members: [Member] = []
        private var seen: Set<String> = []
        private var key = ""
        private var files: [(name: SampleName, entry: ArchiveIndex.Entry)] = []

        init(shard: String, archive: FilePath) {
            self.shard = shard
            self.archive = archive
        }

        private func failure(_ key: String, _ reason: String) -> DatasetError {
            .malformed(path: archive, place: "sample \(key)", reason: reason)
        }

        mutating func add(_ entry: ArchiveIndex.Entry) throws {
            let name = SampleName(entry.file.name)
            if name.key != key {
                try finishGroup()
                key = name.key
            }
            files.append((name, entry))
        }

        /// Makes samples of the files with the same key, which come one after the other.
        mutating func finishGroup() throws {
            defer { files = [] }
            guard !key.isEmpty else { return }
            let isSample = files.contains { isPart($0.name.suffix) }
            if isSample || !files.contains(where: { isPart($0.name.lastSuffix) }) {
                return try finish(key, files.map { ($0.name.suffix, $0.entry) })
            }
            // By the last dot, in the order of the archive.
            var keys: [String] = []
            var groups: [String: [(String, ArchiveIndex.Entry)]] = [:]
            for (name, entry) in files {
                // What is no object with a label was not kept.
                if name.lastSuffix == "json" && entry.content.isEmpty { continue }
                if groups[name.longKey] == nil { keys.append(name.longKey) }
                groups[name.longKey, default: []].append((name.lastSuffix, entry))
            }
            for key in keys { try finish(key, groups[key]!) }
        }

        private func isPart(_ suffix: String) -> Bool {
            imageSuffixes.contains(suffix) || otherImageSuffixes.contains(suffix) || ["cls", "json"].contains(suffix)
        }

        private mutating func finish(_ key: String, _ files: [(suffix: String, entry: ArchiveIndex.Entry)]) throws {
            guard seen.insert(key).inserted else {
                throw failure(key, "its files are not one after the other, or it is there twice")
            }
            var (image, other): (TarEntry?, TarEntry?)
            var (label, className): (Label?, String?)
            for (suffix, entry) in files {
                switch suffix {
                case "cls", "json":
                    let (found, name) =
                        try suffix == "cls"
                        ? (labelText(entry.content), nil)
                        : labelObject(entry.content, failure: { failure(key, $0) })
                    guard suffix == "json" || found != nil else {
                        throw failure(key, "its .cls is neither a number nor a name")
                    }
                    // A .cls is the label if there are both.
                    if suffix == "cls" || label == nil { label = found ?? label }
                    className = name ?? className
                case _ where imageSuffixes.contains(suffix):
                    guard image == nil else { throw failure(key, "it has two images") }
                    image = entry.file
                case _ where otherImageSuffixes.contains(suffix): other = other ?? entry.file
                default: break
                }
            }
            // Files that belong to no sample, such as a description of the shard, have neither.
            if image == nil && other == nil && label == nil { return }
            guard let image = image ?? other else {
                throw failure(key, "it has a label, but no .jpg, .jpeg or .png (its files are \(names(files)))")
            }
            guard let label else {
                // A picture of a format that was passed over before, without a label, is still no sample.
                if imageSuffixes.contains(SampleName(image.name).lastSuffix) {
                    throw failure(
                        key, "it has an image, but no .cls or .json with a label (its files are \(names(files)))")
                }
                return
            }
            members.append(
                Member(
                    path: "\(shard)/\(image.name)",
                    source: .archive(shard, offset: image.offset, byteCount: image.byteCount), label: label,
                    className: className))
        }

        private func names(_ files: [(suffix: String, entry: ArchiveIndex.Entry)]) -> String {
            DatasetLayout.list(files.prefix(4).map { $0.entry.file.fileName })
        }
    }

    /// The name of a file of a shard in its parts.
    private struct SampleName {
        /// Up to the first dot of the last component.
        let key: String
        /// What follows it, in lower case.
        let suffix: String
        /// Up to the last dot.
        let longKey: String
        let lastSuffix: String

        init(_ name: String) {
            let start = name.lastIndex(of: "/").map { name.index(after: $0) } ?? name.startIndex
            guard let dot = name[start...].firstIndex(of: "."), let last = name[start...].lastIndex(of: ".") else {
                (key, suffix, longKey, lastSuffix) = (name, "", name, "")
                return
            }
            key = String(name[..<dot])
            suffix = name[name.index(after: dot)...].lowercased()
            longKey = String(name[..<last])
            lastSuffix = name[name.index(after: last)...].lowercased()
        }
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
