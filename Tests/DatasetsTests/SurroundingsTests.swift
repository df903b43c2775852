import Datasets
import Testing

@Suite struct SurroundingsTests {
    private let bird = PartDataset.description(seed: 3, split: .test, classIndex: 2, index: 1, imageSide: 128)

    @Test func leavingASurroundingOutChangesNothingElse() {
        let whole = PartDataset.draw(bird)
        #expect(PartDataset.draw(bird, surroundings: []) == whole)
        var changed: [PartDataset.Surrounding: Set<Int>] = [:]
        for surrounding in PartDataset.Surrounding.allCases {
            let without = PartDataset.draw(bird, surroundings: [surrounding]).image
            #expect(without.width == whole.image.width)
            changed[surrounding] = Set(
                (0..<128 * 128).filter { pixel in
                    (0..<3).contains { without.pixels[3 * pixel + $0] != whole.image.pixels[3 * pixel + $0] }
                })
        }
        #expect(changed.values.contains { !$0.isEmpty })
        // What is far behind the bird does not touch the bird: its parts stay what they were.
        let bare = PartDataset.draw(bird, surroundings: [.glows, .twigs, .leaves, .berries, .feathers])
        #expect(bare.parts == whole.parts)
        #expect(bare.image != whole.image)
        // Without all of them only the pixels of some of them differ.
        let union = [PartDataset.Surrounding.glows, .twigs, .leaves, .berries, .feathers]
            .reduce(into: Set<Int>()) { $0.formUnion(changed[$1]!) }
        for pixel in 0..<128 * 128 where !union.contains(pixel) {
            #expect(bare.image.pixels[3 * pixel] == whole.image.pixels[3 * pixel])
        }
    }
}
