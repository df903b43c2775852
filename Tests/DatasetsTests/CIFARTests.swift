import CZlib
import Datasets
import DurableFiles
import Foundation
import SystemPackage
import Testing

private let classCount = 10
private let names = (0..<classCount).map { "class \($0)" }

/// Planes of a picture of its own for each number; not text in any encoding.
private func planes(_ number: Int) -> [UInt8] {
    let bytes: [UInt8] = (0..<3072).map { place in
        let hash = (place &+ 7919 &* number) &* 2_654_435_761
        return UInt8(truncatingIfNeeded: hash >> 13)
    }
    return [0xFF] + bytes.dropFirst()
}

/// Labels of training images of a file, and of the test images.
private func labels(_ file: Int) -> [Int] { [1, 3, 1 + 2 * (file % 2)] }
private let testLabels = [1, 3]

/// CIFAR-10 in records.
private func binaryFiles() -> [(String, [UInt8])] {
    var files: [(String, [UInt8])] = [("batches.meta.txt", Array((names.joined(separator: "\n") + "\n\n").utf8))]
    var number = 0
    for file in 1...5 {
        var bytes: [UInt8] = []
        for label in labels(file) {
            bytes += [UInt8(label)] + planes(number)
            number += 1
        }
        files.append(("data_batch_\(file).bin", bytes))
    }
    files.append(("test_batch.bin", testLabels.enumerated().flatMap { [UInt8($1)] + planes(100 + $0) }))
    return files
}

/// Writes pickles as Python 2's NumPy did, protocol 2.
private struct PickleMaker {
    var bytes: [UInt8] = [0x80, 2, UInt8(ascii: "}"), UInt8(ascii: "(")]

    mutating func text(_ text: String) { bytes += [UInt8(ascii: "U"), UInt8(text.utf8.count)] + text.utf8 }
    mutating func integer(_ value: Int) {
        bytes += [UInt8(ascii: "M"), UInt8(value & 0xFF), UInt8(value >> 8)]
    }
    mutating func name(_ module: String, _ name: String) { bytes += Array("c\(module)\n\(name)\n".utf8) }
    mutating func list(_ write: (inout PickleMaker) -> Void) {
        bytes += Array("](".utf8)
        write(&self)
        bytes += Array("e".utf8)
    }

    /// An array [rows, 3072] of bytes; `isNew` as Python 3 writes bytes.
    mutating func array(_ elements: [UInt8], isNew: Bool) {
        name("numpy.core.multiarray", "_reconstruct")
        name("numpy", "ndarray")
        integer(0)
        bytes.append(0x85)
        text("b")
        bytes += [0x87, UInt8(ascii: "R"), UInt8(ascii: "(")]
        integer(1)
        integer(elements.count / 3072)
        integer(3072)
        bytes.append(0x86)
        name("numpy", "dtype")
        text("u1")
        integer(0)
        integer(1)
        bytes += [0x87, UInt8(ascii: "R"), UInt8(ascii: "(")]
        integer(3)
        text("|")
        bytes += Array("NNN".utf8) + Array("J".utf8) + [0xFF, 0xFF, 0xFF, 0xFF] + Array("J".utf8)
        bytes += [0xFF, 0xFF, 0xFF, 0xFF]
        integer(0)
        bytes += Array("tb".utf8) + [0x89]
        let count = elements.count
        bytes += [UInt8(ascii: isNew ? "B" : "T")] + (0..<4).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) }
        bytes += elements + Array("tb".utf8)
    }

    func finished() -> [UInt8] { bytes + Array("u.".utf8) }
}

private func batch(_ labels: [Int], _ pixels: [UInt8], isNew: Bool, key: String = "labels") -> [UInt8] {
    var maker = PickleMaker()
    maker.text("batch_label")
    maker.text("training batch")
    maker.text(key)
    maker.list { maker in for label in labels { maker.integer(label) } }
    maker.text("data")
    maker.array(pixels, isNew: isNew)
    maker.text("filenames")
    maker.list { maker in for index in labels.indices { maker.text("\(index).png") } }
    return maker.finished()
}

