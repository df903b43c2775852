import Datasets
import Foundation
import SystemPackage
import Testing

private func image(_ name: String) -> [UInt8] { DatasetFolder.jpeg(name) }

private func shard(_ samples: [(key: String, label: String)], suffix: String = "cls") -> [UInt8] {
    TarMaker.archive(
        samples.flatMap { [("\($0.key).jpg", image($0.key)), ("\($0.key).\(suffix)", Array($0.label.utf8))] })
}

@Suite struct TarShardsTests {
    static let shardNames: [(String, String)] = [
        ("train-0000.tar", "test-0000.tar"), ("train/0.tar", "val/0.tar"), ("birds_train_1.tar", "birds_valid.tar"),
    ]

    @Test(arguments: shardNames)
    func namesSayWhichShardsAreTested(train: String, test: String) throws {
        let folder = try DatasetFolder()
        try folder.write(shard([("a/001", "1"), ("a/002", "0\n")]), to: train)
        try folder.write(shard([("a/001", "1")]), to: test)
        let dataset = try folder.load()
        #expect(dataset.kind == "webdataset" && dataset.recognition.contains("tar"))
        #expect(dataset.classNames == ["0", "1"])
        #expect(dataset.train.map(\.path) == ["\(train)/a/002.jpg", "\(train)/a/001.jpg"])
        #expect(dataset.train.map(\.label) == [0, 1] && dataset.test.map(\.path) == ["\(test)/a/001.jpg"])
        #expect(try dataset.bytes(of: dataset.train[0]) == image("a/002"))
        #expect(try dataset.contentDigest(of: dataset.train[1]) == dataset.contentDigest(of: dataset.test[0]))
    }

    @Test func anOptionMayNameTheTestShards() throws {
        let folder = try DatasetFolder()
        for number in 0..<4 {
            try folder.write(shard([("\(number)", "crow"), ("\(number)b", "wren")]), to: "shard-\(number).tar")
        }
        let dataset = try folder.load { $0.testShards = "shard-[23].tar" }
        #expect(dataset.test.map(\.path).prefix(2) == ["shard-2.tar/2.jpg", "shard-3.tar/3.jpg"])
        #expect(dataset.train.count == 4 && dataset.test.count == 4)
        folder.expectError(.auto, exitCode: 65, naming: "matches none of the 4 shards") { $0.testShards = "x*" }
        folder.expectError(.auto, exitCode: 65, naming: "matches all of the 4 shards") { $0.testShards = "*" }
        // Without it, classes are split.
        let split = try folder.load()
        #expect(split.train.count == 6 && split.test.count == 2 && split.notes.contains { $0.contains("25 %") })
    }

    @Test func labelsMayBeNamesOrObjects() throws {
        let folder = try DatasetFolder()
        try folder.write(shard([("1", "wren"), ("2", "crow")]), to: "train.tar")
        try folder.write(shard([("3", "{\"label\": \"wren\", \"width\": 24}")], suffix: "json"), to: "test.tar")
        let named = try folder.load()
        #expect(named.classNames == ["crow", "wren"] && named.test.map(\.label) == [1])
        try folder.write(
            shard([("1", "{\"label\": 1, \"class_name\": \"wren\"}"), ("2", "{\"label\": 0}")], suffix: "json"),
            to: "train.tar")
        try folder.write(shard([("3", "1")]), to: "test.tar")
        let numbered = try folder.load()
        #expect(numbered.classNames == ["0", "wren"] && numbered.test.map(\.label) == [1])
        // The class is in .cls where both are there, and other files of a sample do not matter.
        try folder.write(
            TarMaker.archive([
                ("1.jpg", image("1")), ("1.json", Array("{\"width\": 24}".utf8)), ("1.cls", Array("1".utf8)),
                ("1.seg.png", image("s")), ("2.cls", Array("0".utf8)), ("2.jpeg", image("2")), ("README", [1]),
            ]), to: "train.tar")
        #expect(try folder.load().train.map(\.path) == ["train.tar/2.jpeg", "train.tar/1.jpg"])
    }

