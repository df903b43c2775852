import ImageCoding
import SystemPackage
import Testing

/// Parts of JPEG files against the same parts of the whole images, which ImageDecoderTests compares with Pillow's.
@Suite struct PartialDecodingTests {
    static let names = [
        "part-444.jpg", "part-422.jpg", "part-440.jpg", "part-420.jpg", "part-411.jpg", "part-420-progressive.jpg",
        "part-420-unfinished.jpg", "part-420-restarts.jpg", "part-422-arithmetic.jpg", "part-grey.jpg", "part-cmyk.jpg",
    ]

    /// The rectangle of the file, decoded alone.
    private func part(_ bytes: [UInt8], _ name: String, x: Int, y: Int, side: Int) throws -> PixelImage {
        // Neither scaled nor cropped: the pixels themselves.
        try InputTransform(resize: side, crop: side).pixels(ofFile: bytes, path: FilePath(name)) { _, _ in
            PixelRectangle(x: x, y: y, width: side, height: side)
        }
    }

    @Test(arguments: names)
    func everyPartIsThatOfTheWhole(name: String) throws {
        let bytes = try Recorded.bytes(of: name)
        let whole = try Recorded.image(name)
        #expect(whole.width == 75 && whole.height == 83)
        for side in [1, 7, 30] {
            for y in 0...whole.height - side {
                // All columns in turn beside all rows.
                let x = y * 37 % (whole.width - side + 1)
                let part = try part(bytes, name, x: x, y: y, side: side)
                #expect(part == whole.cropped(x: x, y: y, width: side, height: side), "\(side) at \(x), \(y)")
            }
        }
    }

    @Test(arguments: names + ["scene-613x407.jpg", "scene-260x611.jpg", "scene-59x84.png", "rotated-by-exif.jpg"])
    func inputsAreThoseOfTheWhole(name: String) throws {
        let bytes = try Recorded.bytes(of: name)
        for (resize, crop) in [(256, 224), (64, 64), (64, 20), (75, 33), (83, 50), (40, 60), (200, 16)] {
            for interpolation in Interpolation.allCases {
                for squash in [false, true] {
                    for exif in ExifOrientation.Policy.allCases {
                        let transform = InputTransform(
                            resize: resize, squash: squash, crop: crop, interpolation: interpolation, exif: exif)
                        let whole = transform.pixels(of: try transform.decode(bytes, path: FilePath(name)))
                        let pixels = try transform.pixels(ofFile: bytes, path: FilePath(name))
                        #expect(pixels == whole, "\(transform)")
                    }
                }
            }
        }
    }

    @Test func aFrameIsCutOutBeforeAnythingElse() throws {
        let transform = InputTransform(resize: 50, crop: 40, interpolation: .bicubic)
        for name in ["scene-613x407.jpg", "scene-83x59.png"] {
            let bytes = try Recorded.bytes(of: name)
            let frame = PixelRectangle(x: 21, y: 9, width: 60, height: 43)
            let expected = transform.pixels(of: try Recorded.image(name).cropped(to: frame))
            #expect(try transform.pixels(ofFile: bytes, path: FilePath(name)) { _, _ in frame } == expected)
        }
    }

    @Test(arguments: names)
    func aFileCutBelowThePartIsStillTruncated(name: String) throws {
        let bytes = try Recorded.bytes(of: name)
        let expected = try part(bytes, name, x: 30, y: 0, side: 4)
        let whole = try Recorded.image(name)
        for count in stride(from: 8, to: bytes.count, by: 3) {
            let cut = Array(bytes[..<count])
            let error = ImageCodingError.truncated(path: FilePath(name), format: "JPEG", byteCount: count)
            let (found, all) = (
                Result { try part(cut, name, x: 30, y: 0, side: 4) },
                Result { try ImageDecoder.decode(cut, path: FilePath(name)) }
            )
            switch (found, all) {
            case (.success(let found), .success(let all)):
                // Then all rows are there, and only the end mark is not.
                #expect(found == expected && all == whole && bytes.count - count <= 12, "cut after \(count)")
            case (.failure(let first), .failure(let second)):
                #expect(first as? ImageCodingError == error && second as? ImageCodingError == error)
            default:
                Issue.record("cut after \(count) of \(bytes.count) bytes: \(found), but \(all)")
            }
        }
    }

    @Test(arguments: names)
    func damageGivesThePartOfWhatTheWholeGives(name: String) throws {
        let bytes = try Recorded.bytes(of: name)
        for place in stride(from: bytes.count / 2, to: bytes.count - 2, by: 17) {
            var damaged = bytes
            damaged[place] ^= 0x10
            let whole = try? ImageDecoder.decode(damaged, path: FilePath(name))
            guard let whole, whole.width == 75, whole.height == 83 else { continue }
            let part = try part(damaged, name, x: 40, y: 30, side: 20)
            #expect(part == whole.cropped(x: 40, y: 30, width: 20, height: 20), "a bit flipped at \(place)")
        }
    }
}
