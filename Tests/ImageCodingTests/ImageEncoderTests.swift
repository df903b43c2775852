import ImageCoding
import SystemPackage
import Testing

@Suite struct ImageEncoderTests {
    let path = FilePath("encoded")

    @Test(arguments: [(1, 1), (37, 29), (300, 2)])
    func aPNGGivesItsPixelsBack(width: Int, height: Int) throws {
        let image = noise(width: width, height: height)
        #expect(try ImageDecoder.decode(ImageEncoder.png(image), path: path) == image)
    }

    @Test func aJPEGOfHighQualityIsCloseAlsoInColour() throws {
        let image = try Recorded.image("scene-83x59.png")
        let back = try ImageDecoder.decode(ImageEncoder.jpeg(image, quality: 95), path: path)
        let squares = zip(image.pixels, back.pixels).map { (Double($0) - Double($1)) * (Double($0) - Double($1)) }
        // With chroma subsampling the one-pixel stripes alone would make this several times larger.
        #expect(squares.reduce(0, +) / Double(squares.count) < 12)
    }

    @Test func qualityTradesSizeForCloseness() throws {
        let image = try Recorded.image("scene-83x59.png")
        let sizes = [10, 50, 90, 100].map { ImageEncoder.jpeg(image, quality: $0).count }
        #expect(sizes == sizes.sorted() && sizes[0] * 3 < sizes[3])
    }

    @Test func theSamePixelsGiveTheSameBytes() {
        let image = noise(width: 64, height: 48)
        #expect(ImageEncoder.jpeg(image) == ImageEncoder.jpeg(image))
        #expect(ImageEncoder.png(image) == ImageEncoder.png(image))
    }
}
