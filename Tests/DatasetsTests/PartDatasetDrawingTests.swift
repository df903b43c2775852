import Datasets
import DurableFiles
import Foundation
import ImageCoding
import Testing

@Suite struct PartDatasetDrawingTests {
    typealias Part = PartDataset.Part

    /// A few birds that together show every variant of every part.
    private var birds: [PartDataset.BirdDescription] {
        (0..<12).map { PartDataset.description(seed: 3, split: .test, classIndex: $0, index: 5) }
    }

    @Test func descriptionsDifferBySeedSplitClassAndIndex() {
        var seeds: Set<UInt64> = []
        for seed in [0, 1] as [UInt64] {
            for split in Split.allCases {
                for classIndex in [0, 1, 700] {
                    for index in 0..<10 {
                        let bird = PartDataset.description(
                            seed: seed, split: split, classIndex: classIndex, index: index)
                        #expect(bird.sceneSeed < 1 << 53)
                        seeds.insert(bird.sceneSeed)
                    }
                }
            }
        }
        #expect(seeds.count == 2 * 2 * 3 * 10)
    }

    /// Recorded on an EPYC with AVX-512; drawing uses no function of the C library that could differ elsewhere.
    @Test func theDrawingsAreTheRecordedOnes() {
        let pixels = birds.flatMap { PartDataset.draw($0).image.pixels }
        #expect("\(ContentDigest(of: pixels))" == "3d11dde132ff2adfadac848e6456b6ee5afc5a94b0b97cdaddda446e41fc8975")
    }

    @Test func aDescriptionSurvivesJSONAndDrawsTheSameImage() throws {
        let bird = birds[0]
        let copy = try JSONDecoder().decode(PartDataset.BirdDescription.self, from: JSONEncoder().encode(bird))
        #expect(copy == bird)
        #expect(PartDataset.draw(copy) == PartDataset.draw(bird))
    }

    @Test func anUnknownVariantNameIsAnError() {
        let text =
            #"{"variants":{"beak":"spoon","eye":"owl","wing":"barred","tail":"fan","foot":"booted"},"#
            + #""sceneSeed":1,"imageSide":160}"#
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(PartDataset.BirdDescription.self, from: Data(text.utf8))
        }
    }

    @Test(arguments: Part.allCases) func leavingAPartOutChangesOnlyWhereItIs(part: Part) throws {
        for bird in birds {
            let whole = PartDataset.draw(bird)
            let without = PartDataset.draw(bird, omitting: [part])
            let region = try #require(whole.parts.first { $0.part == part })
            #expect(!without.parts.contains { $0.part == part })

            // Half-covered edge pixels are outside the region, so it is grown by two pixels. Pieces of fewer than four
            // pixels have no outline: they may change too, but there are hardly any.
            let near = DrawnPixels.dilated(DrawnPixels.mask(region, side: bird.imageSide), side: bird.imageSide, by: 2)
            let changes = near.indices.filter { DrawnPixels.differs(whole.image, without.image, $0) }
            let outside = changes.filter { !near[$0] }
            #expect(outside.count <= 6, "\(outside) change without \(part) \(region.box)")
            #expect(changes.count * 10 > region.area * 8, "most of the \(part) must have been visible")
        }
    }

    @Test func leavingAllPartsOutLeavesTheScene() {
        let bird = birds[1]
        let bare = PartDataset.draw(bird, omitting: Set(Part.allCases))
        #expect(bare.parts.isEmpty)
        var other = bird
        for part in Part.allCases { other.variants[part] = (bird.variants[part] + 1) % part.variantNames.count }
        #expect(PartDataset.draw(other, omitting: Set(Part.allCases)).image == bare.image)
    }

    @Test(arguments: Part.allCases) func everyTwoVariantsOfAPartLookDifferent(part: Part) throws {
        var bird = PartDataset.description(seed: 0, split: .train, classIndex: 0, index: 0, imageSide: 128)
        var drawings: [PartDataset.Drawing] = []
        for variant in part.variantNames.indices {
            bird.variants[part] = variant
            drawings.append(PartDataset.draw(bird))
        }
        for (index, drawing) in drawings.enumerated() {
            let area = try #require(drawing.parts.first { $0.part == part }).area
            #expect(area >= 40, "\(part.variantNames[index]) is too small to be seen at 128 pixels")
            for other in drawings[..<index] {
                let strong = (0..<128 * 128).count { pixel in
                    (0..<3).contains {
                        abs(Int(drawing.image.pixels[3 * pixel + $0]) - Int(other.image.pixels[3 * pixel + $0])) > 40
                    }
                }
                #expect(strong >= 30, "\(part) \(index)")
            }
        }
    }

    @Test func boxesEncloseTheirPolygonsTightly() {
        for bird in birds {
            for region in PartDataset.draw(bird).parts {
                let xs = region.polygons.flatMap { polygon in
                    stride(from: 0, to: polygon.count, by: 2).map { polygon[$0] }
                }
                let ys = region.polygons.flatMap { polygon in
                    stride(from: 1, to: polygon.count, by: 2).map { polygon[$0] }
                }
                #expect(region.box == [xs.min(), ys.min(), xs.max(), ys.max()])
                #expect(region.box.allSatisfy { (0...bird.imageSide).contains($0) })
            }
        }
    }

    @Test func polygonsCoverThePixelsCounted() {
        for bird in birds {
            for region in PartDataset.draw(bird).parts {
                let covered = DrawnPixels.mask(region, side: bird.imageSide).count { $0 }
                // Simplification moves an edge by up to 0.75 pixels; gaps between toes and feathers count as inside.
                let tolerance = region.polygons.map { $0.count }.reduce(0, +) + region.area / 5
                #expect(
                    abs(covered - region.area) <= tolerance, "\(region.part): \(covered) pixels, \(region.area) counted"
                )
            }
        }
    }

    @Test func someFacesLookLeftAndSomeRight() {
        var left = 0
        for index in 0..<40 {
            let drawing = PartDataset.draw(PartDataset.description(seed: 0, split: .train, classIndex: 9, index: index))
            let boxes = Dictionary(uniqueKeysWithValues: drawing.parts.map { ($0.part, $0.box) })
            if let beak = boxes[.beak], let wing = boxes[.wing], beak[0] < wing[0] { left += 1 }
        }
        #expect((8...32).contains(left))
    }
}
