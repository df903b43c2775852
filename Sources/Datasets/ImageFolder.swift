public import SystemPackage

/// The images below a folder that need not be a data set.
public enum ImageFolder {
    /// Paths of the images below `folder`, sorted by the path of their folder, then by name; and what was passed over, a
    /// sentence each.
    /// - Throws: `DatasetError` for a folder that cannot be read or has no image.
    public static func images(below folder: FilePath) throws -> (paths: [FilePath], notes: [String]) {
        var scanner = FolderScanner(root: folder)
        let images = try scanner.images(below: FilePath())
        guard !images.isEmpty else { throw DatasetError.noImages(path: folder) }
        return (images.map { folder.appending($0.path) }, scanner.notes)
    }
}
