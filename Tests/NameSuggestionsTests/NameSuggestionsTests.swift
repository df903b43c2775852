import NameSuggestions
import Testing

@Suite struct NameSuggestionsTests {
    @Test(arguments: [("", "", 0), ("kitten", "sitting", 3), ("abc", "", 3), ("", "ab", 2), ("flaw", "lawn", 2)])
    func distancesAreLevenshteins(first: String, second: String, distance: Int) {
        #expect(NameSuggestions.editDistance(first, second) == distance)
        #expect(NameSuggestions.editDistance(second, first) == distance)
    }

    @Test func theNearestNamesComeInTheirOrder() {
        let names = ["resnet18", "resnet34", "resnet50", "vit_b_16"]
        #expect(NameSuggestions.nearest(to: "RESNET5O", among: names) == ["resnet50"])
        #expect(NameSuggestions.nearest(to: "resnet", among: names, count: 2) == ["resnet18", "resnet34"])
        #expect(NameSuggestions.nearest(to: "any", among: []).isEmpty)
    }
}
