import Datasets
import Foundation
import ImageCoding
import Synchronization
import SystemPackage
import Tensors
import Testing

@Suite struct PartDatasetFilesTests {
    private static let small = PartDataset.Options(
        classCount: 3, firstClass: 4, trainPerClass: 4, testPerClass: 2, seed: 11, imageSide: 128)

    @Test func theSameSeedGivesTheSameBytesWithAnyNumberOfWorkers() throws {
        try withTemporaryFolder { (folder) throws in
            try PartDataset.generate(Self.small, into: folder.appending("one"), team: WorkerTeam(workerCount: 1))
            try PartDataset.generate(Self.small, into: folder.appending("three"), team: WorkerTeam(workerCount: 3))
            let one = try files(in: folder.appending("one"))
            #expect(one.count == 3 * 6 + 2)
            #expect(try files(in: folder.appending("three")) == one)

            var other = Self.small
            other.seed = 12
            try PartDataset.generate(other, into: folder.appending("other"))
            let others = try files(in: folder.appending("other"))
            #expect(Set(others.keys) == Set(one.keys))
            #expect(others.allSatisfy { one[$0.key] != $0.value })
        }
    }

    @Test func anImageDoesNotDependOnTheOtherOptions() throws {
        try withTemporaryFolder { (folder) throws in
            let few = PartDataset.Options(
                classCount: 1, firstClass: 5, trainPerClass: 2, testPerClass: 1, seed: 11, imageSide: 128)
            try PartDataset.generate(Self.small, into: folder.appending("small"))
            try PartDataset.generate(few, into: folder.appending("few"))
            let small = try files(in: folder.appending("small"))
            let images = try files(in: folder.appending("few")).filter { $0.key.hasSuffix(".jpg") }
            #expect(images.count == 3)
            for (path, bytes) in images { #expect(small[path] == bytes, "\(path)") }
        }
    }

    @Test func annotationsDescribeTheImages() throws {
        try withTemporaryFolder { (folder) throws in
            let directory = folder.appending("birds")
            try PartDataset.generate(Self.small, into: directory)
            let files = try files(in: directory)
            let manifest = try PartDataset.manifest(of: directory)
            #expect(manifest.options == Self.small)
            #expect(manifest.classes.map(\.classIndex) == [4, 5, 6])
            #expect(manifest.classes.map(\.name) == [4, 5, 6].map(PartDataset.className))
            #expect(manifest.parts.map(\.part) == PartDataset.Part.allCases)

            let annotations = try PartDataset.annotations(of: directory)
            #expect(Set(annotations.map(\.path)) == Set(files.keys.filter { $0.hasSuffix(".jpg") }))
            for annotation in annotations {
                #expect(annotation.path.hasPrefix("\(annotation.split.rawValue)/\(annotation.className)/"))
                #expect(manifest.classes[annotation.label].name == annotation.className)
                #expect(manifest.classes[annotation.label].variants == annotation.bird.variants)
                let drawing = PartDataset.draw(annotation.bird)
                #expect(drawing.parts == annotation.parts)
                #expect(ImageEncoder.jpeg(drawing.image) == Array(try #require(files[annotation.path])))
            }
        }
    }

    @Test func classFoldersReadItWithTheSameLabels() throws {
        try withTemporaryFolder { (folder) throws in
            let directory = folder.appending("birds")
            try PartDataset.generate(Self.small, into: directory)
            let dataset = try ClassFolders.load(root: directory)
            let annotations = try PartDataset.annotations(of: directory)
            #expect(dataset.classNames == (4..<7).map(PartDataset.className))
            for split in Split.allCases {
                let expected = annotations.filter { $0.split == split }.map { Sample(path: $0.path, label: $0.label) }
                #expect(dataset.samples(split) == expected)
            }
        }
    }

    @Test func damagedFilesAreNamed() throws {
        try withTemporaryFolder { (folder) throws in
            let directory = folder.appending("birds")
            try PartDataset.generate(Self.small, into: directory)
            func replace(_ name: String, _ old: String, _ new: String) throws {
                let url = URL(fileURLWithPath: directory.appending(name).string)
                let text = try String(contentsOf: url, encoding: .utf8)
                try #require(text.contains(old))
                try Data(text.replacingOccurrences(of: old, with: new).utf8).write(to: url)
            }

            try replace("annotations.jsonl", #","split":"train""#, "")
            #expect {
                try PartDataset.annotations(of: directory)
            } throws: { error in
                guard case PartDatasetError.malformed(let path, let line, let reason) = error else { return false }
                return path == directory.appending("annotations.jsonl") && line == 1 && reason.contains("split")
            }
            try replace("dataset.json", #""webbed""#, #""wheeled""#)
            #expect(throws: PartDatasetError.self) { try PartDataset.manifest(of: directory) }
            try replace("dataset.json", #""schemaVersion" : 1"#, #""schemaVersion" : 2"#)
            let file = directory.appending("dataset.json")
            #expect(throws: PartDatasetError.unknownVersion(file, found: 2, expected: 1)) {
                try PartDataset.manifest(of: directory)
            }
            #expect(throws: (any Error).self) { try PartDataset.manifest(of: folder) }
        }
    }

    @Test func progressCountsEveryImage() throws {
        try withTemporaryFolder { (folder) throws in
            let calls = Mutex<[[Int]]>([])
            try PartDataset.generate(Self.small, into: folder.appending("birds")) { done, total in
                calls.withLock { $0.append([done, total]) }
            }
            #expect(calls.withLock { $0 } == (1...18).map { [$0, 18] })
        }
    }

    @Test func aFolderWithFilesIsRefusedAndLeftAlone() throws {
        try withTemporaryFolder { (folder) throws in
            let precious = folder.appending("precious.txt")
            try Data("kept".utf8).write(to: URL(fileURLWithPath: precious.string))
            #expect(throws: PartDatasetError.outputNotEmpty(folder)) {
                try PartDataset.generate(Self.small, into: folder)
            }
            #expect(throws: PartDatasetError.notADirectory(precious)) {
                try PartDataset.generate(Self.small, into: precious)
            }
            #expect(try files(in: folder) == ["precious.txt": Data("kept".utf8)])
        }
    }

