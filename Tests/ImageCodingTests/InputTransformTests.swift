import Foundation
import ImageCoding
import Testing

@Suite struct InputTransformTests {
    @Test func presetsGiveThePixelsAndFloatsOfTorchvision() throws {
        var sources: [String: PixelImage] = [:]
        for recorded in Recorded.all.transforms {
            let image = try sources[recorded.source] ?? Recorded.image(recorded.source)
            sources[recorded.source] = image
            let pixels = recorded.transform.pixels(of: image)
            #expect(pixels.width == recorded.transform.crop && pixels.height == recorded.transform.crop)
            #expect(crc32(of: pixels) == recorded.pixelsCRC, "\(recorded.source) \(recorded.transform)")
            let floats = recorded.transform.normalised(pixels)
            #expect(floats.withUnsafeBytes(crc32) == recorded.floatsCRC, "\(recorded.source) \(recorded.transform)")
        }
        #expect(Recorded.all.transforms.count == 174)
    }

    @Test func croppingFirstOrLastIsTheSame() throws {
        let image = try Recorded.image("scene-613x407.jpg")
        let transform = InputTransform(resize: 61, crop: 40, interpolation: .bicubic)
        let inSteps = image.resized(shorterSide: 61, interpolation: .bicubic).centreCropped(width: 40, height: 40)
        #expect(transform.pixels(of: image) == inSteps)
        #expect(transform(image) == transform.normalised(inSteps))
    }

    @Test func aVeryLongImageCostsNoMoreThanItsCrop() {
        // Resized in full it would have 256 x 25,600,000 pixels.
        let pixels = InputTransform(resize: 256, crop: 224).pixels(of: PixelImage(width: 1, height: 100_000, red: 3))
        #expect(pixels == PixelImage(width: 224, height: 224, red: 3))
    }

    @Test func itIsReadBackFromJSONAsWritten() throws {
        let transform = InputTransform(resize: 384, crop: 380, interpolation: .bicubic, mean: [0.5, 0.25, 0.1])
        let json = try JSONEncoder().encode(transform)
        #expect(try JSONDecoder().decode(InputTransform.self, from: json) == transform)
        let text = String(decoding: json, as: UTF8.self)
        #expect(text.contains("\"interpolation\":\"bicubic\""))
        // Keys that came later are not there unless they say something, so that old caches stay what they are.
        #expect(!text.contains("squash") && !text.contains("exif"))

        var other = transform
        (other.squash, other.exif) = (true, .apply)
        let read = try JSONDecoder().decode(InputTransform.self, from: JSONEncoder().encode(other))
        #expect(read == other && read != transform)
    }

    @Test func valuesThatCannotBeUsedAreNamed() {
        func problem(_ change: (inout InputTransform) -> Void) -> String {
            var transform = InputTransform(resize: 256, crop: 224)
            change(&transform)
            let error = #expect(throws: ImageCodingError.self) { try transform.validate() }
            return error?.description ?? ""
        }
        #expect(problem { $0.crop = 0 }.contains("crop is 0"))
        #expect(problem { $0.resize = 1 << 40 }.contains("resize is 1099511627776"))
        #expect(problem { $0.mean = [0.5] }.contains("mean has 1 values, expected 3"))
        #expect(problem { $0.mean[1] = .nan }.contains("finite"))
        #expect(problem { $0.standardDeviation[2] = 0 }.contains("positive"))
        #expect(throws: Never.self) { try InputTransform(resize: 256, crop: 224).validate() }
    }
}
