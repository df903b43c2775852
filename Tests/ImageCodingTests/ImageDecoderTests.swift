import Foundation
import ImageCoding
import SystemPackage
import Testing

@Suite struct ImageDecoderTests {
    @Test(arguments: Recorded.all.files)
    func decodesToThePixelsOfPillow(_ file: Recorded.File) throws {
        let image = try ImageDecoder.decode(contentsOf: Recorded.path(of: file.name))
        let expected = try Recorded.bytes(of: file.name + ".rgb")
        #expect(image.width == file.width && image.height == file.height)
        #expect(image.pixels.count == expected.count)
        let difference = zip(image.pixels, expected).map { abs(Int($0) - Int($1)) }.max()
        #expect(difference == 0)
    }

    @Test func everyKindOfFileIsCovered() {
        #expect(Recorded.all.files.count == 36)
    }

    @Test func aColourIsKeptUnderFullTransparency() throws {
        // (10, 20, 30) with alpha 0, not black or white.
        let png = try Recorded.image("rgba.png")
        let opaque = try Recorded.image("rgb.png")
        #expect(png == opaque)
    }

    @Test func brokenMetadataOfAnyKindCostNoPicture() throws {
        let jpeg = try Recorded.bytes(of: "rgb-444.jpg")
        let whole = try Recorded.image("rgb-444.jpg")
        func segment(_ marker: UInt8, _ contents: [UInt8]) -> [UInt8] {
            [0xFF, marker, UInt8((contents.count + 2) >> 8), UInt8((contents.count + 2) & 0xFF)] + contents
        }
        let segments = [
            // XMP that is no XML, and of a packet that never ends.
            segment(0xE1, Array("http://ns.adobe.com/xap/1.0/\0<x:xmpmeta \u{1}<<".utf8)),
            segment(0xE1, Array("http://ns.adobe.com/xap/1.0/\0<?xpacket begin=\"\"".utf8)),
            // The third of two parts of a colour profile, and a profile of three bytes.
            segment(0xE2, Array("ICC_PROFILE\0".utf8) + [3, 2, 0xFF, 0xFF]),
            segment(0xE2, Array("ICC_PROFILE\0".utf8) + [1, 1, 1, 2, 3]),
            segment(0xE1, Array("Exif\0\0II*\0".utf8)), segment(0xED, Array("Photoshop 3.0\08BIM".utf8)),
            segment(0xFE, [0xFF, 0xFE, 0xFD]),
        ]
        let turning = InputTransform(resize: 32, crop: 32, exif: .apply)
        for metadata in segments + [segments.flatMap { $0 }] {
            let bytes = Array(jpeg[..<2]) + metadata + jpeg[2...]
            #expect(try ImageDecoder.decode(bytes, path: "photo.jpg") == whole)
            #expect(try turning.decode(bytes, path: "photo.jpg") == whole)
        }
    }

    @Test func aMissingFileIsNamed() {
        let path = FilePath("/nowhere/picture.jpg")
        let error = #expect(throws: (any Error).self) { try ImageDecoder.decode(contentsOf: path) }
        #expect("\(error!)".contains("/nowhere/picture.jpg"))
    }
}

@Suite struct BadImageTests {
    let path = FilePath("folder/picture.jpg")

    @Test func anEmptyFileIsNamed() {
        #expect(throws: ImageCodingError.empty(path: path)) { try ImageDecoder.decode([], path: path) }
    }

    @Test(arguments: [
        ("This is not an image.\n", "is a text file"), ("\u{1}\u{2}", "starts with the bytes 01 02"),
        ("<!DOCTYPE html><html>", "is a web page, perhaps a server's error message"),
        ("\n <HTML><head>", "is a web page, perhaps a server's error message"),
        ("{\"error\": 404}", "is a JSON text, perhaps a server's error message"),
        ("<?xml version=\"1.0\"?><Error>", "is an XML document, perhaps a server's error message"),
        ("<?xml version=\"1.0\"?>\n<svg width=\"9\">", "is an SVG drawing"), ("<svg>", "is an SVG drawing"),
        ("\0\0\0\u{18}ftypheic\0\0", "is a HEIC image"), ("\0\0\0\u{18}ftypmif1\0\0", "is a HEIC image"),
        ("\0\0\0\u{1C}ftypavif\0\0", "is an AVIF image"), ("\0\0\0\u{1C}ftypcrx \0\0", "is a camera raw file (CR3)"),
        ("\0\0\0\u{1C}ftypisom\0\0", "is a film (MP4 or the like)"), ("\0\0\0\u{C}JXL \r\n", "is a JPEG XL image"),
        ("\0\0\0\u{C}jP  \r\n", "is a JPEG 2000 image"), ("8BPS\0\u{1}", "is a Photoshop document"),
        ("II*\0\u{10}\0\0\0CR\u{2}\0", "is a camera raw file"), ("%PDF-1.4", "is a PDF document"),
        (
            "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
            "is a Git LFS pointer, not the image (git lfs pull fetches that)"
        ),
        ("P7\nWIDTH 4\n", "is a PAM image"),
        ("\0\0\0\0\0\0", "is nothing but zeros, as a failed download or a broken disk leaves it"),
    ])
    func anotherFormatIsToldByContents(contents: String, expected: String) {
        let error = ImageCodingError.unknownFormat(path: path, found: expected)
        #expect(throws: error) { try ImageDecoder.decode(Array(contents.utf8), path: path) }
        #expect(error.description.contains("folder/picture.jpg") && error.description.contains(expected))
    }

