import DurableFiles
import StrictJSON
public import SystemPackage
import Tensors

/// FunnyBirds: rendered birds of 50 classes, each a combination of five parts, and the test birds again with parts and background
/// objects taken away (Hesse, Schaub-Meyer, Roth, "FunnyBirds", ICCV 2023; visinf/funnybirds-framework).
///
///     classes.json                    [{"class_idx": 0, "parts": {"beak": <variant>, "eye": ..., "foot", "tail", "wing"}}, ...]
///     parts.json                      {"beak": [{"model": ..., "color": ...}, ...], ...}
///     dataset_{train,test}.json       [{"class_idx": ..., "bg_objects": "1,2,3,", ...}, ...]; what comes n-th is the image n
///     {train,test}/<class>/<%06d>.png                 256 x 256, RGBA
///     {train,test}_part_map/<class>/<%06d>.png        a colour for each part and background object, see `FunnyBirds.PartMap`
///     test_interventions/<class>/<%06d>/body_<the parts that are left, sorted, joined by _>.png
///     test_interventions/<class>/<%06d>/background_interventions/<the object that is gone>.png
///
/// Classes are the numbers 0, 1, ... and have their order. Training images have parts missing themselves, half of them.
public struct FunnyBirds: Sendable {
    /// The folder.
    public let root: FilePath
    /// Of each class the variants of its parts, in the order of `parts`.
    public let variants: [[Int]]
    /// Background objects of each image of a split, by the image's number.
    private let objectCounts: [Split: [Int]]
    /// The class of each image, by split and number.
    let labels: [Split: [Int]]

    /// The parts, in the order of their names.
    public static let parts = ["beak", "eye", "foot", "tail", "wing"]
    /// The most classes, images of a split, variants of a part, and background objects of an image.
    static let classLimit = 100_000
    static let imageLimit = 10_000_000
    static let variantLimit = 1000
    static let objectLimit = 50
    /// The most bytes of a JSON file: that of 50,000 training images has 200 MB.
    static let byteLimit = 2 << 30

    private static let archive = "FunnyBirds.zip"
    private static let files = LayoutFiles(kind: .funnybirds)

    /// What says that the data set is at `root`; nil if nothing does.
    static func evidence(_ root: FilePath) -> String? {
        DatasetLayout.found(["classes.json", "parts.json", "dataset_train.json"], in: root)
    }

    /// Reads what the JSON files say of `splits`.
    /// - Throws: `DatasetError.missingFile`, `.malformed`; `DurableFileError`.
    public init(root: FilePath, splits: [Split] = Split.allCases) throws {
        func file(_ name: String) throws -> FilePath {
            try Self.files.require(name, in: [root], archive: Self.archive)
        }
        let counts = try Self.variantCounts(file("parts.json"))
        let variants = try Self.classes(file("classes.json"), variantCounts: counts)
        var (labels, objectCounts): ([Split: [Int]], [Split: [Int]]) = ([:], [:])
        for split in splits {
            let images = try Self.images(file("dataset_\(split.rawValue).json"), classCount: variants.count)
            labels[split] = images.map(\.label)
            objectCounts[split] = images.map(\.objectCount)
        }
        self.root = root
        self.variants = variants
        self.labels = labels
        self.objectCounts = objectCounts
    }

    /// The data set at `root`.
    /// - Throws: `DatasetError`, `DurableFileError`.
    static func load(root: FilePath, options: DatasetOptions, team: WorkerTeam) throws -> Dataset {
        let birds = try FunnyBirds(root: root)
        func samples(_ split: Split) -> [Sample] {
            birds.labels[split]!.enumerated().map { number, label in
                Sample(path: "\(split.rawValue)/\(label)/\(name(number)).png", label: label)
            }
        }
        return try Dataset.listed(
            .funnybirds, root: root, classNames: birds.variants.indices.map(String.init), train: samples(.train),
            test: samples(.test), options: options, list: root.appending("dataset_train.json"), archive: archive,
            team: team)
    }

    /// The splits of the data set's own that images are from, whichever they are used for here.
    public static func splits(of samples: [Sample]) -> [Split] {
        Split.allCases.filter { split in samples.contains { $0.path.hasPrefix("\(split.rawValue)/") } }
    }

    /// Six digits, as files are called.
    static func name(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 6 - digits.count)) + digits
    }

    // MARK: - An image's files

    /// What an image's path in the data set says.
    struct Place {
        let split: Split
        let label: Int
        let number: Int
        let objectCount: Int

        /// The image's folder or file below the folder of what is asked for.
        func path(below folder: FilePath, ending: String = "") -> FilePath {
            folder.appending("\(label)").appending(FunnyBirds.name(number) + ending)
        }
    }

    /// - Throws: `DatasetError.malformed` for a path that is none of the images'.
    func place(ofImage path: String) throws -> Place {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3, let split = Split(rawValue: String(parts[0])), let labels = labels[split],
            let number = Int(parts[2].dropLast(4)), labels.indices.contains(number),
            path == "\(split.rawValue)/\(labels[number])/\(Self.name(number)).png"
        else {
            throw DatasetError.malformed(
                path: root, place: nil, reason: "\(path) is none of the images that its dataset_*.json list")
        }
        return Place(split: split, label: labels[number], number: number, objectCount: objectCounts[split]![number])
    }

    /// The file of an image's part map.
    /// - Throws: `DatasetError.missingFile`.
    public func partMap(ofImage path: String) throws -> FilePath {
        let place = try place(ofImage: path)
        return try require(place.path(below: root.appending("\(place.split.rawValue)_part_map"), ending: ".png"))
    }

    /// The file of an image with some of its parts.
    /// - Parameter kept: as bits, in the order of `parts`.
    /// - Throws: `DatasetError.missingFile`.
    public func intervention(onImage path: String, keeping kept: UInt64) throws -> FilePath {
        let names = Self.parts.indices.filter { kept >> UInt64($0) & 1 == 1 }.map { Self.parts[$0] }
        return try require(folder(ofImage: path).appending("body_\(names.joined(separator: "_")).png"))
    }

    /// The files of an image without each of its background objects.
    /// - Throws: `DatasetError.missingFile`.
    public func backgroundInterventions(onImage path: String) throws -> [FilePath] {
        let folder = try folder(ofImage: path).appending("background_interventions")
        return try (0..<place(ofImage: path).objectCount).map { try require(folder.appending("\($0).png")) }
    }

    /// The most background objects that an image of `split` has.
    public func largestObjectCount(of split: Split) -> Int { objectCounts[split]?.max() ?? 0 }

    private func folder(ofImage path: String) throws -> FilePath {
        let place = try place(ofImage: path)
        return place.path(below: root.appending("\(place.split.rawValue)_interventions"))
    }

    private func require(_ path: FilePath) throws -> FilePath {
        try Self.files.require(
            path.lastComponent?.string ?? "", in: [path.removingLastComponent()], archive: Self.archive)
    }
}

