import CJPEGShim
import SystemPackage

extension ImageDecoder {
    static func decodeJPEG(_ bytes: [UInt8], path: FilePath) throws -> PixelImage {
        var header = cjpeg_header()
        var message = [CChar](repeating: 0, count: Int(CJPEG_MESSAGE_CAPACITY))
        try check(cjpeg_read_header(bytes, bytes.count, &header, &message), message, bytes.count, path)
        try checkSize(width: header.width, height: header.height, path: path)
        let pixelCount = Int(header.width) * Int(header.height)
        let byteCount = pixelCount * (header.component_count == 4 ? 4 : 3)
        let decoded = try [UInt8](unsafeUninitializedCapacity: byteCount) { pixels, initializedCount in
            try check(
                cjpeg_decode(bytes, bytes.count, pixels.baseAddress, byteCount, &message), message, bytes.count, path)
            initializedCount = byteCount
        }
        return PixelImage(
            width: Int(header.width), height: Int(header.height),
            pixels: header.component_count == 4 ? rgb(ofInvertedCMYK: decoded) : decoded)
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
