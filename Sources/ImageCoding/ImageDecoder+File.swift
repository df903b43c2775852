import DurableFiles
import SystemPackage

extension ImageDecoder {
    /// Decodes a file.
    ///
    /// - Throws: `DurableFileError` if the file cannot be read, `ImageCodingError` if it cannot be decoded.
    public static func decode(contentsOf path: FilePath) throws -> PixelImage {
        try decode(DurableFile.read(path), path: path)
    }
}
