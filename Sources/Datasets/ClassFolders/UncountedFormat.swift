/// Image files that are not counted as images of a data set: torchvision's list does not have their extensions, or they cannot
/// be read.
struct UncountedFormat: Equatable {
    /// The format with its extensions.
    let name: String
    /// What to do about it.
    let advice: String

    static let gif = UncountedFormat(
        name: "GIF (.gif)",
        advice: "class folders are read as torchvision reads them; a CSV list may name them, or convert them to PNG")

    private static let convert = "the format is not read; convert them to JPEG or PNG"
    private static let formats: [(extensions: [String], format: UncountedFormat)] = [
        ([".gif"], .gif), ([".heic", ".heif"], .init(name: "HEIC (.heic, .heif)", advice: convert)),
        ([".avif"], .init(name: "AVIF (.avif)", advice: convert)),
        ([".jxl"], .init(name: "JPEG XL (.jxl)", advice: convert)),
        ([".jp2", ".j2k", ".jpx"], .init(name: "JPEG 2000 (.jp2)", advice: convert)),
        ([".psd"], .init(name: "Photoshop (.psd)", advice: convert)),
        ([".svg"], .init(name: "SVG (.svg)", advice: convert)),
        (
            [".cr2", ".cr3", ".nef", ".arw", ".dng", ".orf", ".rw2", ".raf", ".pef", ".srw"],
            .init(name: "camera raw (.cr2, .nef, .dng ...)", advice: convert)
        ),
        (
            [".jfif", ".jpe"],
            .init(name: "JPEG (.jfif, .jpe)", advice: "torchvision does not count these names; rename them to .jpg")
        ),
    ]

    init(name: String, advice: String) {
        self.name = name
        self.advice = advice
    }

    /// Nil for a name that is of none of these.
    init?(ofName name: String) {
        guard let dot = name.lastIndex(of: ".") else { return nil }
        let suffix = name[dot...].lowercased()
        guard let found = Self.formats.first(where: { $0.extensions.contains(suffix) }) else { return nil }
        self = found.format
    }
}

/// Files in a few words: "12 files: 8 .heic, 3 .txt, 1 without an extension", or the archives among them.
struct FileSummary {
    let text: String?

    private static let archives = [".zip", ".tar", ".tgz", ".tar.gz", ".gz", ".7z", ".rar", ".xz", ".bz2"]

    init(_ names: [String]) {
        guard !names.isEmpty else {
            text = nil
            return
        }
        if let archive = names.first(where: { name in Self.archives.contains { name.lowercased().hasSuffix($0) } }) {
            text = "the archive \(archive), which must be unpacked first"
            return
        }
        var counts: [String: Int] = [:]
        for name in names {
            counts[name.lastIndex(of: ".").map { name[$0...].lowercased() } ?? "without an extension", default: 0] += 1
        }
        let parts = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(4).map { "\($0.value) \($0.key)" }
        text = "\(names.count) file\(names.count == 1 ? "" : "s"): " + parts.joined(separator: ", ")
    }
}
