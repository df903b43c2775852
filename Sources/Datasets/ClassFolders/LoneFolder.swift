import SystemPackage

/// A folder that holds nothing but another one, as an archive that was unpacked into a folder of its own.
enum LoneFolder {
    /// The most folders that are entered one after the other.
    static let depthLimit = 8

    /// The folder that is all there is in `folder`, other files than images aside; nil if there are several, none or images.
    static func inside(_ folder: FilePath, _ scanner: inout FolderScanner) throws -> FilePath? {
        let listing = try scanner.list(folder)
        guard listing.folders.count == 1, listing.imageCount == 0 else { return nil }
        return folder.appending(listing.folders[0])
    }

    /// The folder of the classes of the part of a data set in `folder`: a lone folder is entered as long as it has nothing
    /// but folders in it, since a single class is none.
    static func classesFolder(of folder: FilePath, _ scanner: inout FolderScanner) throws -> FilePath {
        var place = folder
        for _ in 0..<depthLimit {
            guard let inner = try inside(place, &scanner) else { break }
            let listing = try scanner.list(inner)
            guard !listing.folders.isEmpty, listing.imageCount == 0 else { break }
            place = inner
        }
        return place
    }

    /// `root`, and what is in it as long as that is a lone folder, outermost first.
    static func chain(from root: FilePath) -> [FilePath] {
        var scanner = FolderScanner(root: root)
        var places = [FilePath()]
        // A name that cannot be read is the business of whoever needs it.
        while places.count <= depthLimit, let inner = try? inside(places.last!, &scanner) { places.append(inner) }
        return places.map { $0.isEmpty ? root : root.pushing($0) }
    }

    /// The folder of `chain` that is the root of class folders: the last but one, unless that is a part of a data set by its
    /// name, whose other part is missing.
    static func classFoldersRoot(in chain: [FilePath]) throws -> FilePath {
        var place = chain[0]
        for inner in chain.dropFirst() {
            if let split = SplitName(inner.lastComponent!.string), split.certainty < .hinted { break }
            var scanner = FolderScanner(root: inner)
            if try scanner.list(FilePath()).folders.isEmpty { break }
            place = inner
        }
        return place
    }
}
