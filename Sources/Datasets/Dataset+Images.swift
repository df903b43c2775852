import DurableFiles
import ImageCoding
import SystemPackage

/// The only way from a sample to its bytes and its picture: nothing else needs to know where a sample's bytes are.
extension Dataset {
    /// The bytes of a sample's image file. Throws `DurableFileError`.
    public func bytes(of sample: Sample) throws -> [UInt8] {
        switch sample.source {
        case .file, .folder: try DurableFile.read(path(of: sample))
        case .archive(let archive, let offset, let byteCount):
            try DurableFile.read(root.pushing(FilePath(archive)), from: offset, byteCount: byteCount)
        case .planes(let file, let offset):
            CIFAR.imageFile(
                planes: try DurableFile.read(
                    root.pushing(FilePath(file)), from: offset, byteCount: CIFAR.pixelByteCount))
        }
    }

    /// What the network sees of a sample, from the bytes of its image file: `input` of its picture.
    ///
    /// - Throws: `ImageCodingError`, or a `DatasetError` of the box it is cropped to.
    public func pixels(of sample: Sample, bytes: [UInt8], through input: InputTransform) throws -> PixelImage {
        let crop = try cropRectangle(of: sample)
        return try input.pixels(ofFile: bytes, path: path(of: sample)) { width, height in
            try visiblePart(crop, of: sample, width: width, height: height)
        }
    }

    /// The picture of a sample as the network is to see it before its `InputTransform`: decoded, and cropped where the data
    /// set is one of crops.
    /// - Throws: `DurableFileError`, `ImageCodingError`, or a `DatasetError` of the box it is cropped to.
    public func image(of sample: Sample) throws -> PixelImage {
        try image(of: sample, bytes: bytes(of: sample))
    }

    /// `image(of:)` from bytes that have been read already.
    ///
    /// - Parameter exif: whether the picture is turned as its file says; a box is one in the image as stored, so that it is
    ///   cropped first.
    public func image(
        of sample: Sample, bytes: [UInt8], exif: ExifOrientation.Policy = .ignore
    ) throws -> PixelImage {
        var image = try ImageDecoder.decode(bytes, path: path(of: sample))
        if let crop = try cropRectangle(of: sample) {
            image = image.cropped(to: try visiblePart(crop, of: sample, width: image.width, height: image.height))
        }
        return exif == .apply ? image.oriented(ExifOrientation(of: bytes)) : image
    }

    /// The part of `crop` that is inside the image of a sample; all of the image without one.
    private func visiblePart(
        _ crop: PixelRectangle?, of sample: Sample, width: Int, height: Int
    ) throws -> PixelRectangle {
        guard let crop else { return PixelRectangle(width: width, height: height) }
        guard let visible = crop.clipped(toWidth: width, height: height) else {
            throw DatasetError.boxOutside(image: path(of: sample), width: width, height: height)
        }
        return visible
    }

    /// The SHA-256 of a sample's image file. Throws `DurableFileError`.
    public func contentDigest(of sample: Sample) throws -> ContentDigest {
        switch sample.source {
        case .file, .folder: try ContentDigest.ofFile(path(of: sample))
        case .archive, .planes: ContentDigest(of: try bytes(of: sample))
        }
    }

    /// What part of its image file a sample is; nil for all of it. It may reach beyond the image, which is cropped to what is
    /// inside.
    /// - Throws: `DatasetError.noBox` where a crop needs a box and there is none.
    public func cropRectangle(of sample: Sample) throws -> PixelRectangle? {
        guard crop != nil else { return nil }
        guard let box = BoundingBox(enclosing: try boxes(of: sample) ?? []) else {
            throw DatasetError.noBox(image: path(of: sample))
        }
        return PixelRectangle(box)
    }

    /// The boxes around a sample's objects, in pixels of the image file; nil where the data set has none for it.
    ///
    /// They are as annotated: clip them to the image (`BoundingBox.clipped(toWidth:height:)`) where its size is known.
    /// - Throws: `DatasetError.malformed` for an annotation that is read on demand.
    public func boxes(of sample: Sample) throws -> [BoundingBox]? {
        try sample.boxes ?? boxFiles?.boxes(of: sample)
    }

    /// The file of a sample. For one in an archive it is "ARCHIVE:NAME", which names it in messages and cannot be opened.
    public func path(of sample: Sample) -> FilePath {
        Self.file(of: sample, below: root)
    }

    static func file(of sample: Sample, below root: FilePath) -> FilePath {
        switch sample.source {
        case .file: root.pushing(FilePath(sample.path))
        case .folder(let folder): root.pushing(FilePath(folder)).appending(String(sample.fileName))
        case .archive(let archive, _, _), .planes(let archive, _):
            FilePath(root.pushing(FilePath(archive)).string + ":" + sample.path)
        }
    }
}