    /// WebDataset's rule parts a name at its first dot; files that are a sample by it stay one.
    @Test func namesMayHaveMoreDots() throws {
        let folder = try DatasetFolder()
        let dotted = ["a/photo.2019.01", "a/photo.2019.02", "b.v2/one"]
        try folder.write(
            TarMaker.archive(
                dotted.enumerated().flatMap { index, key in
                    [("\(key).jpg", image(key)), ("\(key).cls", Array("\(index % 2)".utf8))]
                } + [("z.jpg", image("z")), ("z.cls", Array("1".utf8)), ("z.seg.png", image("s"))]), to: "train.tar")
        try folder.write(
            TarMaker.archive([
                ("x.1.json", Array("{\"label\": 0}".utf8)), ("x.1.JPG", image("x")), ("x.meta.json", Array("[1".utf8)),
            ]), to: "test.tar")
        let indexes = try DatasetFolder()
        for _ in 0..<2 {
            let dataset = try folder.load { $0.indexFolder = indexes.path }
            #expect(
                dataset.train.map(\.path) == [
                    "train.tar/a/photo.2019.01.jpg", "train.tar/b.v2/one.jpg", "train.tar/a/photo.2019.02.jpg",
                    "train.tar/z.jpg",
                ])
            #expect(dataset.test.map(\.path) == ["test.tar/x.1.JPG"])
            #expect(try dataset.bytes(of: dataset.train[2]) == image("a/photo.2019.02"))
        }
    }

    @Test func otherImagesAreTakenWhereThereIsNoneOfTheUsual() throws {
        let folder = try DatasetFolder()
        func samples(_ names: [String]) -> [UInt8] { TarMaker.archive(names.map { ($0, Array("0".utf8)) }) }
        try folder.write(samples(["1.jpg", "1.webp", "1.cls", "2.webp", "2.cls", "3.bmp"]), to: "train-0.tar")
        try folder.write(shard([("4", "1")]), to: "train-1.tar")
        try folder.write(shard([("5", "1")]), to: "test.tar")
        #expect(
            try folder.load().train.map(\.path) == ["train-0.tar/1.jpg", "train-0.tar/2.webp", "train-1.tar/4.jpg"])
    }

    @Test(arguments: ["train-000000.tar.gz", "train/000.tgz", "00001.tar.zst"])
    func compressedShardsAreNamed(name: String) throws {
        let folder = try DatasetFolder()
        try folder.write([0x1F, 0x8B, 8], to: name)
        folder.expectError(.auto, exitCode: 65, naming: name, "compressed", "gunzip")
        // Beside what was unpacked from it, it is nothing.
        let unpacked = try DatasetFolder()
        try unpacked.write([0x1F, 0x8B, 8], to: "train.tar.gz")
        for part in ["train", "test"] {
            for kind in ["crow", "wren"] { try unpacked.write("x", to: "\(part)/\(kind)/1.jpg") }
        }
        #expect(try unpacked.load().kind == "class_folders")
    }

    static let brokenSamples: [([(String, String)], String)] = [
        ([("1.jpg", "x"), ("2.cls", "0")], "sample 1: it has an image, but no .cls or .json"),
        ([("1.cls", "0")], "sample 1: it has a label, but no .jpg"),
        (
            [("1.jpg", "x"), ("1.cls", "0"), ("2.jpg", "x"), ("2.cls", "0"), ("1.jpg", "x"), ("1.cls", "0")],
            "it is there twice"
        ),
        ([("1.jpg", "x"), ("1.png", "x"), ("1.cls", "0")], "it has two images"),
        ([("1.jpg", "x"), ("1.cls", " ")], "its .cls is neither a number nor a name"),
        ([("1.jpg", "x"), ("1.cls", "-1")], "its label is -1"),
        ([("1.jpg", "x"), ("1.cls", "99999999999")], "its label is 99999999999"),
        ([("1.jpg", "x"), ("1.json", "{label")], "its .json cannot be read"),
        ([("1.jpg", "x"), ("1.json", "{\"label\": 1.5}")], "neither an integer nor a name"),
        ([("1.jpg", "x"), ("1.json", "{}")], "it has an image, but no .cls or .json with a label"),
        (
            [("1.jpg", "x"), ("1.cls", "0"), ("2.jpg", "x"), ("2.cls", "crow")],
            "its label is a name, but others are numbers"
        ),
        (
            [("1.jpg", "x"), ("1.cls", "crow"), ("2.jpg", "x"), ("2.cls", "0")],
            "its label is a number, but others are names"
        ),
        (
            [
                ("1.jpg", "x"), ("1.json", "{\"label\":0,\"class_name\":\"a\"}"), ("2.jpg", "x"),
                ("2.json", "{\"label\":0,\"class_name\":\"b\"}"),
            ],
            "the class 0 is called b, but a elsewhere"
        ),
        ([], "its shards hold no samples"),
        ([("../1.jpg", "x")], "its name is \"../1.jpg\""),
    ]

    @Test(arguments: brokenSamples)
    func samplesThatCannotBeAreNamed(entries: [(String, String)], message: String) throws {
        let folder = try DatasetFolder()
        try folder.write(TarMaker.archive(entries.map { ($0, Array($1.utf8)) }), to: "train.tar")
        folder.expectError(.webdataset, exitCode: 65, naming: message)
    }

    @Test func withoutShardsItSaysWhereTheyAreLookedFor() throws {
        let folder = try DatasetFolder()
        folder.expectError(.webdataset, exitCode: 66, naming: "a .tar file", folder.place("train").string)
        try folder.write(shard([("1", "0")]), to: "train.tar")
        folder.expectError(.webdataset, exitCode: 78, naming: "no bounding boxes") { $0.crop = .box }
    }

    // MARK: - Archives

    /// The names and bytes that are found in an archive, beside another one so that there are two classes.
    private func read(_ make: (inout TarMaker) -> Void) throws -> [String] {
        let folder = try DatasetFolder()
        var maker = TarMaker()
        make(&maker)
        maker.add("1.cls", Array("0".utf8))
        maker.finish()
        try folder.write(maker.bytes, to: "train.tar")
        try folder.write(shard([("other", "1")]), to: "train-other.tar")
        try folder.write(shard([("1", "0")]), to: "test.tar")
        let samples = try folder.load()
        let train = samples.train.filter { $0.label == 0 }
        for sample in train { #expect(try samples.bytes(of: sample) == image("1")) }
        return train.map(\.path)
    }

    @Test func allFormatsOfNamesAndSizesAreRead() throws {
        #expect(try read { $0.add("1.jpg", image("1")) } == ["train.tar/1.jpg"])
        #expect(try read { $0.add("./1.jpg", image("1")) } == ["train.tar/1.jpg"])
        #expect(try read { $0.addBinarySize("1.jpg", image("1")) } == ["train.tar/1.jpg"])
    }

    @Test(arguments: ["POSIX", "GNU", "pax"])
    func longNamesAreReadInAllFormats(format: String) throws {
        let long = String(repeating: "d/", count: 70) + "1"
        let folder = try DatasetFolder()
        var maker = TarMaker()
        for (suffix, content) in [("jpg", image("1")), ("cls", Array("0".utf8))] {
            switch format {
            case "POSIX": maker.add("1.\(suffix)", content, prefix: String(long.dropLast(2)))
            case "GNU":
                maker.add("././@LongLink", Array("\(long).\(suffix)\0".utf8), type: "L", gnu: true)
                maker.add("cut", content, gnu: true)
            default:
                // The size in the header may be anything: that of the attributes counts.
                maker.addAttributes([
                    ("mtime", "1.5"), ("path", "\(long).\(suffix)"), ("size", String(content.count)),
                ])
                maker.add("cut", content, size: 0)
            }
        }
        maker.finish()
        try folder.write(maker.bytes, to: "train.tar")
        try folder.write(shard([("other", "1")]), to: "train-other.tar")
        try folder.write(shard([("1", "0")]), to: "test.tar")
        let dataset = try folder.load()
        #expect(dataset.train.first?.path == "train.tar/\(long).jpg" && dataset.train.count == 2)
        #expect(try dataset.bytes(of: dataset.train[0]) == image("1"))
    }

    @Test func foldersLinksAndGlobalAttributesArePassedOver() throws {
        let paths = try read { maker in
            maker.add("pax_global_header", Array("20 comment=something".utf8), type: "g")
            maker.add("folder/", [], type: "5")
            maker.add("link.jpg", [], type: "2", size: 999_999)
            maker.add("1.jpg", image("1"))
        }
        #expect(paths == ["train.tar/1.jpg"])
    }

    static let lies: [(String, String)] = [
        ("a wrong check sum", "the check sum"), ("a size beyond the end", "cut short, or the size is wrong"),
        ("a huge binary size", "far too large"), ("a negative binary size", "negative or far too large"),
        ("letters as size", "no octal number"), ("an unknown type", "unknown type"), ("a sparse file", "sparse file"),
        ("a long name without end", "far too long"), ("pax attributes that lie", "pax attributes are damaged"),
        ("a pax size that lies", "cut short, or the size is wrong"),
        ("a pax size that is none", "its size is \"many\""),
        ("a sparse file of pax", "sparse file"), ("a name that is not UTF-8", "not UTF-8"),
        ("an absolute name", "its name is \"/etc/passwd\""), ("an empty name", "its name is \"\""),
    ]

    @Test(arguments: lies)
    func archivesThatLieAreErrors(what: String, message: String) throws {
        var maker = TarMaker()
        switch what {
        case "a wrong check sum": maker.add("1.jpg", [1, 2], checkSum: 4711)
        case "a size beyond the end": maker.add("1.jpg", [1, 2], size: 1 << 30)
        case "a huge binary size": maker.addBinarySize("1.jpg", [1, 2], size: 1 << 60)
        case "an unknown type": maker.add("1.jpg", [1, 2], type: "Z")
        case "a sparse file": maker.add("1.jpg", [1, 2], type: "S")
        case "a long name without end": maker.add("././@LongLink", [UInt8](repeating: 0x61, count: 70_000), type: "L")
        case "pax attributes that lie": maker.add("PaxHeader", Array("99 path=a\n".utf8), type: "x")
        case "a pax size that lies": maker.addAttributes([("size", "123456789")])
        case "a pax size that is none": maker.addAttributes([("size", "many")])
        case "a sparse file of pax": maker.addAttributes([("GNU.sparse.major", "1")])
        case "an absolute name": maker.add("/etc/passwd", [1])
        case "an empty name": maker.add("", [1])
        default:
            maker.add("1.jpg", [1, 2])
            switch what {
            case "a negative binary size": maker.changeHeader(124, to: [0xFF])
            case "letters as size": maker.changeHeader(124, to: Array("abcdef".utf8))
            default: maker.changeHeader(0, to: [0xFF, 0xFE])
            }
        }
        if what.contains("pax size") { maker.add("1.jpg", [1, 2]) }
        maker.finish()
        try expectArchiveError(maker.bytes, message)
    }

    @Test func archivesThatEndTooEarlyAreErrors() throws {
        var maker = TarMaker()
        maker.add("1.jpg", [1, 2])
        try expectArchiveError(maker.bytes, "without its end mark")
        try expectArchiveError(maker.bytes + [UInt8](repeating: 1, count: 100), "without its end mark")
        try expectArchiveError([], "without its end mark")
        try expectArchiveError([UInt8](repeating: UInt8(ascii: "z"), count: 2000), "it is not a tar archive")
    }

    private func expectArchiveError(_ bytes: [UInt8], _ message: String) throws {
        let folder = try DatasetFolder()
        try folder.write(bytes, to: "train.tar")
        folder.expectError(.webdataset, exitCode: 65, naming: "train.tar", message)
    }

    /// Any damage to a header gives an error or other names; never a crash or a read beyond the archive.
    @Test func damagedArchivesNeverCrash() throws {
        let folder = try DatasetFolder()
        var maker = TarMaker()
        maker.addAttributes([("path", "1.jpg"), ("size", "3")])
        maker.add("cut", [1, 2, 3])
        maker.add("././@LongLink", Array("1.cls\0".utf8), type: "L")
        maker.add("cut", Array("0".utf8))
        maker.finish()
        for index in stride(from: 0, to: maker.bytes.count - 1024, by: 7) {
            var bytes = maker.bytes
            bytes[index] ^= 0x95
            try folder.write(bytes, to: "train.tar")
            do {
                _ = try folder.load(.webdataset)
            } catch let error as DatasetError {
                #expect(error.exitCode == 65, "byte \(index): \(error)")
            }
        }
    }
}
