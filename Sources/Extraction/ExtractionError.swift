public import ImageCoding
public import SystemPackage

/// What can go wrong in extraction, beyond the errors of the files involved.
public enum ExtractionError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A rank does not see the folder of a cache that is said to be shared.
    case cacheNotShared(directory: FilePath)
    /// The cache leaves images out, and the configuration does not allow it.
    case imagesLeftOut(cache: FilePath, count: Int, image: FilePath, reason: String)
    /// An image cannot be decoded, and the configuration does not allow to leave it out.
    case badImage(ImageCodingError)
    /// A damaged file of the cache could not be made anew.
    case notMended(path: FilePath, problem: String, reason: String)

    /// The exit code (sysexits) of a program that ends with this error.
    public var exitCode: Int32 {
        switch self {
        case .cacheNotShared: 78
        case .imagesLeftOut, .badImage, .notMended: 65
        }
    }

    public var description: String {
        switch self {
        case .cacheNotShared(let directory):
            """
            The feature cache that rank 0 keeps in \(directory) is not there. Use a folder that all nodes see, or set \
            cache.location to node_local.
            """
        case .imagesLeftOut(let cache, let count, let image, let reason):
            """
            The feature cache \(cache) leaves out \(count) image\(count == 1 ? "" : "s"), the first of which is \(image): \
            \(reason). Set dataset.bad_images to skip to go on without, or mend the images and extract into another folder.
            """
        case .badImage(let error):
            "\(error) To leave such images out of everything, with a note: dataset.bad_images: skip."
        case .notMended(let path, let problem, let reason):
            """
            \(path) is damaged: \(problem). It could not be extracted again: \(reason) Put the images back where they were and \
            run the same command again, or bring that file back from a copy.
            """
        }
    }
}
