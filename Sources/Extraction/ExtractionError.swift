public import SystemPackage

/// What can go wrong in extraction, beyond the errors of the files involved.
public enum ExtractionError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A rank does not see the folder of a cache that is said to be shared.
    case cacheNotShared(directory: FilePath)
    /// The cache leaves images out, and the configuration does not allow it.
    case imagesLeftOut(cache: FilePath, count: Int, image: FilePath, reason: String)

    /// The exit code (sysexits) of a program that ends with this error.
    public var exitCode: Int32 {
        switch self {
        case .cacheNotShared: 78
        case .imagesLeftOut: 65
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
        }
    }
}
