import Foundation
import ImageCoding
import SystemPackage
import Testing

/// What Reference/record_formats.py wrote.
struct RecordedFormats: Decodable {
    struct File: Decodable, Sendable, CustomTestStringConvertible {
        let name: String
        let width: Int
        let height: Int
        let crc: UInt32
        var testDescription: String { name }

        var format: ImageFormat {
            switch name.split(separator: ".").last! {
            case "webp": .webp
            case "tif": .tiff
            case "bmp": .bmp
            case "gif": .gif
            default: .netpbm
            }
        }
    }

    let files: [File]
    let turned: File

    static let all: RecordedFormats = {
        try! JSONDecoder().decode(RecordedFormats.self, from: Data(Recorded.bytes(of: "formats/recorded.json")))
    }()

    static func bytes(of name: String) throws -> [UInt8] { try Recorded.bytes(of: "formats/\(name)") }
}

@Suite struct FormatTests {
    @Test(arguments: RecordedFormats.all.files)
    func decodesToThePixelsOfPillow(_ file: RecordedFormats.File) throws {
        let bytes = try RecordedFormats.bytes(of: file.name)
        let image = try ImageDecoder.decode(bytes, path: FilePath(file.name))
        #expect(image.width == file.width && image.height == file.height)
        #expect(crc32(of: image) == file.crc, "\(file.name): other pixels than Pillow's")
        let header = try #require(ImageHeader(of: bytes))
        #expect(header.format == file.format && header.width == file.width && header.height == file.height)
    }

    @Test func everyKindOfFileIsCovered() {
        let counts = Dictionary(grouping: RecordedFormats.all.files, by: \.format).mapValues(\.count)
        #expect(counts == [.webp: 15, .tiff: 102, .bmp: 45, .gif: 16, .netpbm: 12])
    }

    @Test func photographsAreTurnedAsTheyStateWhereThatIsAskedFor() throws {
        let turned = RecordedFormats.all.turned
        let bytes = try RecordedFormats.bytes(of: turned.name)
        #expect(ExifOrientation(of: bytes) == .turnedClockwise)
        let image = try InputTransform(resize: 32, crop: 32, exif: .apply).decode(bytes, path: "photo.webp")
        #expect(image.width == turned.width && image.height == turned.height && crc32(of: image) == turned.crc)
        // A TIFF is turned by the decoder, and not once more.
        let tiff = try RecordedFormats.bytes(of: "orientation-6.tif")
        #expect(ExifOrientation(of: tiff) == .upright)
    }

    @Test func theInputOfANetworkIsThatOfTheWholeImage() throws {
        let transform = InputTransform(resize: 30, crop: 24)
        for name in ["lossy-75.webp", "rgb-tiles-lzw.tif", "rgb.bmp", "interlaced.gif", "rgb.ppm"] {
            let bytes = try RecordedFormats.bytes(of: name)
            let whole = transform.pixels(of: try ImageDecoder.decode(bytes, path: "x"))
            #expect(try transform.pixels(ofFile: bytes, path: "x") == whole)
        }
    }
}

@Suite struct BadFormatTests {
    private let path = FilePath("folder/picture")

    private static let cut = [
        "lossy-75.webp", "lossless-alpha.webp", "lossy-alpha.webp", "animated.webp", "rgb.tif", "rgb-lzw.tif",
        "rgb-adobe_deflate.tif", "bilevel-group4.tif", "ycbcr-jpeg.tif", "rgb-tiles-planes.tif", "ycbcr-subsampled.tif",
        "palette-16.tif", "rgb.bmp", "runs-8.bmp", "runs-4.bmp", "palette.gif", "interlaced.gif", "rgb.ppm", "text.pgm",
    ].filter { name in RecordedFormats.all.files.contains { $0.name == name } }

    /// A file that was cut is an error, unless nothing of the picture is missing.
    @Test(arguments: cut) func aFileCutAnywhereIsAnError(name: String) throws {
        let bytes = try RecordedFormats.bytes(of: name)
        let whole = try ImageDecoder.decode(bytes, path: path)
        var errors = 0
        for count in stride(from: 12, to: bytes.count, by: max(1, bytes.count / 300)) {
            do {
                let image = try ImageDecoder.decode(Array(bytes[..<count]), path: path)
                // Directories at the end of a TIFF, end marks, other frames and pages.
                #expect(image == whole, "\(name) cut after \(count) of \(bytes.count) bytes gives another picture")
            } catch let error as ImageCodingError {
                errors += 1
                #expect(error.imageFault != nil)
            }
        }
        #expect(errors > 0)
    }

