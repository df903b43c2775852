import Foundation
import ImageCoding
import Testing

@Suite struct AugmentedViewTests {
    @Test func viewsHaveThePixelsOfTorchvision() throws {
        let source = try Recorded.image("scene-61x47.png")
        for recorded in Recorded.all.views.cases {
            var view = AugmentedView()
            view.part = recorded.part.map { .init(x: $0[0], y: $0[1], width: $0[2], height: $0[3]) }
            (view.isMirrored, view.angle, view.shear) = (recorded.mirrored, recorded.angle, recorded.shear)
            view.colourChanges = recorded.changes.map { change in
                switch change.name {
                case "brightness": .brightness(change.value)
                case "contrast": .contrast(change.value)
                case "saturation": .saturation(change.value)
                default: .hue(change.value)
                }
            }
            let transform = InputTransform(
                resize: recorded.crop, crop: recorded.crop, interpolation: recorded.interpolation)
            #expect(crc32(of: transform.pixels(of: source, view: view)) == recorded.crc, "\(recorded)")
        }
        #expect(Recorded.all.views.cases.count == 36)
    }

    @Test func huesOfAllColoursAreTurnedAsByPillow() {
        let steps = (0..<36).map { UInt8($0 * 255 / 35) }
        let colours = PixelImage(
            width: 216, height: 216,
            pixels: steps.flatMap { red in steps.flatMap { green in steps.flatMap { [red, green, $0] } } })
        for recorded in Recorded.all.views.colourGrid {
            var view = AugmentedView()
            view.colourChanges = [.hue(recorded.hue)]
            let turned = InputTransform(resize: 216, crop: 216).pixels(of: colours, view: view)
            #expect(crc32(of: turned) == recorded.crc, "turned by \(recorded.hue)")
        }
    }

    @Test func aViewWithoutChangesIsThePlainOne() throws {
        let image = try Recorded.image("scene-83x59.png")
        let transform = InputTransform(resize: 48, crop: 40)
        #expect(transform.pixels(of: image, view: AugmentedView()) == transform.pixels(of: image))
    }
}

@Suite struct AugmentationTests {
    private static let all: Augmentation = {
        var augmentation = Augmentation()
        (augmentation.flip, augmentation.degrees, augmentation.shear) = (0.5, 25, 15)
        augmentation.cropScale = 0.2...0.9
        (augmentation.brightness, augmentation.contrast) = (0.4, 0.3)
        (augmentation.saturation, augmentation.hue) = (0.2, 0.1)
        return augmentation
    }()

    @Test func whatIsDrawnIsAFunctionOfSeedSampleAndView() {
        func drawn(_ view: Int, _ sample: Int, _ seed: UInt64) -> AugmentedView {
            Self.all.view(view, ofSample: sample, seed: seed, width: 500, height: 375)
        }
        let one = drawn(1, 7, 3)
        #expect(drawn(1, 7, 3) == one)
        #expect(drawn(2, 7, 3) != one && drawn(1, 8, 3) != one && drawn(1, 7, 4) != one)
        // The recorded draw: a change here is a change of every cache with views.
        #expect(one.part == .init(x: 48, y: 25, width: 378, height: 318))
        #expect(one.isMirrored == false)
    }

