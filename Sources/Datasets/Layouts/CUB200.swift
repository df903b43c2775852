import SystemPackage
import Tensors

/// Caltech-UCSD Birds 200-2011: 11,788 photographs of 200 species, with boxes and the places of 15 parts
/// (Wah, Branson, Welinder, Perona, Belongie, 2011).
///
///     CUB_200_2011/images.txt                "<image> <path below images/>"
///     CUB_200_2011/classes.txt               "<class> <name>"
///     CUB_200_2011/image_class_labels.txt    "<image> <class>"
///     CUB_200_2011/train_test_split.txt      "<image> <1 for training, 0 for test>"
///     CUB_200_2011/bounding_boxes.txt        "<image> <x> <y> <width> <height>"
///     CUB_200_2011/parts/parts.txt           "<part> <name>"
///     CUB_200_2011/parts/part_locs.txt       "<image> <part> <x> <y> <visible>"
///     CUB_200_2011/images/<class>/<file>.jpg
///
/// Numbers count from 1, and lines are joined by them, never by their order. The root may be CUB_200_2011 or the folder
/// around it.
enum CUB200 {
    private static let folders = ["", "CUB_200_2011", "CUB_200_2011/CUB_200_2011"]
    private static let archive = "CUB_200_2011.tgz"
    private static let files = LayoutFiles(kind: .cub)

    /// What says that the data set is at `root`; nil if nothing does.
    static func evidence(_ root: FilePath) -> String? {
        for folder in folders {
            for names in [["images.txt", "train_test_split.txt"], ["images.txt", "image_class_labels.txt"]] {
                if let found = DatasetLayout.found(names, in: folder.isEmpty ? root : root.appending(folder)) {
                    return found
                }
            }
        }
        return nil
    }

    /// The data set at or below `root`.
    /// - Throws: `DatasetError`.
    static func load(root: FilePath, options: DatasetOptions, team: WorkerTeam) throws -> Dataset {
        // Of several copies the one with images, in case that one has the lists alone.
        let places = folders.map { $0.isEmpty ? root : root.pushing(FilePath($0)) }
        let lists = places.filter { LayoutFiles.exists($0.appending("images.txt")) }
        let folder =
            LayoutFiles.withImages(lists, images: { [$0.appending("images")] })
            ?? places.first { LayoutFiles.exists($0.appending("classes.txt")) } ?? root
        func file(_ name: String) throws -> FilePath { try files.require(name, in: [folder], archive: archive) }
        let annotations = try CUBAnnotations(
            images: file("images.txt"), classes: file("classes.txt"), labels: file("image_class_labels.txt"),
            split: file("train_test_split.txt"), boxes: file("bounding_boxes.txt"), parts: file("parts/parts.txt"),
            partLocations: file("parts/part_locs.txt"))
        func samples(isTraining: Bool) -> [Sample] {
            annotations.images.filter { $0.isTraining == isTraining }.map { image in
                Sample(path: "images/" + image.path, label: image.label, boxes: [image.box], parts: image.parts)
            }
        }
        return try Dataset.listed(
            .cub, root: folder, classNames: annotations.classNames, train: samples(isTraining: true),
            test: samples(isTraining: false), partNames: annotations.partNames, options: options,
            list: folder.appending("images.txt"), archive: archive, team: team)
    }
}

/// What the text files of CUB-200-2011 say, joined by the images' numbers and checked.
struct CUBAnnotations {
    struct Image {
        let path: String
        let label: Int
        let isTraining: Bool
        let box: BoundingBox
        let parts: [PartLocation]
    }

    let classNames: [String]
    let partNames: [String]
    /// In the order of images.txt.
    let images: [Image]

    /// The most images, classes and parts that are read.
    static let imageLimit = 10_000_000
    static let classLimit = 100_000
    static let partLimit = 1000