    @Test func whatEndsEarlyIsSaidToAndNotToBeDamaged() throws {
        for (name, format) in [
            ("lossy-75.webp", "WebP"), ("rgb.tif", "TIFF"), ("rgb.bmp", "BMP"), ("palette.gif", "GIF"),
            ("rgb.ppm", "PPM"),
        ] {
            let bytes = try RecordedFormats.bytes(of: name)
            let count = bytes.count / 2
            #expect(throws: ImageCodingError.truncated(path: path, format: format, byteCount: count)) {
                try ImageDecoder.decode(Array(bytes[..<count]), path: path)
            }
        }
    }

    /// Headers that declare more pixels than are decoded, in a few bytes.
    @Test func decompressionBombsAreRefused() throws {
        func expectTooLarge(_ bytes: [UInt8], sourceLocation: SourceLocation = #_sourceLocation) {
            let error = #expect(throws: ImageCodingError.self, sourceLocation: sourceLocation) {
                try ImageDecoder.decode(bytes, path: path)
            }
            guard case .tooLarge = error else {
                Issue.record("\(String(describing: error)) is not the error of a bomb", sourceLocation: sourceLocation)
                return
            }
        }
        expectTooLarge(Array("P6 70000 70000 255\n".utf8))
        expectTooLarge(Array("P1 4294967295 4294967295\n".utf8))
        var bmp = try RecordedFormats.bytes(of: "runs-8.bmp")
        bmp.replaceSubrange(18..<26, with: [0, 0, 2, 0, 0, 0, 1, 0])
        expectTooLarge(bmp)
        bmp.replaceSubrange(18..<26, with: [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F])
        expectTooLarge(bmp)
        var gif = try RecordedFormats.bytes(of: "palette.gif")
        gif.replaceSubrange(6..<10, with: [0xFF, 0xFF, 0xFF, 0xFF])
        expectTooLarge(gif)
        // The canvas of an animation.
        var webp = try RecordedFormats.bytes(of: "animated-part.webp")
        webp.replaceSubrange(24..<30, with: [0xFE, 0x3F, 0, 0xFE, 0x3F, 0])
        expectTooLarge(webp)
        var tiff = try RecordedFormats.bytes(of: "black-is-zero-1.tif")
        for tag in [UInt8(0), 1] { try setTag(tag, to: 60_000, in: &tiff) }
        expectTooLarge(tiff)
    }

    /// Pictures within the limit whose data are missing are refused without much memory or time.
    @Test func headersThatLieAreErrors() throws {
        var bmp = try RecordedFormats.bytes(of: "runs-8.bmp")
        bmp.replaceSubrange(18..<26, with: [0, 0x20, 0, 0, 0, 0x20, 0, 0])
        #expect(throws: ImageCodingError.self) { try ImageDecoder.decode(bmp, path: path) }
        #expect(throws: ImageCodingError.self) {
            try ImageDecoder.decode(Array("P3 8000 8000 255\n1 2 3".utf8), path: path)
        }
        var tiff = try RecordedFormats.bytes(of: "black-is-zero-8.tif")
        for tag in [UInt8(0), 1] { try setTag(tag, to: 8000, in: &tiff) }
        #expect(throws: ImageCodingError.self) { try ImageDecoder.decode(tiff, path: path) }
    }

    /// Sets the short value of the tag 256 + `low` in the little-endian directory of a TIFF.
    private func setTag(_ low: UInt8, to value: UInt16, in tiff: inout [UInt8]) throws {
        let directory = tiff[4..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
        let entry = try #require(
            (0..<Int(tiff[directory])).map { directory + 2 + 12 * $0 }.first { tiff[$0] == low && tiff[$0 + 1] == 1 })
        tiff.replaceSubrange(entry + 8..<entry + 10, with: [UInt8(value & 0xFF), UInt8(value >> 8)])
    }

    @Test func kindsThatAreNotReadAreNamed() throws {
        var float = try RecordedFormats.bytes(of: "black-is-zero-8.tif")
        // 12 bits a sample.
        try setTag(2, to: 12, in: &float)
        expectUnsupported(float, "TIFF", "samples of 12 bits")
        var jpeg = try RecordedFormats.bytes(of: "black-is-zero-8.tif")
        try setTag(3, to: 6, in: &jpeg)
        expectUnsupported(jpeg, "TIFF", "compression 6")
        var lab = try RecordedFormats.bytes(of: "rgb-16-little.tif")
        try setTag(6, to: 8, in: &lab)
        expectUnsupported(lab, "TIFF", "CIE L*a*b*, 3 samples of 16 bits")
        var bmp = try RecordedFormats.bytes(of: "rgb.bmp")
        bmp[30] = 4
        expectUnsupported(bmp, "BMP", "compression 4")
        bmp[30] = 0
        bmp[28] = 64
        expectUnsupported(bmp, "BMP", "64 bits a pixel")
    }

    private func expectUnsupported(
        _ bytes: [UInt8], _ format: String, _ reason: String, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let error = #expect(throws: ImageCodingError.self, sourceLocation: sourceLocation) {
            try ImageDecoder.decode(bytes, path: path)
        }
        #expect(
            error == .unsupported(path: path, format: format, reason: reason), sourceLocation: sourceLocation)
        #expect(error?.description.contains("of a kind that is not read (\(reason))") == true)
    }

    @Test func malformedFilesOfOneRuleEachAreErrors() throws {
        func corrupt(_ bytes: [UInt8], _ text: String, sourceLocation: SourceLocation = #_sourceLocation) {
            let error = #expect(throws: ImageCodingError.self, sourceLocation: sourceLocation) {
                try ImageDecoder.decode(bytes, path: path)
            }
            #expect(
                error?.description.contains(text) == true, "\(String(describing: error))",
                sourceLocation: sourceLocation)
        }
        let gif = try RecordedFormats.bytes(of: "palette.gif")
        let frame = try #require(GIFPlaces(gif).frame)
        var changed = gif
        changed.replaceSubrange(frame + 5..<frame + 9, with: [0, 0, 1, 0])
        corrupt(changed, "its first frame has no pixels")
        changed = gif
        changed[frame + 10] = 12
        corrupt(changed, "its codes begin with 12 bits")
        corrupt(Array(gif[..<frame]) + [0x3B], "it has no image in it")
        corrupt(Array("P6 3 x 255\n".utf8), "its height is \"x\"")
        corrupt(Array("P6 3 3 65536\n".utf8), "its largest value is 65536")
        corrupt(Array("P2 2 1 9\n3 10\n".utf8), "expected 0 to 9")
        corrupt(Array("P1 2 1\n2 0\n".utf8), "neither 0 nor 1")
        corrupt(Array("P6 0 3 255\n".utf8), "its width is \"0\"")
        var webp = try RecordedFormats.bytes(of: "lossless.webp")
        webp[21] ^= 0xFF
        corrupt(webp, "WebP")
    }

    /// Where the descriptor of the first frame of a GIF is.
    private struct GIFPlaces {
        let frame: Int?

        init(_ bytes: [UInt8]) {
            let palette = bytes[10] & 0x80 != 0 ? 3 << (Int(bytes[10] & 7) + 1) : 0
            var position = 13 + palette
            while position < bytes.count, bytes[position] == UInt8(ascii: "!") {
                position += 2
                while bytes[position] > 0 { position += 1 + Int(bytes[position]) }
                position += 1
            }
            frame = position < bytes.count && bytes[position] == UInt8(ascii: ",") ? position : nil
        }
    }

    @Test func randomDamageNeverCrashes() throws {
        var state: UInt64 = 20_261_128
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        var (decoded, refused) = (0, 0)
        for file in RecordedFormats.all.files where file.name != "large.gif" {
            let bytes = try RecordedFormats.bytes(of: file.name)
            for _ in 0..<25 {
                var damaged = bytes
                for _ in 0...random(6) { damaged[random(damaged.count)] = UInt8(random(256)) }
                // A width of 60000 is no fault of the decoder, and takes long.
                if let header = ImageHeader(of: damaged), header.width > 4000 || header.height > 4000 { continue }
                do {
                    _ = try ImageDecoder.decode(damaged, path: path)
                    decoded += 1
                } catch is ImageCodingError {
                    refused += 1
                }
            }
        }
        #expect(decoded > 0 && refused > 0)
    }
}