    @Test(arguments: [
        "rgb-444.jpg", "rgb-420.jpg", "progressive.jpg", "grey.jpg", "ycck.jpg", "restarts.jpg", "rgb.png",
        "palette.png",
        "interlaced.png", "rgb-16-bit.png",
    ])
    func aFileCutAnywhereIsAnError(name: String) throws {
        let bytes = try Recorded.bytes(of: name)
        let whole = try ImageDecoder.decode(bytes, path: path)
        let format = name.hasSuffix("png") ? "PNG" : "JPEG"
        for count in stride(from: 8, to: bytes.count, by: 3) {
            do {
                let image = try ImageDecoder.decode(Array(bytes[..<count]), path: path)
                // Only the end mark (and a PNG's last checksum) may be missing: every pixel must be there.
                #expect(image == whole && bytes.count - count <= 12, "cut after \(count) of \(bytes.count) bytes")
            } catch let error as ImageCodingError {
                #expect(error == .truncated(path: path, format: format, byteCount: count))
            }
        }
    }

    @Test func aJPEGOfTheFirstMarkerAloneIsTruncated() {
        #expect(throws: ImageCodingError.truncated(path: path, format: "JPEG", byteCount: 4)) {
            try ImageDecoder.decode([0xFF, 0xD8, 0xFF, 0xE0], path: path)
        }
    }

    @Test func aPNGThatDeclaresMoreThanItHoldsIsRefusedBeforeMemoryIsTaken() throws {
        // A header of 8192 x 8192 over the data of a small picture.
        var bytes = try Recorded.bytes(of: "rgb.png")
        bytes.replaceSubrange(16..<24, with: [0, 0, 0x20, 0, 0, 0, 0x20, 0])
        repairChecksum(&bytes)
        #expect(throws: ImageCodingError.truncated(path: path, format: "PNG", byteCount: bytes.count)) {
            try ImageDecoder.decode(bytes, path: path)
        }
        // Little enough for the memory check, and still more than there is.
        bytes.replaceSubrange(16..<24, with: [0, 0, 0, 37, 0, 0, 0, 200])
        repairChecksum(&bytes)
        #expect(throws: ImageCodingError.self) { try ImageDecoder.decode(bytes, path: path) }
    }

    @Test func aJPEGOfMoreScansThanAnyEncoderWritesIsRefused() throws {
        var bytes = try Recorded.bytes(of: "progressive.jpg")
        let lastScan = try #require(bytes.indices.dropLast().last { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xDA })
        let scan = bytes[lastScan..<bytes.count - 2]
        for _ in 0..<600 { bytes.insert(contentsOf: scan, at: lastScan) }
        #expect(throws: ImageCodingError.corrupt(path: path, format: "JPEG", reason: "more than 500 scans")) {
            try ImageDecoder.decode(bytes, path: path)
        }
    }

    @Test func aDecompressionBombIsRefused() throws {
        var jpeg = try Recorded.bytes(of: "rgb-444.jpg")
        let frame = try #require(startOfFrame(in: jpeg))
        jpeg.replaceSubrange(frame + 5..<frame + 9, with: [0xFF, 0xDC, 0xFF, 0xDC])
        #expect(throws: ImageCodingError.tooLarge(path: path, width: 65_500, height: 65_500)) {
            try ImageDecoder.decode(jpeg, path: path)
        }
        var png = try Recorded.bytes(of: "rgb.png")
        png.replaceSubrange(16..<24, with: [0, 0x0F, 0, 0, 0, 0x0F, 0, 0])
        repairChecksum(&png)
        #expect(throws: ImageCodingError.tooLarge(path: path, width: 0xF0000, height: 0xF0000)) {
            try ImageDecoder.decode(png, path: path)
        }
    }

    @Test func aPNGWithAFlippedBitInItsDataIsDamaged() throws {
        var bytes = try Recorded.bytes(of: "rgb.png")
        bytes[bytes.count / 2] ^= 1
        let error = #expect(throws: ImageCodingError.self) { try ImageDecoder.decode(bytes, path: path) }
        guard case .corrupt(path, "PNG", _) = error else {
            Issue.record("\(String(describing: error)) is not the error of a damaged PNG")
            return
        }
    }

    @Test func randomDamageNeverCrashes() throws {
        var state: UInt64 = 20_240_917
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        var (decoded, refused) = (0, 0)
        for file in Recorded.all.files {
            let bytes = try Recorded.bytes(of: file.name)
            for _ in 0..<40 {
                var damaged = bytes
                for _ in 0...random(6) { damaged[random(damaged.count)] = UInt8(random(256)) }
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

    // MARK: - Surgery

    private func startOfFrame(in jpeg: [UInt8]) -> Int? {
        jpeg.indices.dropLast().first { jpeg[$0] == 0xFF && jpeg[$0 + 1] == 0xC0 }
    }

    /// Makes the checksum of a PNG's header right again.
    private func repairChecksum(_ png: inout [UInt8]) {
        let checksum = png[12..<29].withUnsafeBytes(crc32)
        png.replaceSubrange(29..<33, with: withUnsafeBytes(of: checksum.bigEndian, Array.init))
    }
}
