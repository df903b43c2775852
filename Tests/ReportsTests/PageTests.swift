import DurableFiles
import Explanations
import ImageCoding
import Reports
import Results
import Tensors
import Testing

@Suite struct PageTests {
    private let classNames = ["a <b> & \"c\"", "plain"]
    private let digest = ContentDigest(of: "image")

    private func prototype(_ path: String, label: Int) -> Prototype {
        Prototype(
            sample: 0, path: path, label: label, contentDigest: digest, activation: 2.5,
            position: MapPosition(row: 1, column: 0))
    }

    private var table: PrototypeTable {
        PrototypeTable(
            headDigest: digest, datasetFingerprint: digest, featureMap: SpatialSize(height: 2, width: 2),
            channels: [
                ChannelPrototypes(
                    channel: 0, positive: [prototype("x/<1>.jpg", label: 0)], negative: [prototype("y.jpg", label: 1)]),
                ChannelPrototypes(channel: 1, positive: [], negative: []),
            ])
    }

    private func explanation(bias: Float?, negativeWeight: Float? = nil) -> ImageExplanation {
        let scores = [
            ClassScore(label: 0, className: classNames[0], logit: 1.5, probability: 0.8),
            ClassScore(label: 1, className: classNames[1], logit: 0.1, probability: 0.2),
        ]
        let contributions = [
            ChannelContribution(
                channel: 0, weight: 0.75, negativeWeight: negativeWeight, positiveActivation: 2.5,
                positivePosition: MapPosition(row: 0, column: 1),
                negativeActivation: -0.5, negativePosition: MapPosition(row: 1, column: 1), contribution: 1.5)
        ]
        return ImageExplanation(
            result: ExplanationResult(
                path: "test/<script>.jpg", topScores: scores, explained: scores[0], contributions: contributions,
                contributionSum: 1.5, positiveSum: 1.875, negativeSum: -0.375, shownCount: 1, shownSum: 1.5,
                restSum: 0, bias: bias, additivityError: 0, explanationSize: 1),
            scores: scores, pixels: PixelImage(width: 64, height: 64, green: 200),
            heatMaps: [
                ChannelSide(channel: 0, side: .positive): HeatMap(width: 2, height: 2, values: [0, 2.5, 1, 0])
            ])
    }

    private func page(bias: Float? = nil, negativeWeight: Float? = nil) throws -> String {
        try ExplanationPage(
            [explanation(bias: bias, negativeWeight: negativeWeight)], prototypes: table, classNames: classNames,
            picture: { _ in PixelImage(width: 64, height: 64, red: 200) }
        ).html()
    }

    @Test func namesFromOutsideCannotBecomeMarkup() throws {
        for text in [try page(), try prototypePage()] {
            #expect(!text.contains("<b> &") && !text.contains("<script>") && !text.contains("x/<1>"))
            #expect(text.contains("a &lt;b&gt; &amp; &quot;c&quot;"))
        }
        #expect(try page().contains("test/&lt;script&gt;.jpg"))
    }

    @Test func aContributionIsShownAsItsWeightsTimesTheActivations() throws {
        func shows(_ text: String, _ negativeWeight: Float?) throws -> Bool {
            try page(negativeWeight: negativeWeight).split(whereSeparator: \.isWhitespace).joined(separator: " ")
                .contains("number\">\(text)</div>")
        }
        #expect(try shows("weight 0.750 &times; (+2.50 \u{2212}0.50)", nil))
        #expect(try shows("weight 0.750 &times; +2.50", 0))
        #expect(try shows("weights 0.750 &times; +2.50 and 0.250 &times; \u{2212}0.50", 0.25))
    }

    @Test func thePageSaysWhatAContributionIsRelativeTo() throws {
        #expect(try page().contains("relative to the class that uses it least"))
    }

    @Test func thePageNeedsNoOtherFile() throws {
        for text in [try page(), try prototypePage()] {
            #expect(!text.contains("http:") && !text.contains("https:"))
            #expect(!text.contains("<link") && !text.contains("<script"))
            let pictures = text.components(separatedBy: "<img ").count - 1
            let embedded = text.components(separatedBy: "src=\"data:image/jpeg;base64,").count - 1
            #expect(pictures == embedded && pictures > 0)
        }
    }

    @Test func aBiasHasARowOfItsOwn() throws {
        #expect(try !page().contains("bias"))
        let text = try page(bias: -0.25)
        #expect(text.contains("<div class=\"title\">bias</div>"))
        #expect(text.components(separatedBy: "\u{2212}0.25").count == 3, "in the sum and in its row")
    }

    @Test func theContributionAndTheCheckAreShown() throws {
        let text = try page()
        #expect(text.contains("+1.50"), "0.75 x (2.5 - 0.5)")
        #expect(text.contains("the contributions add up to 1.50000"))
        #expect(text.contains("the logit is 1.50000"))
        #expect(text.contains("channel 0"))
    }

    @Test func oneTagClosesForEachThatOpens() throws {
        for text in [try page(), try prototypePage()] {
            for tag in ["div", "figure", "figcaption", "table", "tr", "td", "p", "span", "h2", "body", "html"] {
                let opened =
                    text.components(separatedBy: "<\(tag)>").count + text.components(separatedBy: "<\(tag) ").count - 2
                #expect(opened == text.components(separatedBy: "</\(tag)>").count - 1, "\(tag)")
            }
        }
    }

    @Test func channelsThatNoClassUsesAreCountedNotShown() throws {
        let text = try prototypePage()
        #expect(text.contains("channel 0") && !text.contains("channel 1"))
        #expect(text.contains("1 channels that no class uses are left out"))
    }

    @Test func anErrorOfAPictureReachesTheCaller() {
        struct Gone: Error {}
        #expect(throws: Gone.self) {
            try ExplanationPage(
                [explanation(bias: nil)], prototypes: table, classNames: classNames,
                picture: { _ in throw Gone() }
            ).html()
        }
    }

    private func prototypePage() throws -> String {
        try PrototypePage(
            table,
            uses: [
                ChannelUse(
                    channel: 0, total: 0.75, classes: [.init(label: 0, weight: 0.5), .init(label: 1, weight: 0.25)])
            ], classNames: classNames, channelLimit: 10,
            picture: { _ in PixelImage(width: 64, height: 64, red: 200) }
        ).html()
    }
}
