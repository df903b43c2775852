import PrintableText
import SystemPackage
import Tensors

extension Dataset {
    /// Finds the images and labels below `root`, in whichever of the known layouts they are. No image is opened.
    ///
    /// - Parameter team: looks at files; large data sets have a million of them.
    /// - Throws: `DatasetError`, which says for a known layout which file is missing, where it was looked for and which archive
    ///   has it; `PartDatasetError`, `DurableFileError`.
    public static func load(
        root: FilePath, options: DatasetOptions = DatasetOptions(), team: WorkerTeam = WorkerTeam()
    ) throws -> Dataset {
        guard options.testFraction > 0 && options.testFraction < 1 else {
            throw DatasetError.invalidTestFraction(options.testFraction)
        }
        guard let status = try? FileStatus(of: root) else { throw DatasetError.missingRoot(path: root) }
        guard status.kind == .folder || CSVManifest.isList(root) else {
            throw DatasetError.rootIsNotAFolder(path: root)
        }
        var layout = DatasetLayout(kind: options.kind, evidence: "as configured", root: root)
        if options.kind == .auto {
            layout = try DatasetLayout.detect(root)
        } else if status.kind == .folder {
            layout.root = try DatasetLayout.place(of: options.kind, in: root)
        }
        var dataset = try load(layout.kind, layout.root, options, team)
        try dataset.checkClasses()
        if options.split == .validation {
            let evidence = dataset.recognition
            dataset = try dataset.splittingTrainingImages(testFraction: options.testFraction, seed: options.splitSeed)
            dataset.recognition = evidence
        }
        // Class folders are recognised by being nothing else, so that their reader says what it found.
        if options.kind != .auto || layout.kind != .classFolders { dataset.recognition = layout.evidence }
        dataset.recognition = "\(layout.kind.title): \(dataset.recognition)".printable
        if layout.root != root {
            dataset.notes.insert(
                "\(root) holds nothing but one folder, so that the data set is taken from \(layout.root).".printable,
                at: 0)
        }
        return dataset
    }

    /// Checks that there is something to tell apart.
    private func checkClasses() throws {
        guard let first = train.first else { return }
        guard train.contains(where: { $0.label != first.label }) else {
            throw DatasetError.singleClass(name: classNames[first.label], root: root)
        }
    }

    private static func load(
        _ kind: DatasetKind, _ root: FilePath, _ options: DatasetOptions, _ team: WorkerTeam
    ) throws -> Dataset {
        switch kind {
        case .auto: preconditionFailure("a layout was detected")
        case .classFolders, .parts:
            try requireNoCrop(options, kind)
            // A part data set is class folders with a manifest; reading that checks that it is one.
            let level = kind == .parts ? try PartDataset.manifest(of: root).options.level : .easy
            var dataset = try ClassFolders.load(
                root: root, testFraction: options.testFraction, seed: options.splitSeed)
            dataset.kind = kind.rawValue
            if level != .easy { dataset.setLevel(level) }
            return dataset
        case .cub: return try CUB200.load(root: root, options: options, team: team)
        case .cars: return try StanfordCars.load(root: root, options: options, team: team)
        case .dogs: return try StanfordDogs.load(root: root, options: options, team: team)
        case .imagenet: return try ImageNet.load(root: root, options: options, team: team)
        case .csv: return try CSVManifest.load(root: root, options: options, team: team)
        case .webdataset:
            try requireNoCrop(options, kind)
            return try TarShards.load(root: root, options: options, team: team)
        case .cifar:
            try requireNoCrop(options, kind)
            return try CIFAR.load(root: root, options: options, team: team)
        case .funnybirds:
            try requireNoCrop(options, kind)
            return try FunnyBirds.load(root: root, options: options, team: team)
        }
    }

    private static func requireNoCrop(_ options: DatasetOptions, _ kind: DatasetKind) throws {
        guard options.crop == nil else { throw DatasetError.noBoxes(kind: kind.title) }
    }

    // MARK: - From lists

