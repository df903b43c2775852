import CTIFFShim
import SystemPackage

extension ImageDecoder {
    /// The first image of a TIFF file, turned as its orientation says, since Pillow does so with TIFF.
    static func decodeTIFF(_ bytes: [UInt8], path: FilePath) throws -> PixelImage {
        let header = try tiffHeader(bytes, path: path)
        try checkSize(width: header.width, height: header.height, path: path)
        let byteCount = Int(header.byte_count)
        // Fax codes make nothing of any number of white rows, so that this is no matter of a ratio; it bounds memory alone.
        guard byteCount <= 8 * maximumPixelCount else {
            throw ImageCodingError.tooLarge(path: path, width: Int(header.width), height: Int(header.height))
        }
        let samples = try [UInt8](unsafeUninitializedCapacity: byteCount) { samples, initializedCount in
            // What a damaged file leaves out is black rather than what was in memory.
            samples.initialize(repeating: 0)
            var message = [CChar](repeating: 0, count: Int(CTIFF_MESSAGE_CAPACITY))
            try check(
                ctiff_decode(bytes, bytes.count, samples.baseAddress, byteCount, &message), message, bytes.count, path)
            initializedCount = byteCount
        }
        guard let image = TIFFSamples(header: header, samples: samples).image() else {
            throw ImageCodingError.unsupported(path: path, format: "TIFF", reason: Self.kind(of: header))
        }
        return image.oriented(ExifOrientation(rawValue: UInt8(truncatingIfNeeded: header.orientation)) ?? .upright)
    }

    static func tiffHeader(_ bytes: [UInt8], path: FilePath) throws -> ctiff_header {
        var header = ctiff_header()
        var message = [CChar](repeating: 0, count: Int(CTIFF_MESSAGE_CAPACITY))
        try check(ctiff_read_header(bytes, bytes.count, &header, &message), message, bytes.count, path)
        guard TIFFSamples.isKnown(header) else {
            throw ImageCodingError.unsupported(path: path, format: "TIFF", reason: kind(of: header))
        }
        return header
    }

    private static func kind(of header: ctiff_header) -> String {
        let names: [UInt16: String] = [
            0: "grey", 1: "grey", 2: "RGB", 3: "palette", 4: "mask", 5: "CMYK", 8: "CIE L*a*b*", 9: "ICC L*a*b*",
            32803: "colour filter array (camera raw)", 32844: "LogL", 32845: "LogLuv", 34892: "linear raw",
        ]
        let model = names[header.photometric] ?? "photometric interpretation \(header.photometric)"
        return "\(model), \(header.samples_per_pixel) samples of \(header.bits_per_sample) bits"
    }

    private static func check(
        _ status: ctiff_status, _ message: [CChar], _ byteCount: Int, _ path: FilePath
    ) throws {
        switch status {
        case CTIFF_OK: return
        case CTIFF_TRUNCATED: throw ImageCodingError.truncated(path: path, format: "TIFF", byteCount: byteCount)
        case CTIFF_UNSUPPORTED:
            throw ImageCodingError.unsupported(path: path, format: "TIFF", reason: text(of: message))
        default: throw ImageCodingError.corrupt(path: path, format: "TIFF", reason: text(of: message))
        }
    }
}

/// RGB of the samples of a TIFF file: the conversions of Pillow's `convert("RGB")`.
///
/// Of 16 bits the high byte is kept, of grey ones too, which Pillow clips to white; white-is-zero is turned round for them as
/// for all others.
struct TIFFSamples {
    let header: ctiff_header
    let samples: [UInt8]

    private static let grey: ClosedRange<UInt16> = 0...1
    private static let rgb: UInt16 = 2
    private static let palette: UInt16 = 3
    private static let cmyk: UInt16 = 5

    /// Whether the samples are of a kind that is converted.
    static func isKnown(_ header: ctiff_header) -> Bool {
        let colours = Int(header.samples_per_pixel) - Int(header.extra_count)
        let extra = header.extra_count == 0 ? nil : header.extra.0
        switch header.photometric {
        case grey:
            // Associated alpha makes other greys, which Pillow does not convert.
            return colours == 1 && extra != 1 && (header.samples_per_pixel == 1 || header.bits_per_sample >= 8)
        case rgb:
            return (colours == 3 || (colours == 4 && extra == nil)) && header.bits_per_sample >= 8
        case palette:
            return colours == 1 && extra != 1 && (header.samples_per_pixel == 1 || header.bits_per_sample == 8)
        case cmyk: return colours == 4 && header.bits_per_sample >= 8
        default: return false
        }
    }

