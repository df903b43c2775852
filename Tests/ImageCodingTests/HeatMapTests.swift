import ImageCoding
import Testing

@Suite struct HeatMapTests {
    @Test func upsamplesAsPyTorch() {
        for recorded in Recorded.all.heatMaps {
            let map = HeatMap(width: recorded.width, height: recorded.height, values: recorded.values)
            let scaled = map.upsampled(
                width: recorded.toWidth, height: recorded.toHeight, interpolation: recorded.interpolation)
            let difference = zip(scaled.values, recorded.expected).map { abs($0 - $1) }.max() ?? .infinity
            #expect(difference < 5e-6, "\(recorded.width) x \(recorded.height) \(recorded.interpolation)")
        }
        #expect(Recorded.all.heatMaps.count == 8)
    }

    @Test func thePictureStaysWhereThereIsNoHeat() {
        let image = noise(width: 20, height: 10)
        let cold = HeatMap(width: 2, height: 1, values: [0, 0])
        #expect(image.overlaid(with: cold) == image)
        let left = image.overlaid(with: HeatMap(width: 2, height: 1, values: [3, 0]), opacity: 1)
        for row in 0..<10 {
            let start = row * 60
            #expect(left.pixels[start + 45..<start + 60] == image.pixels[start + 45..<start + 60])
            let hottest = ColourMap.inferno.colour(1)
            #expect(Array(left.pixels[start..<start + 3]) == [hottest.red, hottest.green, hottest.blue])
        }
    }

    @Test func aGivenMaximumMakesPicturesComparable() {
        let image = PixelImage(width: 4, height: 4, red: 100, green: 100, blue: 100)
        let weak = image.overlaid(with: HeatMap(width: 1, height: 1, values: [1]), maximum: 4)
        let strong = image.overlaid(with: HeatMap(width: 1, height: 1, values: [4]), maximum: 4)
        // A quarter of the heat: a quarter of 3/4 of that colour over the picture.
        let quarter = ColourMap.inferno.colour(0.25)
        let expected = (100 + (Float(quarter.red) - 100) * 0.1875).rounded()
        #expect(Float(weak.pixels[0]) == expected)
        #expect(strong.pixels[0] > weak.pixels[0])
    }
}

@Suite struct ColourMapTests {
    @Test(arguments: ColourMap.allCases)
    func lightnessRises(map: ColourMap) {
        let lightness = (0..<256).map { step -> Double in
            let colour = map.colour(Float(step) / 255)
            return 0.2126 * linear(colour.red) + 0.7152 * linear(colour.green) + 0.0722 * linear(colour.blue)
        }
        for step in 4..<256 { #expect(lightness[step] > lightness[step - 4], "step \(step)") }
    }

    @Test func knownColoursAreMetWithinAFewSteps() {
        // matplotlib's tables at 0, 64, 128, 192 and 255.
        let inferno: [(UInt8, UInt8, UInt8)] = [
            (0, 0, 4), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164),
        ]
        for (step, expected) in zip([0, 64, 128, 192, 255], inferno) {
            let colour = ColourMap.inferno.colour(Float(step) / 255)
            let distance = max(
                abs(Int(colour.red) - Int(expected.0)), abs(Int(colour.green) - Int(expected.1)),
                abs(Int(colour.blue) - Int(expected.2)))
            #expect(distance <= 10, "\(colour) at \(step)")
        }
    }

    @Test func valuesBeyondTheEndsGetTheEndColours() {
        #expect(ColourMap.viridis.colour(-3) == ColourMap.viridis.colour(0))
        #expect(ColourMap.viridis.colour(.infinity) == ColourMap.viridis.colour(1))
        #expect(ColourMap.viridis.colour(.nan) == ColourMap.viridis.colour(0))
    }

    /// sRGB's transfer function.
    private func linear(_ value: UInt8) -> Double {
        let share = Double(value) / 255
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) * ((share + 0.055) / 1.055)
    }
}

@Suite struct OutlineTests {
    @Test func theOutlineLiesInsideTheRectangle() {
        let drawn = PixelImage(width: 7, height: 6).outliningRectangle(
            x: 1, y: 1, width: 5, height: 4, colour: .white, thickness: 1)
        let picture = (0..<6).map { row in
            (0..<7).map { drawn.pixels[(row * 7 + $0) * 3] == 255 ? "#" : "." }.joined()
        }
        #expect(picture == [".......", ".#####.", ".#...#.", ".#...#.", ".#####.", "......."])
    }

    @Test func partsOutsideTheImageAreLeftOut() {
        let image = PixelImage(width: 4, height: 4)
        let drawn = image.outliningRectangle(x: -3, y: -3, width: 5, height: 5, colour: .white, thickness: 2)
        let lit = (0..<16).filter { drawn.pixels[$0 * 3] == 255 }
        #expect(lit == [0, 1, 4, 5])
        #expect(image.outliningRectangle(x: 9, y: 9, width: 5, height: 5, colour: .white) == image)
        #expect(image.outliningRectangle(x: 0, y: 0, width: -2, height: 3, colour: .white) == image)
    }
}
