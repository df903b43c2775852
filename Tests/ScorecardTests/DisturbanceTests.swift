import Scorecard
import Testing

@Suite struct DisturbanceTests {
    private let grey: [Float] = [0.1, 0.2, 0.3]
    private let pixels = (0..<48).map { Float($0) / 10 }

    @Test func noiseStaysWithinItsLimitAndIsTheImagesOwn() {
        let noisy = Disturbance.noise(pixels, sample: 3, seed: 1, greyPixel: grey)
        let changes = zip(noisy, pixels).map { $0 - $1 }
        #expect(
            changes.allSatisfy { abs($0) <= 0.4001 } && changes.contains { $0 > 0.2 } && changes.contains { $0 < -0.2 })
        #expect(noisy == Disturbance.noise(pixels, sample: 3, seed: 1, greyPixel: grey))
        #expect(noisy != Disturbance.noise(pixels, sample: 4, seed: 1, greyPixel: grey))
        #expect(noisy != Disturbance.noise(pixels, sample: 3, seed: 2, greyPixel: grey))
    }

    @Test func thePatchesAreTheMeanAndGrey() {
        #expect(Disturbance.mean(pixels, sample: 0, seed: 0, greyPixel: grey) == [Float](repeating: 0, count: 48))
        let image = Disturbance.grey(pixels, sample: 0, seed: 0, greyPixel: grey)
        for index in 0..<48 { #expect(image[index] == grey[index % 3]) }
    }

    @Test func whatIsKeptIsAsItWas() {
        let isKept = (0..<16).map { $0 == 5 || $0 == 6 }
        let image = Disturbance.image(pixels, keeping: isKept, disturbed: [Float](repeating: -1, count: 48))
        for index in 0..<48 { #expect(image[index] == (isKept[index / 3] ? pixels[index] : -1)) }
    }

    @Test func aBoxIsAroundTheStrongestPixels() throws {
        // Of 16 pixels an eighth is two: the box holds them, and not what is 0.
        var values = [Float](repeating: 0, count: 16)
        (values[5], values[10]) = (3, 2)
        let box = try #require(PixelBox(around: 0.125, of: values, side: 4))
        #expect(box.rows == 1..<3 && box.columns == 1..<3)
        #expect(box.mask(side: 4).count { $0 } == 4)
        let wide = box.widened(by: 2, side: 4)
        #expect(wide.rows == 0..<4 && wide.columns == 0..<4)
        #expect(PixelBox(around: 0.125, of: [Float](repeating: 0, count: 16), side: 4) == nil)
    }
}
