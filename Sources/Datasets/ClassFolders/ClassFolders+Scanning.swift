import Foundation
import SystemPackage

/// The contents of a folder, hidden names left out, both lists sorted by Unicode code point.
struct FolderListing {
    var folders: [String] = []
    var files: [(name: String, byteCount: Int)] = []
}

/// An image file: its path from the root, and its size.
struct FoundImage {
    let path: String
    let byteCount: Int
}

/// Walks the folders of a data set and remembers what it passed over. Paths are relative to the root.
struct FolderScanner {
    let root: FilePath
    private(set) var notes: [String] = []

    init(root: FilePath) {
        self.root = root
    }

    mutating func note(_ sentence: String) {
        if !notes.contains(sentence) { notes.append(sentence) }
    }

    // MARK: - Images

    /// The extensions torchvision's `ImageFolder` takes for images.
    static let imageExtensions = [".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp"]

    static func hasImageExtension(_ name: String) -> Bool {
        let name = name.lowercased()
        return imageExtensions.contains { name.hasSuffix($0) }
    }

    /// All images below `folder`, sorted by the path of their folder, then by name, as torchvision sorts them.
    ///
    /// Links to folders are followed; one that leads back to a folder around it is passed over with a note.
    mutating func images(below folder: FilePath) throws -> [FoundImage] {
        var folders: [(path: FilePath, images: [FoundImage])] = []
        var otherFileCount = 0
        try collect(folder, ancestors: [], into: &folders, &otherFileCount)
        if otherFileCount > 0 {
            note(
                "\(otherFileCount) file\(otherFileCount == 1 ? "" : "s") below \(folder)/ without an image's extension."
            )
        }
        return folders.sorted { $0.path.string.precedesByCodePoint($1.path.string) }.flatMap(\.images)
    }

    private mutating func collect(
        _ folder: FilePath, ancestors: [FileStatus.Identity],
        into folders: inout [(path: FilePath, images: [FoundImage])], _ otherFileCount: inout Int
    ) throws {
        let identity = try FileStatus(of: root.pushing(folder)).identity
        guard !ancestors.contains(identity) else {
            note("\(folder)/ is a link to a folder around it and is not followed.")
            return
        }
        let listing = try list(folder)
        let images = listing.files.filter { Self.hasImageExtension($0.name) }
        otherFileCount += listing.files.count - images.count
        folders.append(
            (folder, images.map { FoundImage(path: folder.appending($0.name).string, byteCount: $0.byteCount) }))
        for name in listing.folders {
            try collect(folder.appending(name), ancestors: ancestors + [identity], into: &folders, &otherFileCount)
        }
    }

    // MARK: - Folders

    /// What is in a folder. Links count as what they lead to; one that leads nowhere is passed over with a note.
    mutating func list(_ folder: FilePath) throws -> FolderListing {
        let path = root.pushing(folder)
        if folder.isEmpty { try checkRoot() }
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: path.string)
        } catch {
            throw DatasetError.unreadable(path: path, reason: error.localizedDescription)
        }
        var listing = FolderListing()
        for name in names where !name.hasPrefix(".") {
            guard !name.unicodeScalars.contains("\u{FFFD}") else {
                throw DatasetError.nameIsNotText(folder: path, name: name)
            }
            guard let status = try? FileStatus(of: path.appending(name)) else {
                note("\(folder.appending(name)) is a link that leads nowhere, or may not be looked at.")
                continue
            }
            switch status.kind {
            case .folder: listing.folders.append(name)
            case .file: listing.files.append((name, status.byteCount))
            case .other: note("\(folder.appending(name)) is neither a file nor a folder.")
            }
        }
        listing.folders.sort { $0.precedesByCodePoint($1) }
        listing.files.sort { $0.name.precedesByCodePoint($1.name) }
        return listing
    }

    private func checkRoot() throws {
        guard let status = try? FileStatus(of: root) else { throw DatasetError.missingRoot(path: root) }
        guard status.kind == .folder else { throw DatasetError.rootIsNotAFolder(path: root) }
    }
}

extension String {
    /// The order of Python's `sorted` on strings. (Swift's `<` compares after normalisation, so it differs for accents.)
    ///
    /// The order of UTF-8's bytes is the order of the code points.
    func precedesByCodePoint(_ other: String) -> Bool {
        utf8.lexicographicallyPrecedes(other.utf8)
    }
}
