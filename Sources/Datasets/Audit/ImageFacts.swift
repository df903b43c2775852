import ImageCoding

/// What the header of an image file says, without decoding it.
struct ImageFacts: Equatable {
    enum Format: String {
        case jpeg, png
    }

    let format: Format
    let width: Int
    let height: Int
    let colour: ColourMode
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

extension ImageFacts {
    /// Reads the header of a JPEG or PNG; nil for other files and damaged headers, which the decoder has words for.
    init?(_ bytes: [UInt8]) {
        if bytes.starts(with: [0xFF, 0xD8]) {
            self.init(jpeg: bytes)
        } else if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
            self.init(png: bytes)
        } else {
            return nil
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
}
