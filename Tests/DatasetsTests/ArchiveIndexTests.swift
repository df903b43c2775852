import Datasets
import Foundation
import SystemPackage
import Testing

/// Two WebDataset shards, or ImageNet's training archive, and the folder of their indexes.
private struct Archives {
    let folder: DatasetFolder
    let indexes: DatasetFolder
    let isImageNet: Bool

    var names: [String] { isImageNet ? ["ILSVRC2012_img_train.tar"] : ["train.tar", "test.tar"] }

    init(isImageNet: Bool) throws {
        (folder, indexes) = (try DatasetFolder(), try DatasetFolder())
        self.isImageNet = isImageNet
        func image(_ name: String) -> [UInt8] { DatasetFolder.jpeg(name) }
        if isImageNet {
            let classes = ["n02012849", "n01440764"].map { wnid in
                ("\(wnid).tar", TarMaker.archive((1...4).map { ("\(wnid)_\($0).JPEG", image("\(wnid)\($0)")) }))
            }
            try folder.write(TarMaker.archive(classes), to: names[0])
        } else {
            for (number, name) in names.enumerated() {
                let files = ["1", "2"].flatMap { key in
                    [("\(key).jpg", image("\(number)\(key)")), ("\(key).cls", Array("bird \(key)".utf8))]
                }
                try folder.write(TarMaker.archive(files), to: name)
            }
        }
    }

    func load() throws -> Dataset {
        try folder.load {
            $0.split = isImageNet ? .validation : .official
            $0.indexFolder = indexes.path.appending("archives")
        }
    }

    func indexFiles() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: indexes.place("archives").string).sorted()
    }

    /// Makes the archives unreadable as such; sizes and, unless `touched`, times stay as they are.
    func destroy(touched: Bool = false) throws {
        for name in names {
            let path = folder.place(name).string
            var status = stat()
            #expect(stat(path, &status) == 0)
            try folder.write([UInt8](repeating: 1, count: Int(status.st_size)), to: name)
            var times = [status.st_atim, status.st_mtim]
            if touched { times[1].tv_nsec = times[1].tv_nsec == 0 ? 1 : times[1].tv_nsec - 1 }
            #expect(utimensat(AT_FDCWD, path, times, 0) == 0)
        }
    }
}

@Suite struct ArchiveIndexTests {
    @Test(arguments: [false, true])
    func theHeadersAreReadOnce(isImageNet: Bool) throws {
        let archives = try Archives(isImageNet: isImageNet)
        let first = try archives.load()
        #expect(try archives.indexFiles().count == archives.names.count)
        let bytes = try first.bytes(of: first.train[0])
        #expect(bytes.starts(with: [0xFF, 0xD8]))
        try archives.destroy()
        let second = try archives.load()
        #expect(second.train == first.train && second.test == first.test)
        #expect(second.classNames == first.classNames && second.fingerprint == first.fingerprint)
    }

    @Test(arguments: [false, true])
    func archivesThatHaveChangedAreReadAgain(isImageNet: Bool) throws {
        let archives = try Archives(isImageNet: isImageNet)
        _ = try archives.load()
        try archives.destroy(touched: true)
        let error = #expect(throws: DatasetError.self) { try archives.load() }
        #expect("\(error!)".contains("it is not a tar archive, or a damaged one"))
    }

    @Test func damagedIndexesAreMadeAgain() throws {
        let archives = try Archives(isImageNet: false)
        let first = try archives.load()
        let name = "archives/\(try archives.indexFiles()[0])"
        let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: archives.indexes.place(name).string)))
        for length in stride(from: 0, to: whole.count, by: 23) {
            try archives.indexes.write(Array(whole[..<length]), to: name)
            #expect(try archives.load().train == first.train)
        }
        for place in stride(from: 0, to: whole.count, by: 31) {
            var damaged = whole
            damaged[place] ^= 4
            try archives.indexes.write(damaged, to: name)
            #expect(try archives.load().train == first.train)
        }
        #expect(try Data(contentsOf: URL(fileURLWithPath: archives.indexes.place(name).string)) == Data(whole))
    }

    @Test func anotherFileOfTheSameSizeAndTimeIsReadAgain() throws {
        let archives = try Archives(isImageNet: false)
        #expect(try archives.load().classNames == ["bird 1", "bird 2"])
        for name in archives.names {
            let path = archives.folder.place(name).string
            var status = stat()
            #expect(stat(path, &status) == 0)
            var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
            let label = Array("bird 1".utf8)
            let place = try #require(bytes.indices.first { bytes[$0...].starts(with: label) })
            bytes[place + 5] = UInt8(ascii: "7")
            // A new file in the old one's place, as copying tools make it.
            try archives.folder.write(bytes, to: name + ".new")
            #expect(utimensat(AT_FDCWD, path + ".new", [status.st_atim, status.st_mtim], 0) == 0)
            #expect(rename(path + ".new", path) == 0)
        }
        #expect(try archives.load().classNames == ["bird 2", "bird 7"])
    }

    @Test func timesBeyondAllReasonAreTimes() throws {
        let archives = try Archives(isImageNet: false)
        for name in archives.names {
            let time = timespec(tv_sec: 10_413_792_000, tv_nsec: 999_999_999)  // the year 2300
            #expect(utimensat(AT_FDCWD, archives.folder.place(name).string, [time, time], 0) == 0)
        }
        #expect(try archives.load().train == archives.load().train)
    }

    @Test func jsonIsKeptAsFarAsItIsRead() throws {
        let (folder, indexes) = (try DatasetFolder(), try DatasetFolder())
        let text =
            "{\"label\": 1, \"class_name\": \"a \\\"wren\\\"\", \"width\": [\(String(repeating: "1,", count: 900))2]}"
        let files = [
            ("1.jpg", DatasetFolder.jpeg("1")), ("1.json", Array(text.utf8)), ("0.jpg", DatasetFolder.jpeg("0")),
            ("0.json", Array("{\"label\": 0}".utf8)),
        ]
        for name in ["train.tar", "test.tar"] { try folder.write(TarMaker.archive(files), to: name) }
        for _ in 0..<2 {
            let dataset = try folder.load { $0.indexFolder = indexes.path }
            #expect(dataset.classNames == ["0", "a \"wren\""] && dataset.train.map(\.label) == [0, 1])
        }
        for name in try FileManager.default.contentsOfDirectory(atPath: indexes.path.string) {
            #expect(try Data(contentsOf: URL(fileURLWithPath: indexes.place(name).string)).count < 800)
        }
    }

    @Test func withoutAPlaceForIndexesItWorksAllTheSame() throws {
        let archives = try Archives(isImageNet: false)
        try archives.indexes.write("a file", to: "archives")
        #expect(try archives.load().train.count == 2)
    }
}
