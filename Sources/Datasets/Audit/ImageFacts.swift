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
        var position = 2
        var adobeTransform: UInt8?
        while position + 4 <= bytes.count {
            guard bytes[position] == 0xFF else {
                position += 1
                continue
            }
            let marker = bytes[position + 1]
            switch marker {
            case 0xFF:  // a fill byte
                position += 1
                continue
            case 0x00, 0x01, 0xD0...0xD8:  // markers without a segment
                position += 2
                continue
            case 0xD9, 0xDA:  // the pixels, or the end, before a frame
                return nil
            default: break
            }
            let end = position + 2 + Int(bytes[position + 2]) << 8 + Int(bytes[position + 3])
            guard end >= position + 4, end <= bytes.count else { return nil }
            let segment = bytes[position + 4..<end]
            if marker == 0xEE, segment.count >= 12, segment.starts(with: Array("Adobe".utf8)) {
                adobeTransform = segment[segment.startIndex + 11]
            }
            // The frames of all processes; C4, C8 and CC are other segments.
            if (0xC0...0xCF).contains(marker), marker != 0xC4, marker != 0xC8, marker != 0xCC {
                guard segment.count >= 6 else { return nil }
                let start = segment.startIndex
                let colour: ColourMode
                switch segment[start + 5] {
                case 1: colour = .grey
                case 3: colour = .rgb
                case 4: colour = adobeTransform == 2 ? .ycck : .cmyk
                default: return nil
                }
                self.init(
                    format: .jpeg, width: Int(segment[start + 3]) << 8 | Int(segment[start + 4]),
                    height: Int(segment[start + 1]) << 8 | Int(segment[start + 2]), colour: colour)
                return
            }
            position = end
        }
        return nil
    }
}
