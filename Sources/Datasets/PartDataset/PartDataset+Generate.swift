import DurableFiles
import Foundation
import ImageCoding
import Synchronization
import SystemPackage
import Tensors

extension PartDataset {
    /// One line of `annotations.jsonl`.
    public struct Annotation: Codable, Equatable, Sendable {
        /// Relative to the data set's directory.
        public let path: String
        public let split: Split
        /// The class's folder.
        public let className: String
        /// The class's place among the classes of this data set, from 0.
        public let label: Int
        /// The class's place in the fixed order of all classes.
        public let classIndex: Int
        /// With the image's size: what draws the image again.
        public let bird: BirdDescription
        public let parts: [PartRegion]
    }

    /// The content of `dataset.json`.
    public struct Manifest: Codable, Equatable, Sendable {
        public struct Class: Codable, Equatable, Sendable {
            public let name: String
            public let classIndex: Int
            public let variants: Variants
        }

        /// Version of the files' layout and of the drawing at the level: with another version the same seed gives other images.
        public let schemaVersion: Int
        public let kind: String
        public let options: Options
        /// Part names with the names of their variants, in the order of class names.
        public let parts: [PartVariants]
        /// In order of labels.
        public let classes: [Class]

        public struct PartVariants: Codable, Equatable, Sendable {
            public let part: Part
            public let variants: [String]
        }
    }

    /// Writes a data set:
    ///
    ///     DIR/dataset.json                         options, parts, classes
    ///     DIR/annotations.jsonl                    one `Annotation` a line, in order of split, class and index
    ///     DIR/{train,test}/<class>/<0000>.jpg
    ///
    /// The directory appears complete or not at all. The same options give the same bytes, whatever the team's size.
    ///
    /// - Parameter progress: called with the number of images done and of all images, from any thread, never twice at a
    ///   time, and with the number done rising.
    /// - Throws: `PartDatasetError` for options out of range and for an output that is neither absent nor an empty
    ///   directory; it or `DurableFileError` if writing fails.
    public static func generate(
        _ options: Options, into directory: FilePath, team: WorkerTeam = WorkerTeam(),
        progress: @Sendable (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws {
        try options.validate()
        try requireAbsentOrEmpty(directory)
        let parent = directory.removingLastComponent().isEmpty ? FilePath(".") : directory.removingLastComponent()
        try DurableFile.createDirectory(parent)
        try DurableFile.removeStaleTemporaries(in: parent)
        do {
            try DurableDirectory.write(to: directory) { staging in try write(options, to: staging, team, progress) }
        } catch DurableFileError.alreadyExists(let path) {
            // It was absent or empty a moment ago: somebody else has put something there meanwhile.
            throw PartDatasetError.outputNotEmpty(path)
        }
    }

    private static func write(
        _ options: Options, to directory: FilePath, _ team: WorkerTeam, _ progress: @Sendable (Int, Int) -> Void
    ) throws {
        let classes = options.firstClass..<options.firstClass + options.classCount
        let counts: [(split: Split, perClass: Int)] = [(.train, options.trainPerClass), (.test, options.testPerClass)]
        for (split, perClass) in counts where perClass > 0 {
            for classIndex in classes {
                try DurableFile.createDirectory(directory.appending(split.rawValue).appending(className(classIndex)))
            }
        }

        let total = options.classCount * (options.trainPerClass + options.testPerClass)
        let trainTotal = options.classCount * options.trainPerClass
        let lines = Mutex([Data](repeating: Data(), count: total))
        let done = Mutex(0)
        try team.forEach(total) { _, number in
            let (split, perClass) = number < trainTotal ? counts[0] : counts[1]
            let place = number < trainTotal ? number : number - trainTotal
            let label = place / perClass
            let line = try writeImage(
                options, split, label: label, index: place % perClass, to: directory)
            lines.withLock { $0[number] = line }
            done.withLock {
                $0 += 1
                progress($0, total)
            }
        }
        try write(lines.withLock { Data($0.joined()) }, to: directory.appending("annotations.jsonl"))

        let manifest = Manifest(
            schemaVersion: options.level.schemaVersion, kind: "parts", options: options,
            parts: Part.allCases.map { .init(part: $0, variants: $0.variantNames) },
            classes: classes.map { .init(name: className($0), classIndex: $0, variants: variants(ofClass: $0)) })
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try write(encoder.encode(manifest) + Data("\n".utf8), to: directory.appending("dataset.json"))
    }

    /// Draws and writes one image; the result is its line of `annotations.jsonl`.
    private static func writeImage(
        _ options: Options, _ split: Split, label: Int, index: Int, to directory: FilePath
    ) throws -> Data {
        let classIndex = options.firstClass + label
        let name = className(classIndex)
        let digits = String(index)
        let path = "\(split.rawValue)/\(name)/\(String(repeating: "0", count: 4 - digits.count))\(digits).jpg"
        let bird = description(
            seed: options.seed, split: split, classIndex: classIndex, index: index, imageSide: options.imageSide,
            level: options.level)
        let drawing = draw(bird)
        try write(Data(ImageEncoder.jpeg(drawing.image)), to: directory.pushing(FilePath(path)))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let annotation = Annotation(
            path: path, split: split, className: name, label: label, classIndex: classIndex, bird: bird,
            parts: drawing.parts)
        return try encoder.encode(annotation) + Data("\n".utf8)
    }
}
