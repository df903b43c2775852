import SystemPackage
import Tensors

/// Stanford Cars: 16,185 photographs of 196 makes, models and years, each with a box
/// (Krause, Stark, Deng, Fei-Fei, 2013), in the layouts that are about:
///
///     A  devkit/cars_meta.mat, devkit/cars_train_annos.mat, cars_test_annos_withlabels.mat (beside devkit/ or in it),
///        cars_train/00001.jpg, cars_test/00001.jpg
///     B  cars_annos.mat, car_ims/000001.jpg
///     C  A, with the images in cars_train/cars_train/ and cars_test/cars_test/
///
/// Classes have the order of `class_names`, which is not that of the alphabet. devkit/cars_test_annos.mat has no classes, so
/// with it alone nothing can be tested: see `DatasetSplit.validation`.
enum StanfordCars {
    private static let folders = ["", "stanford_cars"]
    private static let devkits = ["devkit", "car_devkit/devkit", "car_devkit", ""]
    private static let files = LayoutFiles(kind: .cars)

    /// What says that the data set is at `root`; nil if nothing does.
    static func evidence(_ root: FilePath) -> String? {
        for folder in folders {
            if let found = evidence(in: folder.isEmpty ? root : root.appending(folder)) { return found }
        }
        return nil
    }

    private static func evidence(in base: FilePath) -> String? {
        if let found = DatasetLayout.found(["cars_annos.mat"], in: base) { return found }
        for devkit in devkits {
            let place = devkit.isEmpty ? base : base.pushing(FilePath(devkit))
            for name in ["cars_train_annos.mat", "cars_meta.mat"] {
                if let found = DatasetLayout.found([name], in: place) { return found }
            }
        }
        return nil
    }

    /// The data set at or below `root`.
    ///
    /// Mirrors mix the layouts: of the lists that are there those count whose images are.
    /// - Throws: `DatasetError`.
    static func load(root: FilePath, options: DatasetOptions, team: WorkerTeam) throws -> Dataset {
        let places = folders.map { $0.isEmpty ? root : root.appending($0) }
        var candidates: [Candidate] = places.filter { LayoutFiles.exists($0.appending(singleList)) }
            .map { .singleList($0) }
        candidates += places.filter { base in
            devkits.contains { LayoutFiles.exists(base.pushing(FilePath($0)).appending("cars_train_annos.mat")) }
        }.map { .devkit($0) }
        let chosen = try LayoutFiles.withImages(candidates) { try $0.probes() }
        if case .singleList(let base) = chosen {
            let hasOwnImages = try chosen!.probes().contains(where: LayoutFiles.exists)
            // The list numbers the images of car_ims through: nothing says which of them are 00001.jpg of cars_train.
            if !hasOwnImages, LayoutFiles.exists(base.appending("cars_train")) {
                throw DatasetError.missingFile(
                    name:
                        "cars_train_annos.mat, the list of the images in cars_train/ (\(singleList) lists those of car_ims/)",
                    folders: devkits.map { $0.isEmpty ? base : base.pushing(FilePath($0)) },
                    archive: "car_devkit.tgz", dataset: DatasetKind.cars.title)
            }
            return try loadSingleList(base, options, team)
        }
        if case .devkit(let base) = chosen { return try loadDevkit(base, options, team) }
        return try loadDevkit(places.first { evidence(in: $0) != nil } ?? root, options, team)
    }

    private static let singleList = "cars_annos.mat"

    /// A list, and the folder that its images are looked for from.
    private enum Candidate {
        case singleList(FilePath)
        case devkit(FilePath)

        /// A few of its images.
        func probes() throws -> [FilePath] {
            switch self {
            case .singleList(let base):
                let file = try MatFile(base.appending(StanfordCars.singleList))
                return try StanfordCars.probes(file, "relative_im_path").map { base.pushing(FilePath($0)) }
            case .devkit(let base):
                let places = devkits.map { $0.isEmpty ? base : base.pushing(FilePath($0)) }
                let list = try files.require("cars_train_annos.mat", in: places, archive: "car_devkit.tgz")
                let folder = imageFolder("cars_train", in: base)
                return try StanfordCars.probes(MatFile(list), "fname").map {
                    Dataset.file(of: Sample(path: folder.path + $0, label: 0, source: folder.source), below: base)
                }
            }
        }
    }

    private static func probes(_ file: MatFile, _ nameField: String) throws -> [String] {
        let records = try MatRecords(file, "annotations")
        return try LayoutFiles.probes(of: Array(0..<records.count)).compactMap { index in
            let name = try records.text(index, nameField)
            return SafePath.isSafe(name) ? name : nil
        }
    }

