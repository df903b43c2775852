import ImageCoding
import Testing

@Suite struct InputTransformPlaceTests {
    @Test func placesGoWhereTheirPixelsGo() {
        // 400 x 200 becomes 200 x 100, of which the middle 80 x 80 are seen: columns 60 to 140, rows 10 to 90.
        let transform = InputTransform(resize: 100, crop: 80)
        let middle = transform.place(ofX: 200, y: 100, width: 400, height: 200)
        #expect(middle.x == 0.5 && middle.y == 0.5)
        let corner = transform.place(ofX: 120, y: 20, width: 400, height: 200)
        #expect(corner.x == 0 && corner.y == 0)
        #expect(transform.place(ofX: 0, y: 0, width: 400, height: 200).x < 0, "cut off")
        // A bright pixel is seen where it is said to be.
        var image = PixelImage(width: 400, height: 200)
        for row in 96..<104 {
            for column in 236..<244 {
                for channel in 0..<3 { image.pixels[(row * 400 + column) * 3 + channel] = 255 }
            }
        }
        let seen = transform.pixels(of: image)
        let place = transform.place(ofX: 240, y: 100, width: 400, height: 200)
        let (x, y) = (Int(place.x * 80), Int(place.y * 80))
        #expect(seen.pixels[(y * 80 + x) * 3] > 200)
        #expect(seen.pixels[(y * 80 + x - 6) * 3] == 0 && seen.pixels[(y * 80 + x + 6) * 3] == 0)
    }

    @Test func squashingHasAScaleForEachSide() {
        let place = InputTransform(resize: 100, squash: true, crop: 100).place(
            ofX: 100, y: 100, width: 400, height: 200)
        #expect(place.x == 0.25 && place.y == 0.5)
    }
}