    /// - Throws: `DatasetError.malformed` for the first line that cannot be.
    init(
        images imagesPath: FilePath, classes: FilePath, labels labelsPath: FilePath, split splitPath: FilePath,
        boxes boxesPath: FilePath, parts: FilePath, partLocations partLocationsPath: FilePath
    ) throws {
        classNames = try Self.names(in: classes, "class", limit: Self.classLimit)
        partNames = try Self.names(in: parts, "part", limit: Self.partLimit)
        let (classCount, partCount) = (classNames.count, partNames.count)

        var numbers: [Int: Int] = [:]
        var paths: [String] = []
        var seen: Set<String> = []
        try AnnotationText(imagesPath).forEachRecord(fieldCount: 2) { record in
            let number = try record.integer(0, "image number")
            let path = String(record.fields[1])
            guard number >= 1, number <= Self.imageLimit else { throw record.failure("the image number is \(number)") }
            guard numbers.updateValue(paths.count, forKey: number) == nil else {
                throw record.failure("the image \(number) is listed twice")
            }
            guard SafePath.isSafe(path) else { throw record.failure("\"\(path)\" is no path below images/") }
            guard seen.insert(path).inserted else { throw record.failure("the file \(path) is listed twice") }
            paths.append(path)
        }
        guard !paths.isEmpty else {
            throw DatasetError.malformed(path: imagesPath, place: nil, reason: "it lists no images")
        }

        /// A value of each image, from a file with one line for each.
        func column<Value>(
            _ path: FilePath, fieldCount: Int, _ what: String, _ read: (AnnotationText.Record) throws -> Value
        ) throws -> [Value] {
            var values = [Value?](repeating: nil, count: paths.count)
            try AnnotationText(path).forEachRecord(fieldCount: fieldCount) { record in
                let index = try Self.index(of: record, in: numbers)
                guard values[index] == nil else {
                    throw record.failure("the image \(record.fields[0]) has a \(what) already")
                }
                values[index] = try read(record)
            }
            if let missing = values.firstIndex(where: { $0 == nil }) {
                throw DatasetError.malformed(
                    path: path, place: nil, reason: "it has no \(what) of \(paths[missing]), which images.txt lists")
            }
            return values.map { $0! }
        }
        let labels = try column(labelsPath, fieldCount: 2, "class") { record in
            let number = try record.integer(1, "class")
            guard (1...classCount).contains(number) else {
                throw record.failure("the class \(number) is not in 1...\(classCount), the classes of classes.txt")
            }
            return number - 1
        }
        let isTraining = try column(splitPath, fieldCount: 2, "split") { record in
            switch record.fields[1] {
            case "1": true
            case "0": false
            default: throw record.failure("the split is \"\(record.fields[1])\", expected 1 (training) or 0 (test)")
            }
        }
        let boxes = try column(boxesPath, fieldCount: 5, "box") { record in
            let box = BoundingBox(
                x: try record.number(1, "x"), y: try record.number(2, "y"), width: try record.number(3, "width"),
                height: try record.number(4, "height"))
            if let problem = box.problem { throw record.failure("the box cannot be: \(problem)") }
            return box
        }
        let locations = try Self.partLocations(partLocationsPath, numbers: numbers, partCount: partCount, paths: paths)
        images = paths.indices.map { index in
            Image(
                path: paths[index], label: labels[index], isTraining: isTraining[index], box: boxes[index],
                parts: Array(locations[index * partCount..<(index + 1) * partCount]))
        }
    }

    /// The image that a line is about.
    private static func index(of record: AnnotationText.Record, in numbers: [Int: Int]) throws -> Int {
        let number = try record.integer(0, "image number")
        guard let index = numbers[number] else {
            throw record.failure("there is no image \(number) in images.txt")
        }
        return index
    }

    /// Names numbered from 1 without gaps.
    private static func names(in path: FilePath, _ what: String, limit: Int) throws -> [String] {
        var names: [String] = []
        try AnnotationText(path).forEachRecord(fieldCount: 2) { record in
            let number = try record.integer(0, "\(what) number")
            guard number == names.count + 1, number <= limit else {
                throw record.failure("the \(what) number is \(number), expected \(names.count + 1)")
            }
            names.append(String(record.fields[1]))
        }
        guard !names.isEmpty else {
            throw DatasetError.malformed(path: path, place: nil, reason: "it names no \(what)")
        }
        guard Set(names).count == names.count else {
            throw DatasetError.malformed(path: path, place: nil, reason: "two entries have the same name")
        }
        return names
    }

    /// The parts of all images, those of an image one after the other.
    private static func partLocations(
        _ path: FilePath, numbers: [Int: Int], partCount: Int, paths: [String]
    ) throws -> [PartLocation] {
        var locations = [PartLocation?](repeating: nil, count: paths.count * partCount)
        try AnnotationText(path).forEachRecord(fieldCount: 5) { record in
            let index = try index(of: record, in: numbers)
            let part = try record.integer(1, "part")
            guard (1...partCount).contains(part) else {
                throw record.failure("the part \(part) is not in 1...\(partCount), the parts of parts.txt")
            }
            guard locations[index * partCount + part - 1] == nil else {
                throw record.failure("the part \(part) of the image \(record.fields[0]) has a place already")
            }
            guard record.fields[4] == "0" || record.fields[4] == "1" else {
                throw record.failure("the visibility is \"\(record.fields[4])\", expected 1 or 0")
            }
            locations[index * partCount + part - 1] = PartLocation(
                x: try record.number(2, "x"), y: try record.number(3, "y"), isVisible: record.fields[4] == "1")
        }
        if let missing = locations.firstIndex(where: { $0 == nil }) {
            throw DatasetError.malformed(
                path: path, place: nil,
                reason: "it has no place of part \(missing % partCount + 1) of \(paths[missing / partCount])")
        }
        return locations.map { $0! }
    }
}