    /// A data set whose samples come from lists: they are put in order of label and path, looked at for their sizes, and
    /// checked to make a data set.
    ///
    /// - Parameters:
    ///   - list: what the images are listed in, for messages.
    ///   - archive: where the images are to be found if they are missing, for messages.
    static func listed(
        _ kind: DatasetKind, root: FilePath, classNames: [String], train: [Sample], test: [Sample],
        partNames: [String] = [], boxFiles: BoxFiles? = nil, options: DatasetOptions, list: FilePath, archive: String?,
        notes: [String] = [],
        team: WorkerTeam
    ) throws -> Dataset {
        var parts = [train, test].map { samples in
            samples.sorted { first, second in
                first.label != second.label
                    ? first.label < second.label : first.path.precedesByCodePoint(second.path)
            }
        }
        let byteCounts = try Self.byteCounts(of: parts[0] + parts[1], root: root, list: list, archive: archive, team)
        guard !parts[0].isEmpty else { throw DatasetError.noTrainingImages(list: list) }
        var isTrained = [Bool](repeating: false, count: classNames.count)
        for sample in parts[0] { isTrained[sample.label] = true }
        if let untrained = parts[1].first(where: { !isTrained[$0.label] }) {
            throw DatasetError.classOnlyTested(name: classNames[untrained.label], list: list)
        }
        if options.crop != nil {
            // Boxes decide pixels, so that they are part of the fingerprint.
            if let boxFiles { parts = try parts.map { try boxFiles.filled($0, team) } }
            if let without = parts.joined().first(where: { $0.boxes?.isEmpty != false }) {
                throw DatasetError.noBox(image: file(of: without, below: root))
            }
        }
        return Dataset(
            kind: kind.rawValue, root: root, classNames: classNames, train: parts[0], test: parts[1],
            trainByteCounts: Array(byteCounts[..<parts[0].count]), testByteCounts: Array(byteCounts[parts[0].count...]),
            partNames: partNames, crop: options.crop, boxFiles: boxFiles, notes: notes)
    }

    /// The sizes of samples' files, which must all be there.
    private static func byteCounts(
        of samples: [Sample], root: FilePath, list: FilePath, archive: String?, _ team: WorkerTeam
    ) throws -> [Int] {
        let pieceLength = 512
        let pieces = try team.map((samples.count + pieceLength - 1) / pieceLength) { _, piece in
            samples[piece * pieceLength..<min(samples.count, (piece + 1) * pieceLength)].map { sample -> Int in
                if let byteCount = sample.source.byteCount { return byteCount }
                let status = try? FileStatus(of: file(of: sample, below: root))
                return status?.kind == .file ? status!.byteCount : -1
            }
        }
        let byteCounts = Array(pieces.joined())
        if let missing = byteCounts.firstIndex(of: -1) {
            throw DatasetError.missingImages(
                first: file(of: samples[missing], below: root), count: byteCounts.count { $0 == -1 },
                total: samples.count, list: list, archive: archive,
                hint: otherSpelling(of: file(of: samples[missing], below: root)))
        }
        return byteCounts
    }

    /// What there is to say if a missing file is there under the same name in another encoding of its accents.
    private static func otherSpelling(of file: FilePath) -> String? {
        guard let name = file.lastComponent?.string, name.utf8.contains(where: { $0 >= 0x80 }) else { return nil }
        var scanner = FolderScanner(root: file.removingLastComponent())
        guard let listing = try? scanner.list(FilePath()),
            listing.files.contains(where: { $0.name == name && !$0.name.utf8.elementsEqual(name.utf8) })
        else { return nil }
        return
            "A file of that name is there whose accents Unicode writes in another way (macOS does): rename it, or write the "
            + "list as the disk has it."
    }

    // MARK: - Validation

    /// The data set with a share of each class's training images as its test images, and without its own test images.
    private func splittingTrainingImages(testFraction: Double, seed: UInt64) throws -> Dataset {
        var members = [[Int]](repeating: [], count: classNames.count)
        for (index, sample) in train.enumerated() { members[sample.label].append(index) }
        var isTested = [Bool](repeating: false, count: train.count)
        for (label, indices) in members.enumerated() where !indices.isEmpty {
            guard indices.count >= 2 else {
                throw DatasetError.tooFewImages(className: classNames[label], count: indices.count, root: root)
            }
            let tested = ClassSplit.testIndices(
                count: indices.count, testFraction: testFraction, label: label, seed: seed)
            for place in tested { isTested[indices[place]] = true }
        }
        func part(_ tested: Bool) -> (samples: [Sample], byteCounts: [Int]) {
            let indices = train.indices.filter { isTested[$0] == tested }
            return (indices.map { train[$0] }, indices.map { byteCounts[$0] })
        }
        let (kept, tested) = (part(false), part(true))
        var dataset = Dataset(
            kind: kind, root: root, classNames: classNames, train: kept.samples, test: tested.samples,
            trainByteCounts: kept.byteCounts, testByteCounts: tested.byteCounts, partNames: partNames, crop: crop,
            boxFiles: boxFiles,
            notes: notes + [
                "The \(tested.samples.count) test images are taken from the training images (dataset.split: validation); "
                    + "scores on them are not those of the official test images."
            ])
        dataset.unpackedFiles = unpackedFiles
        if level != .easy { dataset.setLevel(level) }
        dataset.hasOwnSplit = false
        return dataset
    }
}
