import ImageCoding
import Testing

@Suite struct ResizingTests {
    @Test func resizesToTheBytesOfPillow() throws {
        let source = try Recorded.image("scene-83x59.png")
        for recorded in Recorded.all.resizing {
            let resized = source.resized(
                width: recorded.width, height: recorded.height, interpolation: recorded.interpolation)
            #expect(resized.width == recorded.width && resized.height == recorded.height)
            #expect(
                crc32(of: resized) == recorded.crc,
                "\(recorded.width) x \(recorded.height) \(recorded.interpolation)")
        }
        #expect(Recorded.all.resizing.count == 34)
    }

    @Test func aRecordedPictureIsMetByteForByte() throws {
        let resized = try Recorded.image("scene-83x59.png").resized(width: 41, height: 29, interpolation: .bicubic)
        #expect(try resized.pixels == Recorded.bytes(of: "scene-41x29-bicubic.rgb"))
    }

    @Test(arguments: [
        (640, 480, 256, 341, 256), (480, 640, 256, 256, 341), (500, 375, 232, 309, 232), (3, 1, 7, 21, 7),
        (1000, 999, 224, 224, 224), (97, 113, 256, 256, 298),
    ])
    func theLongerSideIsCutNotRounded(width: Int, height: Int, side: Int, newWidth: Int, newHeight: Int) {
        let resized = PixelImage(width: width, height: height).resized(shorterSide: side, interpolation: .bilinear)
        #expect(resized.width == newWidth && resized.height == newHeight)
    }

    @Test(arguments: Interpolation.allCases)
    func oneColourStaysOneColour(interpolation: Interpolation) {
        let image = PixelImage(width: 33, height: 21, red: 255, green: 7, blue: 130)
        let expected = PixelImage(width: 50, height: 8, red: 255, green: 7, blue: 130)
        #expect(image.resized(width: 50, height: 8, interpolation: interpolation) == expected)
    }
}

@Suite struct CroppingTests {
    /// A picture whose red is the column and whose green is the row.
    private func coordinates(width: Int, height: Int) -> PixelImage {
        PixelImage(
            width: width, height: height,
            pixels: (0..<height).flatMap { row in (0..<width).flatMap { [UInt8($0), UInt8(row), 9] } })
    }

    @Test(arguments: [
        // side, crop, first column: int(round((side - crop) / 2)), ties to even
        (10, 4, 3), (11, 4, 4), (9, 4, 2), (7, 4, 2), (5, 4, 0), (13, 4, 4), (4, 4, 0),
    ])
    func oddMarginsAreHalvedToTheEvenSide(side: Int, crop: Int, first: Int) {
        let cropped = coordinates(width: side, height: side).centreCropped(width: crop, height: crop)
        #expect(cropped.pixels[0] == first && cropped.pixels[1] == first)
        #expect(cropped.width == crop && cropped.pixels.count == crop * crop * 3)
    }

    @Test func aSmallImageIsPaddedWithBlackTheSmallerHalfFirst() {
        let cropped = PixelImage(width: 2, height: 1, red: 5, green: 5, blue: 5).centreCropped(width: 5, height: 2)
        let expected: [[UInt8]] = [[0, 5, 5, 0, 0], [0, 0, 0, 0, 0]]
        #expect(cropped.pixels == expected.flatMap { $0.flatMap { [$0, $0, $0] } })
    }

    @Test func whatLiesOutsideIsBlack() {
        let image = coordinates(width: 3, height: 3)
        let cropped = image.cropped(x: 2, y: -1, width: 2, height: 3)
        #expect(cropped.pixels == [0, 0, 0, 0, 0, 0, 2, 0, 9, 0, 0, 0, 2, 1, 9, 0, 0, 0])
        #expect(image.cropped(x: 50, y: -70, width: 1, height: 2) == PixelImage(width: 1, height: 2))
    }
}
