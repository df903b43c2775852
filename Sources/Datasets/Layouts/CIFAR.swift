import DurableFiles
import SystemPackage
import Tensors
import WeightFiles

/// CIFAR-10 and CIFAR-100: 60,000 pictures of 32 x 32 pixels (Krizhevsky, 2009), in the forms they are published in:
///
///     cifar-100-binary/train.bin, test.bin, fine_label_names.txt          records: coarse label, label, 3072 bytes
///     cifar-10-batches-bin/data_batch_1.bin ... test_batch.bin, batches.meta.txt          records: label, 3072 bytes
///     cifar-100-python/train, test, meta          pickles of dictionaries with an array [N, 3072] of bytes
///     cifar-10-batches-py/data_batch_1 ... test_batch, batches.meta
///
/// and their archives, cifar-100-binary.tar.gz and so on, which are unpacked into a temporary folder. The root is one of these
/// folders or the one around it. Folders of PNGs are class folders. A picture is a plane each of red, green and blue; nothing in a
/// pickle is executed (`PickledRecords`).
///
/// Samples are called train/<class>/<number>.ppm and test/..., in the order of the files, whatever the form, so that caches and
/// checkpoints of one fit the others. Classes have the order of their labels, which is that of the sorted names.
enum CIFAR {
    static let side = 32
    static let pixelByteCount = 3 * side * side
    private static let header = Array("P6\n32 32\n255\n".utf8)
    static let imageFileByteCount = header.count + pixelByteCount
    /// The most bytes of a file, and of an archive: the largest have 186 MB.
    static let byteLimit = 512 << 20
    private static let files = LayoutFiles(kind: .cifar)

    /// The planes of a picture as a PPM.
    static func imageFile(planes: [UInt8]) -> [UInt8] {
        precondition(planes.count == pixelByteCount, "a picture has \(pixelByteCount) bytes")
        let plane = side * side
        var bytes = header
        bytes.reserveCapacity(imageFileByteCount)
        for pixel in 0..<plane {
            for channel in 0..<3 { bytes.append(planes[channel * plane + pixel]) }
        }
        return bytes
    }

    /// A form that the data sets are published in.
    private struct Form {
        let folder: String
        let archive: String
        let train: [String]
        let test: String
        let names: String
        let classCount: Int
        let isPickled: Bool

        var fileNames: [String] { train + [test, names] }
    }

    private static let forms: [Form] = [
        Form(
            folder: "cifar-100-binary", archive: "cifar-100-binary.tar.gz", train: ["train.bin"], test: "test.bin",
            names: "fine_label_names.txt", classCount: 100, isPickled: false),
        Form(
            folder: "cifar-100-python", archive: "cifar-100-python.tar.gz", train: ["train"], test: "test",
            names: "meta",
            classCount: 100, isPickled: true),
        Form(
            folder: "cifar-10-batches-bin", archive: "cifar-10-binary.tar.gz",
            train: (1...5).map { "data_batch_\($0).bin" }, test: "test_batch.bin", names: "batches.meta.txt",
            classCount: 10,
            isPickled: false),
        Form(
            folder: "cifar-10-batches-py", archive: "cifar-10-python.tar.gz", train: (1...5).map { "data_batch_\($0)" },
            test: "test_batch", names: "batches.meta", classCount: 10, isPickled: true),
    ]

    private struct Place {
        let form: Form
        /// Of the files; nil for an archive.
        let folder: FilePath?
    }

    /// Unpacked files count before archives.
    private static func place(in root: FilePath) -> Place? {
        func isThere(_ name: String, in folder: FilePath) -> Bool {
            (try? FileStatus(of: folder.appending(name)))?.kind == .file
        }
        for form in forms {
            for folder in [root, root.appending(form.folder)]
            where isThere(form.train[0], in: folder) && isThere(form.names, in: folder) {
                return Place(form: form, folder: folder)
            }
        }
        return forms.first { isThere($0.archive, in: root) }.map { Place(form: $0, folder: nil) }
    }

    /// What says that the data set is at `root`; nil if nothing does.
    static func evidence(_ root: FilePath) -> String? {
        guard let place = place(in: root) else { return nil }
        guard let folder = place.folder else {
            // It may lie beside what somebody has made of it.
            return ClassFolders.areLikely(in: root) ? nil : "found \(place.form.archive) in \(root)"
        }
        return "found \(place.form.train[0]) and \(place.form.names) in \(folder)"
    }