    @Test func drawsStayInTheirRangesAndReachAllOfThem() throws {
        var (mirrored, angles, shears, shares) = (0, [Double](), [Double](), [Double]())
        var firstChanges: Set<String> = []
        for sample in 0..<2000 {
            let view = Self.all.view(1, ofSample: sample, seed: 0, width: 300, height: 200)
            mirrored += view.isMirrored ? 1 : 0
            angles.append(view.angle)
            shears.append(view.shear)
            let part = try #require(view.part)
            #expect(part.x >= 0 && part.y >= 0 && part.x + part.width <= 300 && part.y + part.height <= 200)
            shares.append(Double(part.width * part.height) / (300 * 200))
            #expect(view.colourChanges.count == 4)
            for (place, change) in view.colourChanges.enumerated() {
                switch change {
                case .brightness(let factor): #expect((0.6...1.4).contains(factor))
                case .contrast(let factor): #expect((0.7...1.3).contains(factor))
                case .saturation(let factor): #expect((0.8...1.2).contains(factor))
                case .hue(let turn): #expect((-0.1...0.1).contains(turn))
                }
                if place == 0 { firstChanges.insert(String("\(change)".prefix { $0 != "(" })) }
            }
        }
        #expect((900...1100).contains(mirrored))
        #expect(angles.allSatisfy { (-25...25).contains($0) } && angles.min()! < -24 && angles.max()! > 24)
        #expect(shears.allSatisfy { (-15...15).contains($0) } && shears.min()! < -14 && shears.max()! > 14)
        #expect(shares.allSatisfy { (0.19...0.91).contains($0) } && shares.min()! < 0.21 && shares.max()! > 0.85)
        #expect(firstChanges == ["brightness", "contrast", "saturation", "hue"])
    }

    @Test func aSettingDoesNotChangeWhatAnotherDraws() {
        var fewer = Self.all
        (fewer.brightness, fewer.hue, fewer.cropScale) = (0, 0, nil)
        let (all, some) = (
            Self.all.view(1, ofSample: 5, seed: 1, width: 100, height: 80),
            fewer.view(1, ofSample: 5, seed: 1, width: 100, height: 80)
        )
        #expect(some.angle == all.angle && some.shear == all.shear && some.isMirrored == all.isMirrored)
        #expect(some.part == nil && some.colourChanges.count == 2)
        #expect(some.colourChanges.allSatisfy { all.colourChanges.contains($0) })
    }

    @Test func partsOfAnyImageLieInIt() {
        for (width, height) in [(1, 1), (1, 5000), (5000, 1), (2, 3), (97, 113)] {
            for sample in 0..<200 {
                let part = Self.all.view(1, ofSample: sample, seed: 0, width: width, height: height).part!
                #expect(part.width >= 1 && part.height >= 1)
                #expect(part.x >= 0 && part.x + part.width <= width && part.y >= 0 && part.y + part.height <= height)
            }
        }
    }

    @Test func itIsReadBackFromJSONAsWritten() throws {
        for augmentation in [Augmentation(), Self.all] {
            let json = try JSONEncoder().encode(augmentation)
            #expect(try JSONDecoder().decode(Augmentation.self, from: json) == augmentation)
        }
    }

    @Test(arguments: [
        #""flip": 1.5"#, #""flip": -0.1"#, #""degrees": 181"#, #""shear": 90"#, #""brightness": -1"#,
        #""contrast": 11"#,
        #""saturation": 1e300"#, #""hue": 0.6"#, #""crop_scale": [0.5, 1.5]"#, #""crop_scale": [0.9, 0.1]"#,
        #""crop_scale": [0, 1]"#, #""crop_scale": [1]"#, #""crop_scale": [0.1, 1], "crop_ratio": [-1, 1]"#,
        #""flip": "often""#,
    ])
    func valuesOutsideTheirRangeAreRefused(member: String) throws {
        let name = String(member.dropFirst().prefix { $0 != "\"" })
        let others = ["flip", "degrees", "shear", "brightness", "contrast", "saturation", "hue"].filter { $0 != name }
        let json = "{\(([member] + others.map { "\"\($0)\": 0" }).joined(separator: ", "))}"
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(Augmentation.self, from: Data(json.utf8)) }
    }

    @Test func theErrorNamesTheValue() {
        var augmentation = Augmentation()
        augmentation.hue = 0.7
        let error = #expect(throws: ImageCodingError.self) { try augmentation.validate() }
        #expect("\(error!)".contains("hue is 0.7, expected 0.0 to 0.5"))
    }
}