/// The same pictures as pickles.
private func pythonFiles(isNew: Bool = false) -> [(String, [UInt8])] {
    var meta = PickleMaker()
    meta.text("label_names")
    meta.list { maker in for name in names { maker.text(name) } }
    var files = [("batches.meta", meta.finished())]
    for file in 1...5 {
        let first = 3 * (file - 1)
        files.append(
            ("data_batch_\(file)", batch(labels(file), (first..<first + 3).flatMap(planes), isNew: isNew)))
    }
    return files + [("test_batch", batch(testLabels, planes(100) + planes(101), isNew: isNew))]
}

private func gzipped(_ bytes: [UInt8]) -> [UInt8] {
    let path = NSTemporaryDirectory() + "infodisent-cifar-\(UUID().uuidString).gz"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let file = gzopen(path, "wb")
    bytes.withUnsafeBytes { _ = gzwrite(file, $0.baseAddress, UInt32($0.count)) }
    gzclose(file)
    return Array(FileManager.default.contents(atPath: path) ?? Data())
}

@Suite struct CIFARTests {
    static let forms = ["binary", "binary.tar.gz", "python", "python.tar.gz", "python 3"]

    private func make(_ form: String, at place: String = "") throws -> DatasetFolder {
        let folder = try DatasetFolder()
        let isBinary = form.hasPrefix("binary")
        let inner = isBinary ? "cifar-10-batches-bin" : "cifar-10-batches-py"
        let files = isBinary ? binaryFiles() : pythonFiles(isNew: form == "python 3")
        if form.hasSuffix(".gz") {
            let archive = TarMaker.archive(files.map { ("\(inner)/\($0)", $1) })
            try folder.write(gzipped(archive), to: "\(place)cifar-10-\(isBinary ? "binary" : "python").tar.gz")
        } else {
            for (name, bytes) in files { try folder.write(bytes, to: "\(place)\(inner)/\(name)") }
        }
        return folder
    }

    @Test(arguments: forms) func allPublishedFormsAreTheSameDataSet(form: String) throws {
        let folder = try make(form)
        let dataset = try folder.load()
        #expect(dataset.kind == "cifar" && dataset.classNames == names)
        #expect(dataset.train.count == 15 && dataset.test.count == 2)
        #expect(dataset.train.first?.path == "train/class 1/00000.ppm")
        #expect(dataset.test.map(\.path) == ["test/class 1/00000.ppm", "test/class 3/00001.ppm"])
        #expect(try dataset.fingerprint == make("binary").load().fingerprint)
        // Pixels: planes become pixels of three bytes.
        let sample = try #require(dataset.train.first { $0.path.hasSuffix("00004.ppm") })
        let image = try dataset.image(of: sample)
        let expected = planes(4)
        #expect(image.width == 32 && image.height == 32)
        for channel in 0..<3 {
            let plane: [UInt8] = (0..<1024).map { image.pixels[3 * $0 + channel] }
            #expect(plane == Array(expected[1024 * channel..<1024 * (channel + 1)]))
        }
        #expect(try dataset.contentDigest(of: sample) == ContentDigest(of: dataset.bytes(of: sample)))
        #expect(try dataset.edgeDigest(of: sample) == EdgeDigest(ofFile: dataset.bytes(of: sample)))
        let validation = try folder.load { $0.split = .validation }
        #expect(validation.train.count + validation.test.count == 15)
        #expect(try validation.test.allSatisfy { try validation.image(of: $0).width == 32 })
    }

    @Test func theFolderItselfOrALoneOneMayBeTheRoot() throws {
        let folder = try make("python", at: "archive/")
        let fingerprint = try make("python").load().fingerprint
        #expect(try folder.load().fingerprint == fingerprint)
        #expect(try folder.load(.cifar).fingerprint == fingerprint)
        let direct = try Dataset.load(root: folder.place("archive/cifar-10-batches-py"))
        #expect(direct.fingerprint == fingerprint)
    }

