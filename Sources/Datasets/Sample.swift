/// One labelled image of a data set.
public struct Sample: Hashable, Sendable {
    /// The image's name in the data set, with "/" between folders: what caches, prototypes and predictions call it.
    ///
    /// It is the path from the data set's root unless `source` says that the bytes are elsewhere, so that the same images
    /// in another layout (unpacked or in an archive, nested once more or not) are the same data set.
    public let path: String
    /// Index into the data set's `classNames`.
    public let label: Int
    /// Where the bytes are.
    public let source: SampleSource
    /// Boxes around the objects of the sample's class, in the order of the annotations; nil where none are known here. Ask
    /// `Dataset.boxes(of:)`, which also looks into annotations that are read on demand.
    public let boxes: [BoundingBox]?
    /// The places of the object's parts, in the order of `Dataset.partNames`; nil for data sets without parts.
    public let parts: [PartLocation]?

    public init(
        path: String, label: Int, source: SampleSource = .file, boxes: [BoundingBox]? = nil,
        parts: [PartLocation]? = nil
    ) {
        self.path = path
        self.label = label
        self.source = source
        self.boxes = boxes
        self.parts = parts
    }

    /// The last component of `path`.
    var fileName: Substring { path[(path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex)...] }
}

/// Where the bytes of a sample are. Paths start from the data set's root.
public enum SampleSource: Hashable, Sendable {
    /// In the file at the sample's path.
    case file
    /// In a file of the same name in another folder than the sample's path says.
    case folder(String)
    /// In a part of an archive that is read in place.
    case archive(String, offset: Int, byteCount: Int)
    /// Pixels of CIFAR within a file: planes of red, green and blue, 32 x 32 bytes each. As an image file they are a PPM.
    case planes(String, offset: Int)
}

extension SampleSource {
    /// The bytes of the image file where these are known without looking; nil for a file of its own.
    var byteCount: Int? {
        switch self {
        case .file, .folder: nil
        case .archive(_, _, let byteCount): byteCount
        case .planes: CIFAR.imageFileByteCount
        }
    }
}
