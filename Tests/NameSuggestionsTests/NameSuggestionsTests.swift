import NameSuggestions
import Testing

@Suite struct NameSuggestionsTests {
    @Test(arguments: [
        ("", "", 0), ("kitten", "sitting", 3), ("abc", "", 3), ("", "ab", 2), ("flaw", "lawn", 2),
        ("trian", "train", 1), ("ca", "abc", 3),
    ])
    func distancesCountEditsAndExchangesOfNeighbours(first: String, second: String, distance: Int) {
        #expect(NameSuggestions.editDistance(first, second) == distance)
        #expect(NameSuggestions.editDistance(second, first) == distance)
    }

    @Test func onlyNearNamesAreSuggestedAndFewAreListed() {
        let names = ["resnet18", "resnet50", "vit_b_16"]
        #expect(NameSuggestions.sentence(for: "resnet5", among: names) == "Did you mean resnet50?")
        #expect(NameSuggestions.sentence(for: "resnet1O", among: names) == "Did you mean resnet18?")
        #expect(NameSuggestions.sentence(for: "vit", among: names) == "Did you mean vit_b_16?")
        #expect(
            NameSuggestions.sentence(for: "efficientnet_b0", among: names)
                == "There are resnet18, resnet50 and vit_b_16.")
        #expect(NameSuggestions.sentence(for: "efficientnet_b0", among: names, listedLimit: 2) == nil)
        #expect(NameSuggestions.sentence(for: "efficientnet_b0", among: names, listedLimit: 0) == nil)
        #expect(NameSuggestions.sentence(for: "trian", among: ["train", "extract"]) == "Did you mean train?")
        #expect(NameSuggestions.sentence(for: "x", among: []) == nil)
    }

    @Test func theNearestNamesComeInTheirOrder() {
        let names = ["resnet18", "resnet34", "resnet50", "vit_b_16"]
        #expect(NameSuggestions.nearest(to: "RESNET5O", among: names) == ["resnet50"])
        #expect(NameSuggestions.nearest(to: "resnet", among: names, count: 2) == ["resnet18", "resnet34"])
        #expect(NameSuggestions.nearest(to: "any", among: []).isEmpty)
    }
}
