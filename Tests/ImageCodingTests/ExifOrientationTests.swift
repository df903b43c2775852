import ImageCoding
import SystemPackage
import Testing

@Suite struct ExifOrientationTests {
    let turning = InputTransform(resize: 256, crop: 224, exif: .apply)

    @Test(arguments: Recorded.all.orientations.map(\.orientation), [false, true])
    func allEightAreAppliedAsByPillow(orientation: UInt8, isLittleEndian: Bool) throws {
        let bytes = try jpeg(with: exif(orientation: orientation, isLittleEndian: isLittleEndian))
        #expect(ExifOrientation(of: bytes).rawValue == orientation)
        let expected = Recorded.all.orientations[Int(orientation) - 1]
        let turned = try turning.decode(bytes, path: "turned.jpg")
        #expect(turned.width == expected.width && turned.height == expected.height)
        #expect(crc32(of: turned) == expected.crc)
    }

    @Test func itIsIgnoredUnlessAskedFor() throws {
        let bytes = try Recorded.bytes(of: "rotated-by-exif.jpg")
        #expect(ExifOrientation(of: bytes) == .turnedClockwise)
        let stored = try InputTransform(resize: 256, crop: 224).decode(bytes, path: "photo.jpg")
        #expect(try stored == Recorded.image("rotated-by-exif.jpg"))
        #expect(try turning.decode(bytes, path: "photo.jpg") == stored.oriented(.turnedClockwise))
    }

    @Test func turningBackGivesTheImage() throws {
        let image = noise(width: 7, height: 4)
        for orientation in ExifOrientation.allCases {
            let back: ExifOrientation =
                switch orientation {
                case .turnedClockwise: .turnedCounterClockwise
                case .turnedCounterClockwise: .turnedClockwise
                default: orientation
                }
            #expect(image.oriented(orientation).oriented(back) == image)
        }
    }

    @Test func aPNGStatesItInAChunk() throws {
        let png = try Recorded.bytes(of: "rgb.png")
        let metadata = exif(orientation: 3, isLittleEndian: false)
        var chunk = Array("eXIf".utf8) + metadata
        chunk = bigEndian(UInt32(metadata.count)) + chunk + bigEndian(chunk.withUnsafeBytes(crc32))
        // Before the pixels, or after them.
        for place in [33, png.count - 12] {
            let bytes = Array(png[..<place]) + chunk + png[place...]
            #expect(ExifOrientation(of: bytes) == .upsideDown)
            #expect(try turning.decode(bytes, path: "x.png") == Recorded.image("rgb.png").oriented(.upsideDown))
        }
    }

    @Test func damagedMetadataCountAsNone() throws {
        let whole = try jpeg(with: exif(orientation: 6, isLittleEndian: true))
        #expect(try ExifOrientation(of: Recorded.bytes(of: "broken-exif.jpg")) == .upright)
        for orientation in [UInt8(0), 9, 255] {
            #expect(
                try ExifOrientation(of: jpeg(with: exif(orientation: orientation, isLittleEndian: true))) == .upright)
        }
        // Any cut and any changed byte: never a trap, and the pixels stay readable.
        for count in 0..<80 { _ = ExifOrientation(of: Array(whole[..<count])) }
        for position in 2..<60 {
            for value in [UInt8(0), 0x7F, 0xFF] {
                var damaged = whole
                damaged[position] = value
                _ = ExifOrientation(of: damaged)
            }
        }
        var looping = exif(orientation: 6, isLittleEndian: false)
        // A directory that lies behind the end, and one of 65535 entries.
        looping.replaceSubrange(4..<8, with: [0xFF, 0xFF, 0xFF, 0xFF])
        #expect(try ExifOrientation(of: jpeg(with: looping)) == .upright)
        looping.replaceSubrange(4..<10, with: [0, 0, 0, 8, 0xFF, 0xFF])
        looping[11] = 0
        #expect(try ExifOrientation(of: jpeg(with: looping)) == .upright)
        #expect(try turning.decode(jpeg(with: looping), path: "x.jpg") == Recorded.image("rgb-444.jpg"))
    }

    @Test func noImageHasNone() {
        #expect(ExifOrientation(of: []) == .upright)
        #expect(ExifOrientation(of: Array("not an image".utf8)) == .upright)
        #expect(ExifOrientation(of: [0xFF, 0xD8, 0xFF, 0xE1, 0xFF, 0xFF]) == .upright)
        #expect(
            ExifOrientation(of: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0xFF, 0xFF, 0xFF, 0xFF]) == .upright)
    }

    // MARK: - Metadata

    /// A TIFF structure of one directory with the orientation alone.
    private func exif(orientation: UInt8, isLittleEndian: Bool) -> [UInt8] {
        isLittleEndian
            ? [0x49, 0x49, 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0, 0, 0, 0, 0]
            : [0x4D, 0x4D, 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0]
    }

    /// rgb-444.jpg with one more segment at its start.
    private func jpeg(with metadata: [UInt8]) throws -> [UInt8] {
        let jpeg = try Recorded.bytes(of: "rgb-444.jpg")
        let contents = Array("Exif\0\0".utf8) + metadata
        return jpeg[..<2] + [0xFF, 0xE1, 0, UInt8(contents.count + 2)] + contents + jpeg[2...]
    }

    private func bigEndian(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.bigEndian, Array.init) }
}
