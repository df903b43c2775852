import Foundation
import SystemPackage

/// The contents of a folder, hidden names left out, both lists sorted by Unicode code point.
struct FolderListing {
    var folders: [String] = []
    var files: [(name: String, byteCount: Int)] = []

    var imageCount: Int { files.count { FolderScanner.hasImageExtension($0.name) } }

    /// The files in it, in a few words for messages; nil if there are none.
    var summary: String? { FileSummary(files.map(\.name)).text }
}

/// What is below a folder.
struct FolderContents {
    /// Sorted by the path of their folder, then by name, as torchvision sorts them.
    var images: [FoundImage] = []
    /// Names of the folders right in it.
    var folders: [String] = []
    /// How many of the images are right in it.
    var ownImageCount = 0
    /// Names of other files, as far as they are needed for messages.
    var otherFiles: [String] = []

    /// The other files in a few words; nil if there are none.
    var summary: String? { FileSummary(otherFiles).text }
}

/// An image file: its path from the root, and its size.
struct FoundImage {
    let path: String
    let byteCount: Int
}

/// Walks the folders of a data set and remembers what it passed over. Paths are relative to the root.
struct FolderScanner {
    let root: FilePath
    private var sentences: [String] = []
    /// Folders with files that are no images, and how many.
    private var otherFiles: [(folder: FilePath, count: Int)] = []
    /// Images of formats that are not read or not counted, by format.
    private var uncounted: [String: (count: Int, folder: FilePath, format: UncountedFormat)] = [:]

    init(root: FilePath) {
        self.root = root
    }

    mutating func note(_ sentence: String) {
        if !sentences.contains(sentence) { sentences.append(sentence) }
    }

    /// Takes over what another scanner of the same root has to say.
    mutating func merge(_ other: FolderScanner) {
        for sentence in other.sentences { note(sentence) }
        otherFiles += other.otherFiles
        for (name, found) in other.uncounted {
            uncounted[name, default: (0, found.folder, found.format)].count += found.count
        }
    }

    // MARK: - Notes

    /// Up to so many folders with other files are named one by one.
    private static let folderNoteLimit = 3

    /// What was passed over, in sentences.
    var notes: [String] {
        var notes = sentences
        if otherFiles.count <= Self.folderNoteLimit {
            notes += otherFiles.map { folder, count in
                "\(count) file\(count == 1 ? "" : "s") below \(folder)/ without an image's extension."
            }
        } else {
            notes.append(
                "\(otherFiles.reduce(0) { $0 + $1.count }) files in \(otherFiles.count) class folders, such as "
                    + "\(otherFiles[0].folder)/, without an image's extension.")
        }
        for (_, found) in uncounted.sorted(by: { $0.key < $1.key }) {
            notes.append(
                "\(found.count) file\(found.count == 1 ? "" : "s") of \(found.format.name), below \(found.folder)/ for example, "
                    + "\(found.count == 1 ? "is" : "are") not counted: \(found.format.advice).")
        }
        return notes
    }

    // MARK: - Images

    /// The extensions torchvision's `ImageFolder` takes for images.
    static let imageExtensions = [".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp"]

    static func hasImageExtension(_ name: String) -> Bool {
        let name = name.lowercased()
        return imageExtensions.contains { name.hasSuffix($0) }
    }

    /// All images below `folder`, sorted by the path of their folder, then by name, as torchvision sorts them.
    mutating func images(below folder: FilePath) throws -> [FoundImage] { try contents(below: folder).images }

    /// All images below `folder`. Where there is none, but GIFs, which torchvision's list does not have, these are taken.
    ///
    /// Links to folders are followed; one that leads back to a folder around it is passed over with a note.
    mutating func contents(below folder: FilePath) throws -> FolderContents {
        var walk = Walk()
        try collect(folder, ancestors: [], &walk)
        if walk.folders.allSatisfy(\.images.isEmpty) {
            walk.folders = walk.gifs
        } else {
            for (path, gifs) in walk.gifs where !gifs.isEmpty { pass(over: .gif, path, gifs.count) }
        }
        if walk.otherFileCount > 0 { otherFiles.append((folder, walk.otherFileCount)) }
        return FolderContents(
            images: walk.folders.sorted { $0.path.string.precedesByCodePoint($1.path.string) }.flatMap(\.images),
            folders: walk.ownFolders, ownImageCount: walk.folders.first { $0.path == folder }?.images.count ?? 0,
            otherFiles: walk.otherFiles)
    }

    private struct Walk {
        var folders: [(path: FilePath, images: [FoundImage])] = []
        var gifs: [(path: FilePath, images: [FoundImage])] = []
        var ownFolders: [String] = []
        var otherFileCount = 0
        var otherFiles: [String] = []

        static let otherFileLimit = 1000
    }

    private mutating func pass(over format: UncountedFormat, _ folder: FilePath, _ count: Int) {
        uncounted[format.name, default: (0, folder, format)].count += count
    }

    private mutating func collect(_ folder: FilePath, ancestors: [FileStatus.Identity], _ walk: inout Walk) throws {
        let identity = try FileStatus(of: root.pushing(folder)).identity
        guard !ancestors.contains(identity) else {
            note("\(folder)/ is a link to a folder around it and is not followed.")
            return
        }
        let listing = try list(folder)
        var (images, gifs): ([FoundImage], [FoundImage]) = ([], [])
        for file in listing.files {
            if Self.hasImageExtension(file.name) {
                images.append(FoundImage(path: folder.appending(file.name).string, byteCount: file.byteCount))
                continue
            }
            let format = UncountedFormat(ofName: file.name)
            if format == .gif {
                gifs.append(FoundImage(path: folder.appending(file.name).string, byteCount: file.byteCount))
                continue
            }
            if walk.otherFiles.count < Walk.otherFileLimit { walk.otherFiles.append(file.name) }
            if let format { pass(over: format, folder, 1) } else { walk.otherFileCount += 1 }
        }
        walk.folders.append((folder, images))
        walk.gifs.append((folder, gifs))
        if ancestors.isEmpty { walk.ownFolders = listing.folders }
        for name in listing.folders {
            try collect(folder.appending(name), ancestors: ancestors + [identity], &walk)
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
        for name in names where !name.hasPrefix(".") && name != Self.archiverFolder {
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
        for (first, second) in zip(listing.folders, listing.folders.dropFirst() + [""]) where first == second {
            noteSpellings(first, in: folder)
        }
        return listing
    }

    /// What macOS puts beside the contents of a zip archive; never an image.
    private static let archiverFolder = "__MACOSX"

    /// Two folders whose names are the same text in two encodings of its accents are two classes here, and one to the eye.
    private mutating func noteSpellings(_ name: String, in folder: FilePath) {
        note(
            "There are two folders called \(folder.appending(name))/, which differ only in how Unicode writes their accents: they "
                + "are two classes.")
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
