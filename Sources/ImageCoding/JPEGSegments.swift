/// The segments of a JPEG file, as far as its pixels.
package enum JPEGSegments {
    /// What `body` makes of the first segment that it makes something of; nil if there is none before the pixels, before damage,
    /// or because the bytes are no JPEG.
    ///
    /// - Parameter body: is given a segment's marker (its second byte) and contents, without their length.
    package static func first<Result>(
        in bytes: [UInt8], _ body: (_ marker: UInt8, _ contents: ArraySlice<UInt8>) -> Result?
    ) -> Result? {
        guard bytes.starts(with: [0xFF, 0xD8]) else { return nil }
        var position = 2
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
            case 0xD9, 0xDA:  // the pixels, or the end
                return nil
            default: break
            }
            let end = position + 2 + Int(bytes[position + 2]) << 8 + Int(bytes[position + 3])
            guard end >= position + 4, end <= bytes.count else { return nil }
            if let result = body(marker, bytes[position + 4..<end]) { return result }
            position = end
        }
        return nil
    }
}
