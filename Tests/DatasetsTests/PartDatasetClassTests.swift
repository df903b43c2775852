import Datasets
import Testing

@Suite struct PartDatasetClassTests {
    @Test func everyCombinationIsOneClass() {
        let all = (0..<PartDataset.classCount).map(PartDataset.variants(ofClass:))
        #expect(PartDataset.classCount == 4 * 3 * 6 * 6 * 4)
        #expect(Set(all).count == PartDataset.classCount)
    }

    @Test func anyTwoOfTheFirstClassesDifferInTwoParts() {
        let first = (0..<288).map(PartDataset.variants(ofClass:))
        for (index, variants) in first.enumerated() {
            for other in first[..<index] { #expect(variants.differences(from: other) >= 2) }
        }
    }

    @Test func theDefaultClassesShowEveryVariant() {
        let classes = (0..<PartDataset.Options().classCount).map(PartDataset.variants(ofClass:))
        for part in PartDataset.Part.allCases {
            let shown = Set(classes.map { $0.name(of: part) })
            #expect(shown == Set(part.variantNames), "\(part)")
        }
    }

    @Test func neighboursDifferInMostParts() {
        for index in 1..<50 {
            let previous = PartDataset.variants(ofClass: index - 1)
            #expect(PartDataset.variants(ofClass: index).differences(from: previous) >= 4)
        }
    }

    @Test func namesOrderAsClassesDo() {
        let names = (0..<PartDataset.classCount).map(PartDataset.className)
        #expect(names == names.sorted { $0.unicodeScalars.lexicographicallyPrecedes($1.unicodeScalars) })
        #expect(Set(names).count == names.count)
    }

    /// Changing the order would silently give other classes under the same options.
    @Test func theOrderIsTheRecordedOne() {
        #expect(PartDataset.className(0) == "0000-toucan-mask-dotted-lyre-taloned")
        #expect(PartDataset.className(49) == "0049-toucan-bead-fringed-cocked-booted")
        #expect(PartDataset.className(1727) == "1727-hook-bead-scaled-lyre-booted")
    }
}