    @Test func anArchiveBesideFoldersOfPicturesIsNothing() throws {
        let folder = try make("python.tar.gz")
        for part in ["train", "test"] {
            for name in ["apple", "bear"] { try folder.write("x", to: "\(part)/\(name)/1.png") }
        }
        #expect(try folder.load().kind == "class_folders")
        #expect(try folder.load(.cifar).kind == "cifar")
    }

    @Test func cifar100HasTheFineLabels() throws {
        let folder = try DatasetFolder()
        let fine = (0..<100).map { "fine\($0)" }
        try folder.write(fine.joined(separator: "\n") + "\n", to: "fine_label_names.txt")
        try folder.write([7, 42] + planes(1) + [7, 99] + planes(2), to: "train.bin")
        try folder.write([8, 42] + planes(3), to: "test.bin")
        let binary = try folder.load()
        #expect(binary.train.map(\.label) == [42, 99] && binary.classNames == fine)
        let python = try DatasetFolder()
        var meta = PickleMaker()
        meta.text("fine_label_names")
        meta.list { maker in for name in fine { maker.text(name) } }
        try python.write(meta.finished(), to: "cifar-100-python/meta")
        try python.write(
            batch([42, 99], planes(1) + planes(2), isNew: false, key: "fine_labels"), to: "cifar-100-python/train")
        try python.write(batch([42], planes(3), isNew: false, key: "fine_labels"), to: "cifar-100-python/test")
        #expect(try python.load().fingerprint == binary.fingerprint)
    }

    @Test func filesThatCannotBeAreNamed() throws {
        func broken(
            _ form: String, _ name: String, _ bytes: [UInt8], _ message: String,
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let folder = try make(form)
            let inner = form == "binary" ? "cifar-10-batches-bin" : "cifar-10-batches-py"
            try folder.write(bytes, to: "\(inner)/\(name)")
            folder.expectError(.cifar, exitCode: 65, naming: name, message, sourceLocation: sourceLocation)
        }
        try broken("binary", "data_batch_2.bin", [1, 2, 3], "it has 3 bytes, not a multiple of the 3073")
        try broken("binary", "data_batch_2.bin", [10] + planes(0), "picture 0: its label is 10")
        try broken("binary", "batches.meta.txt", Array("a\nb\n".utf8), "the names of 10 classes, but 2")
        try broken("python", "data_batch_1", [0x80, 2], "it is no sound pickle")
        try broken("python", "data_batch_1", batch([1, 2], planes(1), isNew: false), "no array of 2 x 3072 bytes")
        try broken("python", "data_batch_1", batch([1, 10], planes(1) + planes(2), isNew: false), "a label is 10")
        try broken(
            "python", "data_batch_1", batch([1], planes(1), isNew: false, key: "other"), "no list of numbers \"labels\""
        )
        // What would run a program is not run.
        let attack: [UInt8] = [0x80, 2] + Array("cposix\nsystem\nU\u{4}true".utf8) + [0x85, 0x52, 0x2E]
        try broken("python", "data_batch_1", attack, "asks for posix.system")
        let folder = try make("binary.tar.gz")
        let bytes = try Data(contentsOf: URL(fileURLWithPath: folder.place("cifar-10-binary.tar.gz").string))
        try folder.write(Array(bytes.prefix(bytes.count / 2)), to: "cifar-10-binary.tar.gz")
        folder.expectError(.cifar, exitCode: 65, naming: "cifar-10-binary.tar.gz", "cut short")
        let missing = try make("binary")
        try missing.remove("cifar-10-batches-bin/test_batch.bin")
        missing.expectError(.auto, exitCode: 66, naming: "CIFAR needs test_batch.bin", "cifar-10-binary.tar.gz")
        try DatasetFolder().expectError(.cifar, exitCode: 66, naming: "cifar-100-python.tar.gz")
    }
}
