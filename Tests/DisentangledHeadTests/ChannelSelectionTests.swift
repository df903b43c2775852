import DisentangledHead
import SeededNumbers
import Tensors
import Testing

@Suite struct ChannelSelectionTests {
    /// Two classes, three channels: differences of 1, 0.5 and 0 between the largest and the smallest weight.
    private let weights: [Float] = [1, 0, 3, 2, 0.5, 3]

    @Test func thoseCountThatCanMoveLogitsMost() {
        let selection = ChannelSelection(
            count: 1, classifier: weights, sides: .tied, channelCount: 3, classCount: 2)
        #expect(selection.spreads == [1, 0.5, 0])
        // 1 x 1 against 0.5 x 3 and 0 x 100; the same for the opposite response; a tie; nothing at all.
        let pooled: [Float] = [1, 3, 100, -4, 3, 100, 1, 2, 0, 0, 0, 0]
        let selected = selection.selected(pooled)
        #expect(
            selected == [
                false, true, false, true, false, false, true, false, false, true, false, false,
            ])
        var values = pooled
        selection.clear(&values, outside: selected)
        #expect(values == [0, 3, 0, -4, 0, 0, 1, 0, 0, 0, 0, 0])
    }

    @Test func bothSidesOfAChannelCountTogether() {
        // One class more than one weight: [C, 2 D] with D = 2.
        let selection = ChannelSelection<Float>(
            count: 1, classifier: [0, 0, 0, 0, 1, 3, 2, 1], sides: .untied, channelCount: 2, classCount: 2)
        #expect(selection.spreads == [1, 3, 2, 1])
        // 1 x 2 + 2 x 3 = 8 against 3 x 2 + 1 x 1 = 7.
        var values: [Float] = [2, 2, -3, -1]
        let selected = selection.selected(values)
        #expect(selected == [true, false])
        selection.clear(&values, outside: selected)
        #expect(values == [2, 0, -3, 0])
    }

    @Test func theNumberFallsFromAllAndIsThenTheBudget() {
        let budget = ImageBudget(channelsPerImage: 3, begin: 10, end: 20)
        #expect(budget.count(atStep: 0, channelCount: 12) == nil && budget.count(atStep: 10, channelCount: 12) == nil)
        // 3 + 9 / 8, rounded up.
        #expect(budget.count(atStep: 15, channelCount: 12) == 5)
        #expect(budget.count(atStep: 20, channelCount: 12) == 3 && budget.count(atStep: 99, channelCount: 12) == 3)
        #expect(budget.count(atStep: 99, channelCount: 3) == nil)
    }

    @Test(arguments: ChannelSides.allCases) func theOthersHaveNoActivationAndTheLogitsAreSumsOfTheRest(
        sides: ChannelSides
    ) throws {
        let (N, D, C) = (6, 16, 5)
        let map = SquareMatrix.rotation(skew(randomMatrix(D, scale: 1, seed: 31)), team: alone).values.map { Float($0) }
        let classifier = try Classifier(
            weights: normals(C * D * sides.valuesPerChannel, seed: 32).map { Float(abs($0)) },
            bias: normals(C, seed: 33).map { Float($0) }, classCount: C, channelCount: D * sides.valuesPerChannel)
        let features = Tensor(shape: [N, 3, 3, D], values: normals(N * 9 * D, seed: 34).map { Float($0) })
        let few = try Head(channelMap: map, classifier: classifier, sides: sides, channelsPerImage: 4)
        let all = try Head(channelMap: map, classifier: classifier, sides: sides)
        let (result, whole) = try (few.forward(features, team: alone), all.forward(features, team: alone))
        for image in 0..<N {
            let counting = (0..<D).filter { channel in
                let index = image * D + channel
                return result.pooled.maxima[index] != 0 || result.pooled.minima[index] != 0
            }
            #expect(counting.count == 4)
            for channel in counting {
                #expect(result.pooled.maxima[image * D + channel] == whole.pooled.maxima[image * D + channel])
            }
            for label in 0..<C {
                var sum = classifier.offset(of: label)
                for channel in counting {
                    sum += all.contribution(of: channel, to: label, pooled: whole.pooled, image: image)
                }
                #expect(abs(sum - result.logits[image * C + label]) < 1e-4)
            }
        }
        // What all classes add to a channel's weights changes nothing.
        let shifted = try Head(
            channelMap: map, classifier: classifier.broughtToColumnMinimum(), sides: sides, channelsPerImage: 4
        ).forward(features, team: alone)
        for image in 0..<N {
            let differences = zip(result.logits(ofImage: image), shifted.logits(ofImage: image)).map { $0 - $1 }
            #expect(differences.allSatisfy { abs($0 - differences[0]) < 1e-4 })
            #expect(abs(differences[0]) > 0.1)
        }
    }

    @Test func aHeadWithoutAChannelIsRefused() throws {
        let classifier = try Classifier(weights: [1, 1], classCount: 1, channelCount: 2)
        #expect(
            throws: HeadError.invalidSetting(key: "channels_per_image", value: "0", expected: "1 or more")
        ) { try Head(channelMap: [1, 0, 0, 1], classifier: classifier, channelsPerImage: 0) }
    }
}