    /// Nil for samples that are of no known kind.
    func image() -> PixelImage? {
        guard Self.isKnown(header) else { return nil }
        let (width, height) = (Int(header.width), Int(header.height))
        let pixels = [UInt8](unsafeUninitializedCapacity: 3 * width * height) { pixels, initializedCount in
            samples.withUnsafeBufferPointer { samples in
                let reader = SampleReader(header, samples)
                switch header.photometric {
                case Self.grey: fillGrey(pixels, reader)
                case Self.palette: fillFromPalette(pixels, reader)
                case Self.cmyk: fillFromCMYK(pixels, reader)
                default: fillRGB(pixels, reader)
                }
            }
            initializedCount = 3 * width * height
        }
        return PixelImage(width: width, height: height, pixels: pixels)
    }

    /// Where the samples of a pixel are, as bytes: of 16 bits the high one.
    private struct SampleReader {
        let samples: UnsafeBufferPointer<UInt8>
        let width: Int
        let height: Int
        let rowByteCount: Int
        let bits: Int
        /// Bytes from one pixel's sample to the next one's.
        let stride: Int
        /// Bytes from one sample to the next of the same pixel.
        let step: Int
        /// Of the byte that counts in a sample.
        let offset: Int

        init(_ header: ctiff_header, _ samples: UnsafeBufferPointer<UInt8>) {
            self.samples = samples
            (width, height) = (Int(header.width), Int(header.height))
            rowByteCount = Int(header.row_byte_count)
            bits = Int(header.bits_per_sample)
            let size = max(1, bits / 8)
            let count = Int(header.samples_per_pixel)
            stride = header.is_planar != 0 ? size : size * count
            step = header.is_planar != 0 ? rowByteCount * height : size
            // Samples of 16 bits come in the machine's order, which is lowest byte first on all that this is built for.
            offset = bits == 16 ? 1 : 0
        }

        /// Sample `index` of a pixel, of 8 or 16 bits.
        @inline(__always) func byte(_ index: Int, x: Int, y: Int) -> UInt8 {
            samples[y * rowByteCount + x * stride + index * step + offset]
        }

        /// The only sample of a pixel, of fewer than 8 bits, the leftmost in the highest bits.
        @inline(__always) func packed(x: Int, y: Int) -> UInt8 {
            let bit = x * bits
            return (samples[y * rowByteCount + bit >> 3] << UInt8(bit & 7)) >> UInt8(8 - bits)
        }
    }

    private func fillGrey(_ pixels: UnsafeMutableBufferPointer<UInt8>, _ reader: SampleReader) {
        let inverted: UInt8 = header.photometric == 0 ? 0xFF : 0
        // 1, 2 and 4 bits are spread to 0...255.
        let factor = reader.bits < 8 ? UInt8(255 / ((1 << reader.bits) - 1)) : 1
        var target = 0
        for y in 0..<reader.height {
            for x in 0..<reader.width {
                let value =
                    (reader.bits < 8 ? reader.packed(x: x, y: y) * factor : reader.byte(0, x: x, y: y)) ^ inverted
                pixels[target] = value
                pixels[target + 1] = value
                pixels[target + 2] = value
                target += 3
            }
        }
    }

    private func fillFromPalette(_ pixels: UnsafeMutableBufferPointer<UInt8>, _ reader: SampleReader) {
        let table = withUnsafeBytes(of: header.palette) { Array($0.bindMemory(to: UInt16.self)) }
        var target = 0
        for y in 0..<reader.height {
            for x in 0..<reader.width {
                let index = Int(reader.bits < 8 ? reader.packed(x: x, y: y) : reader.byte(0, x: x, y: y))
                for channel in 0..<3 { pixels[target + channel] = UInt8(table[256 * channel + index] >> 8) }
                target += 3
            }
        }
    }

    private func fillRGB(_ pixels: UnsafeMutableBufferPointer<UInt8>, _ reader: SampleReader) {
        // Associated alpha is a factor of the colours, which is taken out.
        let isAssociated = header.extra_count > 0 && header.extra.0 == 1
        var target = 0
        for y in 0..<reader.height {
            for x in 0..<reader.width {
                let alpha = isAssociated ? Int(reader.byte(3, x: x, y: y)) : 255
                for channel in 0..<3 {
                    let value = reader.byte(channel, x: x, y: y)
                    pixels[target + channel] =
                        alpha == 255 ? value : alpha == 0 ? 0 : UInt8(min(255, Int(value) * 255 / alpha))
                }
                target += 3
            }
        }
    }

    private func fillFromCMYK(_ pixels: UnsafeMutableBufferPointer<UInt8>, _ reader: SampleReader) {
        var target = 0
        for y in 0..<reader.height {
            for x in 0..<reader.width {
                let paper = 255 - UInt32(reader.byte(3, x: x, y: y))
                for channel in 0..<3 {
                    let product = UInt32(reader.byte(channel, x: x, y: y)) * paper + 128
                    pixels[target + channel] = UInt8(paper - ((product + (product >> 8)) >> 8))
                }
                target += 3
            }
        }
    }
}
