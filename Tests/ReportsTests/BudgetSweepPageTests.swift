import Reports
import Results
import Testing

@Suite struct BudgetSweepPageTests {
    private func point(_ count: Int?, _ top1: Double, size: Double, top5: Double = 0.9) -> BudgetSweepResult.Point {
        BudgetSweepResult.Point(
            channelsPerClass: count, run: count.map { "channels-\($0)" } ?? "all", checkpoint: "step-00000001",
            head: Accuracy(top1: top1, top5: top5, classCount: 10), pointsLost: (0.65 - top1) * 100,
            meanExplanationSize: size, meanTopTenShare: 0.5)
    }

    private func page(_ points: [BudgetSweepResult.Point], backbone: String = "demo") -> String {
        BudgetSweepPage(
            BudgetSweepResult(
                backbone: backbone, classCount: 10, channelCount: 64, testImageCount: 100, points: points)
        ).html()
    }

    @Test func eachHeadIsALabelledPointAndARowAndNamesCannotBecomeMarkup() {
        let html = page(
            [point(5, 0.6, size: 3.2), point(20, 0.64, size: 9.5), point(nil, 0.65, size: 30)], backbone: "<b>net")
        #expect(html.components(separatedBy: "<circle").count == 4)
        for label in ["5", "20", "all"] {
            #expect(html.contains(">\(label)</text>") && html.contains("<td class=\"number\">\(label)</td>"))
        }
        #expect(html.contains(">60.00<") && html.contains(">5.00<") && html.contains(">9.5<"))
        #expect(page([point(5, 0.66, size: 3), point(nil, 0.65, size: 30)]).contains(">\u{2212}1.00<"), "none lost")
        #expect(html.contains("top-1 on the test images, %") && html.contains("channels (mean; logarithmic)"))
        #expect(!html.contains("<b>net") && html.contains("&lt;b&gt;net"))
        #expect(html.contains("prefers-color-scheme: dark") && !html.contains("http"))
    }

    @Test func whatIsEqualOrEmptyIsStillAPicture() {
        for points in [
            [point(5, 1, size: 2), point(nil, 1, size: 2)], [point(5, 0, size: 0), point(nil, 0, size: 0)],
            [point(1, 0.001, size: 1), point(nil, 1, size: 2000)],
        ] {
            let html = page(points)
            #expect(
                !html.contains("nan") && !html.contains("inf") && html.components(separatedBy: "<circle").count == 3)
            for match in html.matches(of: /c[xy]="(-?[0-9.]+)"/) {
                #expect((0...400).contains(Double(match.1) ?? -1))
            }
        }
    }

    @Test func aLabelThatAnotherIsInTheWayOfStandsBelowItsPoint() {
        let html = page([point(20, 0.64, size: 9.5), point(50, 0.64, size: 9.7), point(nil, 0.65, size: 30)])
        let places = html.matches(of: /class="label" x="([0-9.]+)" y="([0-9.]+)"/).compactMap { Double($0.2) }
        #expect(places.count == 3 && abs(places[0] - places[1]) > 14)
    }
}