    // MARK: - Layouts A and C

    private static func loadDevkit(_ base: FilePath, _ options: DatasetOptions, _ team: WorkerTeam) throws -> Dataset {
        let places = devkits.map { $0.isEmpty ? base : base.pushing(FilePath($0)) }
        let archive = "car_devkit.tgz"
        let classNames = try names(MatFile(files.require("cars_meta.mat", in: places, archive: archive)))
        let trainList = try files.require("cars_train_annos.mat", in: places, archive: archive)
        let train = try samples(MatFile(trainList), "fname", classNames, folder: imageFolder("cars_train", in: base))
        var test: [Sample] = []
        if options.split == .official {
            let list = try testList(base, places)
            test = try samples(MatFile(list), "fname", classNames, folder: imageFolder("cars_test", in: base))
        }
        return try Dataset.listed(
            .cars, root: base, classNames: classNames, train: train, test: test, options: options, list: trainList,
            archive: "cars_train.tgz and cars_test.tgz", team: team)
    }

    /// The list of test images with their classes.
    private static func testList(_ base: FilePath, _ devkits: [FilePath]) throws -> FilePath {
        let name = "cars_test_annos_withlabels.mat"
        do {
            return try files.require(name, in: [base] + devkits, archive: name + ", a download of its own")
        } catch {
            // Some mirrors have put the labels into the file without them.
            if let list = try? files.require("cars_test_annos.mat", in: devkits, archive: "") {
                if try MatRecords(MatFile(list), "annotations").has("class") { return list }
                throw DatasetError.missingTestLabels(
                    list: list, name: name, folders: [base] + devkits, dataset: DatasetKind.cars.title)
            }
            throw error
        }
    }

    /// Where the images of "cars_train" or "cars_test" are, and what their folder is called in the data set.
    private static func imageFolder(_ name: String, in base: FilePath) -> (path: String, source: SampleSource) {
        let nested = "\(name)/\(name)"
        let isNested = (try? FileStatus(of: base.pushing(FilePath(nested))))?.kind == .folder
        return (name + "/", isNested ? .folder(nested) : .file)
    }

    // MARK: - Layout B

    private static func loadSingleList(_ base: FilePath, _ options: DatasetOptions, _ team: WorkerTeam) throws
        -> Dataset
    {
        let list = base.appending(singleList)
        let file = try MatFile(list)
        let classNames = try names(file)
        let all = try samples(file, "relative_im_path", classNames, folder: ("", .file))
        let records = try MatRecords(file, "annotations")
        let isTest = try (0..<records.count).map { index in
            switch try records.integer(index, "test") {
            case 0: false
            case 1: true
            case let other: throw records.failure(index, "test is \(other), expected 0 or 1")
            }
        }
        return try Dataset.listed(
            .cars, root: base, classNames: classNames, train: all.indices.filter { !isTest[$0] }.map { all[$0] },
            test: all.indices.filter { isTest[$0] }.map { all[$0] }, options: options, list: list,
            archive: "car_ims.tgz", team: team)
    }

    // MARK: - Lists

    private static func names(_ file: MatFile) throws -> [String] {
        let names = try file.texts("class_names")
        guard Set(names).count == names.count, !names.isEmpty else {
            throw DatasetError.malformed(
                path: file.path, place: nil, reason: "two classes have the same name, or there are none")
        }
        return names
    }

    /// The images of `annotations` in the order of the file.
    private static func samples(
        _ file: MatFile, _ nameField: String, _ classNames: [String], folder: (path: String, source: SampleSource)
    ) throws -> [Sample] {
        let records = try MatRecords(file, "annotations")
        var seen: Set<String> = []
        return try (0..<records.count).map { index in
            let name = try records.text(index, nameField)
            guard SafePath.isSafe(name) else { throw records.failure(index, "\"\(name)\" is no path of an image") }
            guard seen.insert(name).inserted else { throw records.failure(index, "the image \(name) is listed twice") }
            let label = try records.integer(index, "class")
            guard (1...classNames.count).contains(label) else {
                throw records.failure(index, "the class \(label) is not in 1...\(classNames.count)")
            }
            // Both corners are pixels of the box, counted from 1.
            let (left, top) = (try records.number(index, "bbox_x1") - 1, try records.number(index, "bbox_y1") - 1)
            let box = BoundingBox(
                x: left, y: top, width: try records.number(index, "bbox_x2") - left,
                height: try records.number(index, "bbox_y2") - top)
            if let problem = box.problem { throw records.failure(index, "the box cannot be: \(problem)") }
            return Sample(path: folder.path + name, label: label - 1, source: folder.source, boxes: [box])
        }
    }
}
