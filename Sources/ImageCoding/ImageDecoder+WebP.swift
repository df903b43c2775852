import CWebP
import SystemPackage

extension ImageDecoder {
    /// The first frame of a WebP file on its canvas, which is black beside it; alpha is dropped without compositing.
    static func decodeWebP(_ bytes: [UInt8], path: FilePath) throws -> PixelImage {
        // The file says its own length.
        let stated = 8 + bytes[4..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
        func failure(_ reason: String) -> ImageCodingError {
            stated > bytes.count
                ? .truncated(path: path, format: "WebP", byteCount: bytes.count)
                : .corrupt(path: path, format: "WebP", reason: reason)
        }
        return try bytes.withUnsafeBufferPointer { buffer in
            var data = WebPData(bytes: buffer.baseAddress, size: buffer.count)
            guard let file = WebPDemux(&data) else { throw failure("its chunks are damaged") }
            defer { WebPDemuxDelete(file) }
            let (width, height) = (
                WebPDemuxGetI(file, WEBP_FF_CANVAS_WIDTH), WebPDemuxGetI(file, WEBP_FF_CANVAS_HEIGHT)
            )
            try checkSize(width: width, height: height, path: path)
            var frame = WebPIterator()
            guard width > 0, height > 0, WebPDemuxGetFrame(file, 1, &frame) != 0 else {
                throw failure("it has no image in it")
            }
            defer { WebPDemuxReleaseIterator(&frame) }
            return try decode(frame, canvas: (Int(width), Int(height)), failure: failure)
        }
    }

    private static func decode(
        _ frame: WebPIterator, canvas: (width: Int, height: Int), failure: (String) -> ImageCodingError
    ) throws -> PixelImage {
        let (x, y) = (Int(frame.x_offset), Int(frame.y_offset))
        let (width, height) = (Int(frame.width), Int(frame.height))
        guard x >= 0, y >= 0, width > 0, height > 0, x + width <= canvas.width, y + height <= canvas.height else {
            throw failure("its first frame lies outside of its canvas")
        }
        var configuration = WebPDecoderConfig()
        guard WebPInitDecoderConfig(&configuration) != 0 else { throw failure("libwebp is of another version") }
        defer { WebPFreeDecBuffer(&configuration.output) }
        guard
            WebPGetFeatures(frame.fragment.bytes, frame.fragment.size, &configuration.input) == VP8_STATUS_OK,
            Int(configuration.input.width) == width, Int(configuration.input.height) == height
        else { throw failure("its first frame is damaged") }
        var image = PixelImage(width: canvas.width, height: canvas.height)
        let stride = 3 * canvas.width
        let status = image.pixels.withUnsafeMutableBufferPointer { pixels in
            let start = y * stride + 3 * x
            configuration.output.colorspace = MODE_RGB
            configuration.output.is_external_memory = 1
            configuration.output.u.RGBA = WebPRGBABuffer(
                rgba: pixels.baseAddress! + start, stride: Int32(stride), size: pixels.count - start)
            return WebPDecode(frame.fragment.bytes, frame.fragment.size, &configuration)
        }
        switch status {
        case VP8_STATUS_OK: return image
        case VP8_STATUS_OUT_OF_MEMORY: throw failure("memory for the decoder ran out")
        case VP8_STATUS_UNSUPPORTED_FEATURE: throw failure("it uses a feature that libwebp does not know")
        case VP8_STATUS_NOT_ENOUGH_DATA, VP8_STATUS_SUSPENDED: throw failure("its image data end early")
        default: throw failure("its image data are damaged")
        }
    }
}
