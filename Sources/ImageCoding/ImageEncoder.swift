import CJPEGShim
import CPNGShim
import CWebP

/// Encodes images in memory. The same pixels always give the same bytes (with the same version of the library).
public enum ImageEncoder {
    /// The largest side a JPEG file can have in libjpeg.
    public static let maximumJPEGSide = 65_500

    /// A baseline JFIF file, without chroma subsampling: one-pixel outlines and small coloured parts keep their colour.
    ///
    /// - Parameter quality: libjpeg's scale, 1 (smallest) to 100.
    public static func jpeg(_ image: PixelImage, quality: Int = 90) -> [UInt8] {
        precondition((1...100).contains(quality), "JPEG quality is 1 to 100, not \(quality)")
        precondition(
            max(image.width, image.height) <= maximumJPEGSide,
            "\(image.width) x \(image.height) pixels do not fit a JPEG file, whose sides end at \(maximumJPEGSide)")
        var output: UnsafeMutablePointer<UInt8>?
        var byteCount = 0
        var message = [CChar](repeating: 0, count: Int(CJPEG_MESSAGE_CAPACITY))
        let status = image.pixels.withUnsafeBufferPointer { pixels in
            cjpeg_encode(
                pixels.baseAddress, UInt32(image.width), UInt32(image.height), Int32(quality), &output, &byteCount,
                &message)
        }
        // All that can fail here is the allocation of memory.
        precondition(status == CJPEG_OK, "encoding a JPEG failed: \(text(of: message))")
        defer { cjpeg_free(output) }
        return [UInt8](UnsafeBufferPointer(start: output, count: byteCount))
    }

    /// The largest side a WebP file can have.
    public static let maximumWebPSide = 16_383

    /// A lossy WebP file, about two thirds of a JPEG's size.
    ///
    /// - Parameter quality: libwebp's scale, 0 (smallest) to 100.
    public static func webp(_ image: PixelImage, quality: Int = 80) -> [UInt8] {
        precondition((0...100).contains(quality), "WebP quality is 0 to 100, not \(quality)")
        precondition(
            max(image.width, image.height) <= maximumWebPSide,
            "\(image.width) x \(image.height) pixels do not fit a WebP file, whose sides end at \(maximumWebPSide)")
        var output: UnsafeMutablePointer<UInt8>?
        let byteCount = image.pixels.withUnsafeBufferPointer {
            WebPEncodeRGB(
                $0.baseAddress, Int32(image.width), Int32(image.height), Int32(3 * image.width), Float(quality), &output
            )
        }
        // All that can fail here is the allocation of memory.
        precondition(byteCount > 0, "encoding a WebP failed")
        defer { WebPFree(output) }
        return [UInt8](UnsafeBufferPointer(start: output, count: byteCount))
    }

    /// A PNG file, RGB with 8 bits a channel.
    public static func png(_ image: PixelImage) -> [UInt8] {
        var output: UnsafeMutablePointer<UInt8>?
        var byteCount = 0
        var message = [CChar](repeating: 0, count: Int(CPNG_MESSAGE_CAPACITY))
        let status = image.pixels.withUnsafeBufferPointer { pixels in
            cpng_encode(
                pixels.baseAddress, UInt32(image.width), UInt32(image.height), &output, &byteCount, &message)
        }
        // All that can fail here is the allocation of memory.
        precondition(status == CPNG_OK, "encoding a PNG failed: \(text(of: message))")
        defer { cpng_free(output) }
        return [UInt8](UnsafeBufferPointer(start: output, count: byteCount))
    }
}

/// The text in a C message buffer.
func text(of message: [CChar]) -> String {
    String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
