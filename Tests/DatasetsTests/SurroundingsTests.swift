import Datasets
import ImageCoding
import Testing

@Suite struct SurroundingsTests {
    private let bird = PartDataset.description(seed: 3, split: .test, classIndex: 2, index: 1, imageSide: 128)

    /// The pixels that differ.
    private func differences(_ first: PixelImage, _ second: PixelImage) -> Set<Int> {
        var pixels: Set<Int> = []
        for index in first.pixels.indices where first.pixels[index] != second.pixels[index] { pixels.insert(index / 3) }
        return pixels
    }

    @Test func leavingASurroundingOutChangesNothingElse() {
        let whole = PartDataset.draw(bird)
        #expect(PartDataset.draw(bird, surroundings: []) == whole)
        var changed: [PartDataset.Surrounding: Set<Int>] = [:]
        for surrounding in PartDataset.Surrounding.common {
            let without = PartDataset.draw(bird, surroundings: [surrounding]).image
            #expect(without.width == whole.image.width)
            changed[surrounding] = differences(without, whole.image)
        }
        #expect(changed.values.contains { !$0.isEmpty })
        // What is far behind the bird does not touch the bird: its parts stay what they were.
        let bare = PartDataset.draw(bird, surroundings: [.glows, .twigs, .leaves, .berries, .feathers])
        #expect(bare.parts == whole.parts)
        #expect(bare.image != whole.image)
        // Without all of them only the pixels of some of them differ.
        let union = [PartDataset.Surrounding.glows, .twigs, .leaves, .berries, .feathers]
            .reduce(into: Set<Int>()) { $0.formUnion(changed[$1]!) }
        #expect(differences(bare.image, whole.image).isSubset(of: union))
    }

    /// Drawn together they are what they are one by one.
    @Test(arguments: [PartDataset.Level.easy, .hard])
    func picturesOfABirdThatAreDrawnTogether(level: PartDataset.Level) {
        let bird = PartDataset.description(
            seed: 3, split: .test, classIndex: 2, index: 1, imageSide: 128, level: level)
        let parts = PartDataset.Part.allCases
        let bySet = PartDataset.picturesBySet(of: bird)
        #expect(bySet.count == 1 << parts.count)
        for (set, picture) in bySet.enumerated() {
            let omitted = parts.enumerated().filter { set >> $0.offset & 1 == 0 }.map(\.element)
            #expect(picture == PartDataset.draw(bird, omitting: Set(omitted)).image, "set \(set)")
        }
        #expect(
            PartDataset.picturesWithoutSurroundings(of: bird)
                == bird.surroundings.map { PartDataset.draw(bird, surroundings: [$0]).image })
    }
}