    /// The data set at or in `root`.
    /// - Throws: `DatasetError`, `DurableFileError`.
    static func load(root: FilePath, options: DatasetOptions, team: WorkerTeam) throws -> Dataset {
        guard let place = place(in: root) else {
            throw DatasetError.missingFile(
                name: DatasetLayout.list(forms.map { "\($0.folder)/" }), folders: [root],
                archive: DatasetLayout.list(forms.map(\.archive)), dataset: DatasetKind.cifar.title)
        }
        let (form, unpacked) = (
            place.form,
            try place.folder == nil
                ? UnpackedFiles(
                    Set(place.form.fileNames), of: root.appending(place.form.archive), byteLimit: byteLimit) : nil
        )
        let folder = place.folder ?? unpacked!.folder
        func file(_ name: String) throws -> FilePath {
            try files.require(name, in: [folder], archive: form.archive)
        }
        let classNames = try classNames(file(form.names), form)
        var parts: [[Sample]] = []
        for (part, names) in [("train", form.train), ("test", [form.test])] {
            var samples: [Sample] = []
            for name in names {
                let path = try file(name)
                // From any root: those of an archive are in another place.
                let source = AbsolutePath.spellings(of: path)[0].string
                for (label, offset) in try form.isPickled ? pickled(path, form) : records(path, form) {
                    let number = String(samples.count)
                    let digits = String(repeating: "0", count: max(0, 5 - number.count)) + number
                    samples.append(
                        Sample(
                            path: "\(part)/\(classNames[label])/\(digits).ppm", label: label,
                            source: .planes(source, offset: offset)))
                }
            }
            parts.append(samples)
        }
        var dataset = try Dataset.listed(
            .cifar, root: root, classNames: classNames, train: parts[0], test: parts[1], options: options, list: folder,
            archive: form.archive, team: team)
        dataset.unpackedFiles = unpacked
        return dataset
    }

    private static func failure(_ path: FilePath, _ place: String? = nil, _ reason: String) -> DatasetError {
        .malformed(path: path, place: place, reason: reason)
    }

    private static func read(_ path: FilePath) throws -> [UInt8] {
        let byteCount = try DurableFile.byteCount(of: path)
        guard byteCount <= byteLimit else {
            throw failure(path, nil, "it has \(byteCount) bytes, more than any file of CIFAR")
        }
        return try DurableFile.read(path)
    }

    private static func classNames(_ path: FilePath, _ form: Form) throws -> [String] {
        var names: [String] = []
        if form.isPickled {
            names = try records(in: try read(path), path) { records in
                records.texts(form.classCount == 100 ? "fine_label_names" : "label_names") ?? []
            }
        } else {
            try AnnotationText(path).forEachRecord(fieldCount: 1) { names.append(String($0.fields[0])) }
        }
        guard names.count == form.classCount, Set(names).count == names.count,
            names.allSatisfy({ SafePath.isSafe($0) && !$0.contains("/") })
        else {
            throw failure(
                path, nil, "it does not have the names of \(form.classCount) classes, but \(names.count) names")
        }
        return names
    }

    /// Labels and places of the pictures of a file of records.
    private static func records(_ path: FilePath, _ form: Form) throws -> [(label: Int, offset: Int)] {
        let bytes = try read(path)
        let labelByteCount = form.classCount == 100 ? 2 : 1
        let size = labelByteCount + pixelByteCount
        guard !bytes.isEmpty, bytes.count % size == 0 else {
            throw failure(path, nil, "it has \(bytes.count) bytes, not a multiple of the \(size) of a picture")
        }
        return try stride(from: 0, to: bytes.count, by: size).map { start in
            let label = Int(bytes[start + labelByteCount - 1])
            guard label < form.classCount else {
                throw failure(
                    path, "picture \(start / size)", "its label is \(label), expected less than \(form.classCount)")
            }
            return (label, start + labelByteCount)
        }
    }

    /// Labels and places of the pictures of a pickle.
    private static func pickled(_ path: FilePath, _ form: Form) throws -> [(label: Int, offset: Int)] {
        let key = form.classCount == 100 ? "fine_labels" : "labels"
        return try records(in: try read(path), path) { records in
            guard let labels = records.integers(key), !labels.isEmpty else {
                throw failure(path, nil, "it has no list of numbers \"\(key)\"")
            }
            if let label = labels.first(where: { !(0..<form.classCount).contains($0) }) {
                throw failure(path, nil, "a label is \(label), expected 0 to \(form.classCount - 1)")
            }
            guard let pixels = records.bytes(rowCount: labels.count, columnCount: pixelByteCount) else {
                throw failure(path, nil, "it has no array of \(labels.count) x \(pixelByteCount) bytes for its labels")
            }
            return labels.enumerated().map { ($1, pixels.lowerBound + $0 * pixelByteCount) }
        }
    }

    private static func records<Result>(
        in bytes: [UInt8], _ path: FilePath, _ body: (PickledRecords) throws -> Result
    ) throws -> Result {
        try bytes.withUnsafeBytes { bytes in
            do {
                return try body(PickledRecords(bytes))
            } catch let problem as PickledRecords.Problem {
                throw failure(path, nil, "it \(problem.reason)")
            }
        }
    }
}
