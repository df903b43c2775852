import CTIFFShim
import CWebP
import SystemPackage

/// What the header of an image file says, without decoding it.
public struct ImageHeader: Equatable, Sendable {
    public let format: ImageFormat
    /// Of the image that the decoder gives.
    public let width: Int
    public let height: Int
    public let colour: ColourMode
}

/// The colour model that a file stores.
public enum ColourMode: String, Codable, CaseIterable, Sendable {
    case grey
    case greyWithAlpha = "grey_alpha"
    case rgb
    case rgbWithAlpha = "rgb_alpha"
    case palette
    case cmyk
    case ycck
}

extension ImageHeader {
    /// Reads the header; nil for files of no format that is read and for damaged headers, which the decoder has words for.
    public init?(of bytes: [UInt8]) {
        // A JPEG is one to the decoder from three bytes on, and has a header that can be looked for from two.
        let format = bytes.starts(with: [0xFF, 0xD8]) ? .jpeg : ImageFormat(of: bytes)
        switch format {
        case .jpeg: self.init(jpeg: bytes)
        case .png: self.init(png: bytes)
        case .webp: self.init(webP: bytes)
        case .tiff: self.init(tiff: bytes)
        case .bmp: self.init(bmp: bytes)
        case .gif: self.init(gif: bytes)
        case .netpbm: self.init(netpbm: bytes)
        case nil: return nil
        }
    }

    private init?(png bytes: [UInt8]) {
        guard bytes.count >= 33, bytes[12..<16].elementsEqual("IHDR".utf8) else { return nil }
        func number(_ offset: Int) -> Int { (0..<4).reduce(0) { $0 << 8 | Int(bytes[offset + $1]) } }
        let colours: [UInt8: ColourMode] = [0: .grey, 2: .rgb, 3: .palette, 4: .greyWithAlpha, 6: .rgbWithAlpha]
        guard let colour = colours[bytes[25]] else { return nil }
        self.init(format: .png, width: number(16), height: number(20), colour: colour)
    }

    private init?(jpeg bytes: [UInt8]) {
        var adobeTransform: UInt8?
        let frame = JPEGSegments.first(in: bytes) { marker, contents -> ArraySlice<UInt8>? in
            if marker == 0xEE, contents.count >= 12, contents.starts(with: Array("Adobe".utf8)) {
                adobeTransform = contents[contents.startIndex + 11]
            }
            // The frames of all processes; C4, C8 and CC are other segments.
            let isFrame = (0xC0...0xCF).contains(marker) && ![0xC4, 0xC8, 0xCC].contains(marker)
            return isFrame ? contents : nil
        }
        guard let frame, frame.count >= 6 else { return nil }
        let start = frame.startIndex
        let colour: ColourMode
        switch frame[start + 5] {
        case 1: colour = .grey
        case 3: colour = .rgb
        case 4: colour = adobeTransform == 2 ? .ycck : .cmyk
        default: return nil
        }
        self.init(
            format: .jpeg, width: Int(frame[start + 3]) << 8 | Int(frame[start + 4]),
            height: Int(frame[start + 1]) << 8 | Int(frame[start + 2]), colour: colour)
    }

    private init?(webP bytes: [UInt8]) {
        var features = WebPBitstreamFeatures()
        guard WebPGetFeatures(bytes, bytes.count, &features) == VP8_STATUS_OK else { return nil }
        self.init(
            format: .webp, width: Int(features.width), height: Int(features.height),
            colour: features.has_alpha != 0 ? .rgbWithAlpha : .rgb)
    }

    private init?(tiff bytes: [UInt8]) {
        guard let header = try? ImageDecoder.tiffHeader(bytes, path: "") else { return nil }
        let hasAlpha = header.extra_count > 0
        let colours: [UInt16: ColourMode] = [
            0: hasAlpha ? .greyWithAlpha : .grey, 1: hasAlpha ? .greyWithAlpha : .grey, 3: .palette, 5: .cmyk,
        ]
        let (width, height) = (Int(header.width), Int(header.height))
        let isTurned = (5...8).contains(header.orientation)
        self.init(
            format: .tiff, width: isTurned ? height : width, height: isTurned ? width : height,
            colour: colours[header.photometric] ?? (header.samples_per_pixel > 3 ? .rgbWithAlpha : .rgb))
    }

    private init?(bmp bytes: [UInt8]) {
        guard let header = try? BMPHeader(bytes, path: "") else { return nil }
        self.init(
            format: .bmp, width: Int(header.width), height: Int(header.height),
            colour: header.bitCount <= 8 ? .palette : .rgb)
    }

    private init?(gif bytes: [UInt8]) {
        guard let header = try? GIFHeader(bytes, path: "") else { return nil }
        self.init(format: .gif, width: header.width, height: header.height, colour: .palette)
    }

    private init?(netpbm bytes: [UInt8]) {
        guard let header = try? NetpbmHeader(bytes, path: "") else { return nil }
        self.init(
            format: .netpbm, width: header.width, height: header.height,
            colour: header.channelCount == 3 ? .rgb : .grey)
    }
}
