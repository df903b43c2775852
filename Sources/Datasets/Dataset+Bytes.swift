import FieldCoding
import SystemPackage

/// A listing in one array of bytes, on its way from the process that found it to others on the same host.
extension Dataset {
    /// Whether another process finds the images where this one does: not those that go away with this process.
    public var canBeShared: Bool { unpackedFiles == nil }

    /// What `init(bytes:)` reads: the fields in the order in which that takes them.
    public var bytes: [UInt8] {
        var writer = FieldWriter()
        for text in [kind, root.string, recognition, level.rawValue] { writer.append(text) }
        for texts in [classNames, classTitles, partNames, notes] { writer.append(list: texts) { $0.append($1) } }
        writer.append(optional: crop) { $0.append($1.rawValue) }
        writer.append(optional: boxFiles) { $0.append($1) }
        for split in Split.allCases { writer.append(list: samples(split)) { $0.append($1) } }
        writer.append(list: byteCounts) { $0.append($1) }
        writer.append(hasOwnSplit ? 1 : 0)
        return writer.bytes
    }

    /// The listing that gave `bytes`, which must come from the same program. Its fingerprint is computed anew.
    /// - Throws: `FieldFault`.
    public init(bytes: [UInt8]) throws {
        var reader = FieldReader(bytes)
        let (kind, root, recognition) = (try reader.readText(), FilePath(try reader.readText()), try reader.readText())
        let level = try reader.readChoice(PartDataset.Level.self)
        let classNames = try reader.readTexts()
        let classTitles = try reader.readTexts()
        let partNames = try reader.readTexts()
        let notes = try reader.readTexts()
        let crop = try reader.readOptional { reader throws in try reader.readChoice(DatasetCrop.self) }
        let boxFiles = try reader.readOptional { reader throws in try reader.readBoxFiles() }
        let parts = try Split.allCases.map { _ in
            try reader.readList(ofAtLeast: 40) { reader throws in try reader.readSample(classCount: classNames.count) }
        }
        let byteCounts = try reader.readList(ofAtLeast: 8) { reader throws in try reader.readCount() }
        let hasOwnSplit = try reader.readCount() == 1
        try reader.requireEnd()
        guard byteCounts.count == parts[0].count + parts[1].count, classTitles.count == classNames.count else {
            throw FieldFault(problem: "it does not have one size for each image and one title for each class")
        }
        self.init(
            kind: kind, root: root, classNames: classNames, train: parts[0], test: parts[1],
            trainByteCounts: Array(byteCounts[..<parts[0].count]), testByteCounts: Array(byteCounts[parts[0].count...]),
            partNames: partNames, crop: crop, boxFiles: boxFiles, notes: notes)
        if level != .easy { setLevel(level) }
        self.recognition = recognition
        self.classTitles = classTitles
        self.hasOwnSplit = hasOwnSplit
    }
}

extension FieldWriter {
    fileprivate mutating func append(_ boxFiles: BoxFiles) {
        switch boxFiles {
        case .dogs(let folder):
            append(0)
            append(folder.string)
        case .imageNet(let folder):
            append(1)
            append(folder.string)
        }
    }

    fileprivate mutating func append(_ sample: Sample) {
        append(sample.path)
        append(sample.label)
        switch sample.source {
        case .file: append(0)
        case .folder(let folder):
            append(1)
            append(folder)
        case .archive(let archive, let offset, let byteCount):
            append(2)
            append(archive)
            append(offset)
            append(byteCount)
        case .planes(let file, let offset):
            append(3)
            append(file)
            append(offset)
        }
        append(optional: sample.boxes) { writer, boxes in
            writer.append(list: boxes) { writer, box in
                for number in [box.x, box.y, box.width, box.height] { writer.append(number) }
            }
        }
        append(optional: sample.parts) { writer, parts in
            writer.append(list: parts) { writer, part in
                writer.append(part.x)
                writer.append(part.y)
                writer.append(part.isVisible ? 1 : 0)
            }
        }
    }
}

extension FieldReader {
    fileprivate mutating func readTexts() throws -> [String] {
        try readList(ofAtLeast: 8) { reader throws in try reader.readText() }
    }

    fileprivate mutating func readChoice<Choice: RawRepresentable<String>>(_: Choice.Type) throws -> Choice {
        let text = try readText()
        guard let choice = Choice(rawValue: text) else { throw FieldFault(problem: "\(text) is no \(Choice.self)") }
        return choice
    }

    fileprivate mutating func readBoxFiles() throws -> BoxFiles {
        switch try readCount() {
        case 0: return .dogs(folder: FilePath(try readText()))
        case 1: return .imageNet(folder: FilePath(try readText()))
        case let other: throw FieldFault(problem: "\(other) is no kind of annotations")
        }
    }

    fileprivate mutating func readSample(classCount: Int) throws -> Sample {
        let (path, label) = (try readText(), try readCount())
        guard label < classCount else { throw FieldFault(problem: "\(path) is of class \(label) of \(classCount)") }
        let source: SampleSource
        switch try readCount() {
        case 0: source = .file
        case 1: source = .folder(try readText())
        case 2: source = .archive(try readText(), offset: try readCount(), byteCount: try readCount())
        case 3: source = .planes(try readText(), offset: try readCount())
        case let other: throw FieldFault(problem: "\(other) is no kind of place of an image")
        }
        let boxes = try readOptional { reader throws in
            try reader.readList(ofAtLeast: 32) { reader throws in
                BoundingBox(
                    x: try reader.readDouble(), y: try reader.readDouble(), width: try reader.readDouble(),
                    height: try reader.readDouble())
            }
        }
        let parts = try readOptional { reader throws in
            try reader.readList(ofAtLeast: 24) { reader throws in
                PartLocation(
                    x: try reader.readDouble(), y: try reader.readDouble(), isVisible: try reader.readCount() == 1)
            }
        }
        return Sample(path: path, label: label, source: source, boxes: boxes, parts: parts)
    }
}
