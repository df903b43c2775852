import CPNGShim
import SystemPackage

extension ImageDecoder {
    /// Deflate stores at most this many bytes in one.
    private static let largestDeflateRatio = 1032

    static func decodePNG(_ bytes: [UInt8], path: FilePath) throws -> PixelImage {
        var header = cpng_header()
        var message = [CChar](repeating: 0, count: Int(CPNG_MESSAGE_CAPACITY))
        try check(cpng_read_header(bytes, bytes.count, &header, &message), message, bytes.count, path)
        try checkSize(width: header.width, height: header.height, path: path)
        let (width, height) = (Int(header.width), Int(header.height))
        // A header that lies about the size is found out before the memory is asked for.
        guard width * height * Int(header.bit_count_per_pixel) / 8 <= bytes.count * largestDeflateRatio else {
            throw ImageCodingError.truncated(path: path, format: "PNG", byteCount: bytes.count)
        }
        let byteCount = width * height * 3
        let pixels = try [UInt8](unsafeUninitializedCapacity: byteCount) { pixels, initializedCount in
            try check(
                cpng_decode(bytes, bytes.count, pixels.baseAddress, byteCount, &message), message, bytes.count, path)
            initializedCount = byteCount
        }
        return PixelImage(width: width, height: height, pixels: pixels)
    }

    private static func check(
        _ status: cpng_status, _ message: [CChar], _ byteCount: Int, _ path: FilePath
    ) throws {
        switch status {
        case CPNG_OK: return
        case CPNG_TRUNCATED: throw ImageCodingError.truncated(path: path, format: "PNG", byteCount: byteCount)
        default: throw ImageCodingError.corrupt(path: path, format: "PNG", reason: text(of: message))
        }
    }
}