    @Test func anEmptyFolderIsFilledAndNothingIsLeftBesideIt() throws {
        try withTemporaryFolder { (folder) throws in
            let empty = folder.appending("empty")
            try FileManager.default.createDirectory(atPath: empty.string, withIntermediateDirectories: true)
            try PartDataset.generate(Self.small, into: empty)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.string) == ["empty"])
        }
    }

    @Test func aFailedRunLeavesNothingBehind() throws {
        try withTemporaryFolder { (folder) throws in
            // The directory is taken by somebody else while images are being written.
            let output = folder.appending("birds")
            #expect(throws: PartDatasetError.self) {
                try PartDataset.generate(Self.small, into: output, team: WorkerTeam(workerCount: 1)) { done, _ in
                    guard done == 1 else { return }
                    try? FileManager.default.createDirectory(
                        atPath: output.appending("theirs").string, withIntermediateDirectories: true)
                }
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.string) == ["birds"])
            #expect(try FileManager.default.contentsOfDirectory(atPath: output.string) == ["theirs"])
        }
    }

    @Test(arguments: [
        PartDataset.Options(classCount: 0), PartDataset.Options(classCount: 1729),
        PartDataset.Options(classCount: 2, firstClass: 1727), PartDataset.Options(firstClass: -1),
        PartDataset.Options(classCount: 1, firstClass: 1728), PartDataset.Options(trainPerClass: -1),
        PartDataset.Options(trainPerClass: 10000), PartDataset.Options(testPerClass: -1),
        PartDataset.Options(trainPerClass: 0, testPerClass: 0), PartDataset.Options(imageSide: 127),
        PartDataset.Options(imageSide: 1025),
    ])
    func optionsOutOfRangeAreRefused(options: PartDataset.Options) throws {
        try withTemporaryFolder { (folder) throws in
            let output = folder.appending("birds")
            #expect(throws: PartDatasetError.self) { try PartDataset.generate(options, into: output) }
            #expect(!FileManager.default.fileExists(atPath: output.string))
        }
    }

    @Test func errorsSayWhatWasExpected() {
        let error = PartDatasetError.invalidOption(name: "image side", value: 64, expected: "128 to 1024 pixels")
        #expect(error.description == "The image side of the part data set cannot be 64: expected 128 to 1024 pixels.")
    }

    // MARK: - Files

    private func withTemporaryFolder(_ body: (FilePath) throws -> Void) throws {
        let folder = FilePath(NSTemporaryDirectory()).appending("part-dataset-\(UUID().uuidString)")
        try FileManager.default.createDirectory(atPath: folder.string, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder.string) }
        try body(folder)
    }

    /// The content of every file, by path relative to `directory`.
    private func files(in directory: FilePath) throws -> [String: Data] {
        var result: [String: Data] = [:]
        for path in try FileManager.default.subpathsOfDirectory(atPath: directory.string) {
            let full = directory.pushing(FilePath(path)).string
            var isDirectory: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: full, isDirectory: &isDirectory)
            if !isDirectory.boolValue { result[path] = try Data(contentsOf: URL(fileURLWithPath: full)) }
        }
        return result
    }
}
