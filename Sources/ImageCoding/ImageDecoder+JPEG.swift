import CJPEGShim
import SystemPackage

extension ImageDecoder {
    static func decodeJPEG(
        _ bytes: [UInt8], path: FilePath, needed: (_ width: Int, _ height: Int) throws -> PixelRectangle
    ) throws -> ImagePart {
        var header = cjpeg_header()
        var message = [CChar](repeating: 0, count: Int(CJPEG_MESSAGE_CAPACITY))
        try check(cjpeg_read_header(bytes, bytes.count, &header, &message), message, bytes.count, path)
        try checkSize(width: header.width, height: header.height, path: path)
        let (width, height) = (Int(header.width), Int(header.height))
        let part = try needed(width, height)
        precondition(part.clipped(toWidth: width, height: height) == part, "\(part) is not inside \(width) x \(height)")
        let region = cjpeg_region(
            x: UInt32(part.x), y: UInt32(part.y), width: UInt32(part.width), height: UInt32(part.height))
        let byteCount = part.width * part.height * (header.component_count == 4 ? 4 : 3)
        let decoded = try [UInt8](unsafeUninitializedCapacity: byteCount) { pixels, initializedCount in
            try check(
                cjpeg_decode(bytes, bytes.count, region, pixels.baseAddress, byteCount, &message), message, bytes.count,
                path)
            initializedCount = byteCount
        }
        let image = PixelImage(
            width: part.width, height: part.height,
            pixels: header.component_count == 4 ? rgb(ofInvertedCMYK: decoded) : decoded)
        return ImagePart(width: width, height: height, x: part.x, y: part.y, image: image)
    }

    /// RGB of CMYK pixels as Adobe's programs store them, inverted: 255 is no ink.
    ///
    /// R = (255 - C) (255 - K) / 255, rounded. Files without Adobe's marker are taken to be inverted too, as Pillow takes
    /// them: that is what programs write.
    private static func rgb(ofInvertedCMYK pixels: [UInt8]) -> [UInt8] {
        let pixelCount = pixels.count / 4
        return [UInt8](unsafeUninitializedCapacity: pixelCount * 3) { rgb, initializedCount in
            for pixel in 0..<pixelCount {
                let paper = UInt32(pixels[4 * pixel + 3])
                for channel in 0..<3 {
                    let ink = 255 - UInt32(pixels[4 * pixel + channel])
                    rgb[3 * pixel + channel] = UInt8(paper - dividedBy255(ink * paper))
                }
            }
            initializedCount = pixelCount * 3
        }
    }

    /// `product` / 255 to the nearest integer, for products of two bytes.
    private static func dividedBy255(_ product: UInt32) -> UInt32 {
        let shifted = product + 128
        return (shifted + (shifted >> 8)) >> 8
    }

    private static func check(
        _ status: cjpeg_status, _ message: [CChar], _ byteCount: Int, _ path: FilePath
    ) throws {
        switch status {
        case CJPEG_OK: return
        case CJPEG_TRUNCATED: throw ImageCodingError.truncated(path: path, format: "JPEG", byteCount: byteCount)
        default: throw ImageCodingError.corrupt(path: path, format: "JPEG", reason: text(of: message))
        }
    }
}
