import Datasets
import Foundation
import ImageCoding
import SystemPackage
import Testing

/// A folder for one test, removed at its end, to be filled with the files of a data set.
final class DatasetFolder {
    let path: FilePath

    init() throws {
        path = FilePath(NSTemporaryDirectory()).appending("infodisent-layout-\(UUID().uuidString)")
        try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path.string) }

    func place(_ name: String) -> FilePath { path.pushing(FilePath(name)) }

    /// Writes a file, with the folders it needs.
    func write(_ bytes: [UInt8], to name: String) throws {
        try FileManager.default.createDirectory(
            atPath: place(name).removingLastComponent().string, withIntermediateDirectories: true)
        try Data(bytes).write(to: URL(fileURLWithPath: place(name).string))
    }

    func write(_ text: String, to name: String) throws { try write(Array(text.utf8), to: name) }

    /// Writes a small picture of its own for each name.
    func writeImages(_ names: [String], width: Int = 24, height: Int = 16) throws {
        for name in names { try write(Self.jpeg(name, width: width, height: height), to: name) }
    }

    /// Copies a file of Fixtures.
    func copy(_ fixture: String, to name: String) throws {
        try write(Self.fixture(fixture), to: name)
    }

    func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: place(name).string) }

    static func fixture(_ name: String) throws -> [UInt8] {
        let url = try #require(Bundle.module.url(forResource: "Fixtures/\(name)", withExtension: nil))
        return Array(try Data(contentsOf: url))
    }

    /// A picture whose colours depend on `name`.
    static func jpeg(_ name: String, width: Int = 24, height: Int = 16) -> [UInt8] {
        var hash: UInt32 = 2_166_136_261
        for byte in name.utf8 { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
        var image = PixelImage(width: width, height: height)
        for index in image.pixels.indices {
            hash = hash &* 1_664_525 &+ 1_013_904_223
            image.pixels[index] = UInt8(hash >> 26) &+ 60
        }
        return ImageEncoder.jpeg(image)
    }

    /// The listing as another process of this host gets it.
    func load(_ kind: DatasetKind = .auto, _ change: (inout DatasetOptions) -> Void = { _ in }) throws -> Dataset {
        var options = DatasetOptions(kind: kind)
        change(&options)
        let dataset = try Dataset.load(root: path, options: options)
        return dataset.canBeShared ? try Dataset(bytes: dataset.bytes) : dataset
    }

    /// The error of loading, which must have that exit code and mention all of `texts`.
    func expectError(
        _ kind: DatasetKind, exitCode: Int32, naming texts: String...,
        sourceLocation: SourceLocation = #_sourceLocation, _ change: (inout DatasetOptions) -> Void = { _ in }
    ) {
        let error = #expect(throws: DatasetError.self, sourceLocation: sourceLocation) { try load(kind, change) }
        #expect(error?.exitCode == exitCode, "\(String(describing: error))", sourceLocation: sourceLocation)
        for text in texts {
            #expect(
                error?.description.contains(text) == true, "\(error?.description ?? "") lacks \(text)",
                sourceLocation: sourceLocation)
        }
    }
}

/// Makes tar archives, sound ones and others.
struct TarMaker {
    private(set) var bytes: [UInt8] = []
    /// Where the header of the last entry is.
    private var lastHeader = 0

    /// Adds an entry with a ustar header; `size` is what the header states.
    mutating func add(
        _ name: String, _ content: [UInt8], type: Character = "0", size: Int? = nil, prefix: String = "",
        gnu: Bool = false, checkSum: Int? = nil
    ) {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, _ offset: Int) {
            header.replaceSubrange(offset..<offset + text.utf8.count, with: text.utf8)
        }
        put(name, 0)
        put("0000644\0", 100)
        put("0000000\0", 108)
        put("0000000\0", 116)
        put(Self.octal(size ?? content.count, digits: 11) + "\0", 124)
        put("00000000000\0", 136)
        header[156] = type.asciiValue!
        put(gnu ? "ustar  \0" : "ustar\u{0}00", 257)
        if !prefix.isEmpty { put(prefix, 345) }
        seal(&header, checkSum)
        lastHeader = bytes.count
        bytes += header + content
        bytes += [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
    }

    /// Adds an entry whose size is written in binary, as GNU tar does for 8 GiB and more.
    mutating func addBinarySize(_ name: String, _ content: [UInt8], size: Int? = nil) {
        add(name, content)
        let size = UInt64(size ?? content.count)
        changeHeader(
            124, to: [0x80, 0, 0, 0] + (0..<8).map { UInt8(truncatingIfNeeded: size >> (56 - 8 * $0)) })
    }

    /// Adds pax attributes for the next entry.
    mutating func addAttributes(_ attributes: [(String, String)]) {
        var text = ""
        for (key, value) in attributes {
            let rest = " \(key)=\(value)\n"
            var length = rest.utf8.count + 1
            while String(length).utf8.count + rest.utf8.count != length { length += 1 }
            text += "\(length)\(rest)"
        }
        add("PaxHeaders/entry", Array(text.utf8), type: "x")
    }

    /// Overwrites bytes of the last entry's header and corrects its check sum.
    mutating func changeHeader(_ offset: Int, to content: [UInt8]) {
        var header = Array(bytes[lastHeader..<lastHeader + 512])
        header.replaceSubrange(offset..<offset + content.count, with: content)
        seal(&header, nil)
        bytes.replaceSubrange(lastHeader..<lastHeader + 512, with: header)
    }

    /// The end mark.
    mutating func finish() { bytes += [UInt8](repeating: 0, count: 1024) }

    static func archive(_ entries: [(String, [UInt8])]) -> [UInt8] {
        var maker = TarMaker()
        for (name, content) in entries { maker.add(name, content) }
        maker.finish()
        return maker.bytes
    }

    private func seal(_ header: inout [UInt8], _ checkSum: Int?) {
        header.replaceSubrange(148..<156, with: Array("        ".utf8))
        let sum = checkSum ?? header.reduce(0) { $0 + Int($1) }
        header.replaceSubrange(148..<156, with: Array((Self.octal(sum, digits: 6) + "\0 ").utf8))
    }

    private static func octal(_ number: Int, digits: Int) -> String {
        let text = String(number, radix: 8)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }
}