// MARK: - The JSON files

extension FunnyBirds {
    /// Reads one value of a file, byte by byte.
    private static func read<Value>(
        _ path: FilePath, _ body: (inout JSONReader) throws -> Value
    ) throws -> Value {
        let byteCount = try DurableFile.byteCount(of: path)
        guard byteCount <= byteLimit else {
            throw DatasetError.malformed(
                path: path, place: nil, reason: "it has \(byteCount) bytes, more than the \(byteLimit) that are read")
        }
        do {
            return try DurableFile.read(path).withUnsafeBytes { bytes in
                var reader = JSONReader(bytes)
                let value = try body(&reader)
                try reader.finish()
                return value
            }
        } catch let error as JSONError {
            throw DatasetError.malformed(path: path, place: "byte \(error.offset)", reason: error.problem)
        }
    }

    /// How many variants each of `parts` has.
    private static func variantCounts(_ path: FilePath) throws -> [Int] {
        try read(path) { reader in
            var counts: [String: Int] = [:]
            try reader.readObject { name, reader in
                guard parts.contains(name) else {
                    throw reader.failure("\"\(name)\" is none of the parts \(parts.joined(separator: ", "))")
                }
                var count = 0
                try reader.readArray { reader in
                    _ = try reader.readValue()
                    count += 1
                }
                guard (1...variantLimit).contains(count) else {
                    throw reader.failure("\(name) has \(count) variants, expected 1 to \(variantLimit)")
                }
                counts[name] = count
            }
            return try parts.map { name in
                guard let count = counts[name] else { throw reader.failure("it has no \(name)") }
                return count
            }
        }
    }

    /// The variants of each class.
    private static func classes(_ path: FilePath, variantCounts: [Int]) throws -> [[Int]] {
        try read(path) { reader in
            var classes: [[Int]] = []
            try reader.readArray { reader in
                var number: Int?
                var found: [String: Int] = [:]
                try reader.readObject { key, reader in
                    switch key {
                    case "class_idx": number = try reader.readCount()
                    case "parts":
                        try reader.readObject { name, reader in
                            guard let part = parts.firstIndex(of: name) else {
                                throw reader.failure(
                                    "\"\(name)\" is none of the parts \(parts.joined(separator: ", "))")
                            }
                            let variant = try reader.readCount()
                            guard variant < variantCounts[part] else {
                                throw reader.failure(
                                    "the \(name) \(variant) is none of the \(variantCounts[part]) of parts.json")
                            }
                            found[name] = variant
                        }
                    default: _ = try reader.readValue()
                    }
                }
                guard number == classes.count, classes.count < classLimit else {
                    throw reader.failure(
                        "the class is \(number.map(String.init) ?? "without class_idx"), expected \(classes.count)")
                }
                let variants = parts.compactMap { found[$0] }
                guard variants.count == parts.count else {
                    throw reader.failure("the class \(classes.count) does not have all of the parts")
                }
                classes.append(variants)
            }
            guard !classes.isEmpty else { throw reader.failure("it has no class") }
            return classes
        }
    }

    /// Class and background objects of each image.
    private static func images(
        _ path: FilePath, classCount: Int
    ) throws -> [(label: Int, objectCount: Int)] {
        try read(path) { reader in
            var images: [(label: Int, objectCount: Int)] = []
            try reader.readArray { reader in
                var (label, objects): (Int?, String?) = (nil, nil)
                try reader.readObject { key, reader in
                    switch key {
                    case "class_idx": label = try reader.readCount()
                    case "bg_objects": objects = try reader.readString()
                    default: _ = try reader.readValue()
                    }
                }
                guard let label, label < classCount else {
                    throw reader.failure(
                        "the image \(images.count) is of class \(label.map(String.init) ?? "none"), expected 0 to "
                            + "\(classCount - 1)")
                }
                guard let objects else { throw reader.failure("the image \(images.count) has no bg_objects") }
                // A comma follows the last one too.
                let list = objects.split(separator: ",")
                guard list.count <= objectLimit, list.allSatisfy({ Int($0) != nil }) else {
                    throw reader.failure(
                        "the image \(images.count) has bg_objects that are no list of at most \(objectLimit) numbers")
                }
                guard images.count < imageLimit else { throw reader.failure("it has more than \(imageLimit) images") }
                images.append((label, list.count))
            }
            return images
        }
    }
}
