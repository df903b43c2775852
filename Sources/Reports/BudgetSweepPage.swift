import Foundation
public import Results

/// What few channels a class cost, as one self-contained HTML page: accuracy over the size of explanations, and the figures.
public struct BudgetSweepPage {
    private let result: BudgetSweepResult

    public init(_ result: BudgetSweepResult) {
        self.result = result
    }

    /// The page's text. It follows the reader's choice of a light or a dark appearance.
    public func html() -> String {
        HTML.page(
            title: "Accuracy and the size of explanations", style: Self.style,
            body: """
                <h1>Accuracy and the size of explanations</h1>
                <p class="quiet">\(result.testImageCount) test images of \(result.classCount) classes, backbone
                \(HTML.escaped(result.backbone)) with \(result.channelCount) channels. Each point is a head; its number says how many
                channels a class may use. All heads start from the one that may use all.</p>
                \(BudgetSweepChart(result.points).svg)
                <div class="wide"><table>
                <tr><th>channels<br>a class</th><th>top-1<br>%</th>\(hasTop5 ? "<th>top-5<br>%</th>" : "")<th>points<br>lost</th>
                <th>size of<br>explanation</th><th>top<br>ten, %</th></tr>
                \(result.points.map(row).joined(separator: "\n"))
                </table></div>
                <p class="small quiet">The size of an explanation is the number of channels that contribute at least 0.2 of what the
                largest one does; the last column is the share of the positive contributions that the ten largest make. Both
                are means over the test images, for the predicted class.</p>
                """)
    }

    private var hasTop5: Bool { result.points.contains { $0.head.top5 != nil } }

    private func row(_ point: BudgetSweepResult.Point) -> String {
        func percent(_ share: Double, digits: Int = 2) -> String { String(format: "%.\(digits)f", share * 100) }
        let top5 = hasTop5 ? [point.head.top5.map { percent($0) } ?? ""] : []
        let cells =
            [point.label, percent(point.head.top1)] + top5 + [
                point.channelsPerClass == nil ? "" : minus(String(format: "%.2f", point.pointsLost)),
                String(format: "%.1f", point.meanExplanationSize), percent(point.meanTopTenShare, digits: 1),
            ]
        return "<tr>\(cells.map { "<td class=\"number\">\($0)</td>" }.joined())</tr>"
    }

    /// A number with a minus sign in place of a hyphen.
    private func minus(_ number: String) -> String { number.replacingOccurrences(of: "-", with: "\u{2212}") }

    private static let style = """
        :root { color-scheme: light dark; --page: #fff; }
        @media (prefers-color-scheme: dark) {
          :root { --ink: #e4e9ee; --quiet: #9aa7b4; --line: #38424d; --for: #6cb8e6; --panel: #1d242b; --page: #12171c; }
        }
        body { background: var(--page); }
        .chart { display: block; width: 100%; max-width: 560px; height: auto; margin: 18px 0; }
        .chart text { fill: var(--quiet); font-size: 12px; }
        .chart .label { fill: var(--ink); font-weight: 600; font-size: 13px; }
        .chart .grid { stroke: var(--line); }
        .chart .curve { stroke: var(--for); stroke-width: 1.5; fill: none; opacity: 0.55; }
        .chart circle { fill: var(--for); }
        .wide { overflow-x: auto; }
        .wide td, .wide th { text-align: right; padding: 3px 14px 3px 0; vertical-align: bottom; }
        @media (max-width: 480px) { .wide td, .wide th { font-size: 13px; padding-right: 9px; } }
        """
}

/// Top-1 over the mean explanation size, a labelled point for each head, as an inline SVG picture.
struct BudgetSweepChart {
    private let points: [BudgetSweepResult.Point]
    /// Of the plot in the picture, in its own units: at 390 CSS pixels text is 11 of them high.
    private let left = 46.0
    private let right = 388.0
    private let top = 20.0
    private let bottom = 226.0
    private let sizes: ClosedRange<Double>
    private let accuracies: ClosedRange<Double>
    private let accuracyStep: Double

    init(_ points: [BudgetSweepResult.Point]) {
        self.points = points.sorted { $0.meanExplanationSize < $1.meanExplanationSize }
        let sizes = points.map { max($0.meanExplanationSize, Self.smallestSize) }
        self.sizes = (sizes.min() ?? 1) / 1.25...(sizes.max() ?? 1) * 1.25
        let shares = points.map { $0.head.top1 * 100 }
        let (low, high) = (shares.min() ?? 0, shares.max() ?? 100)
        // Small differences are what the picture is for, but not those of rounding.
        let step = Self.niceStep(max(high - low, 0.5) / 4)
        accuracyStep = step
        // Room for labels above and below.
        accuracies = low - 0.6 * step...high + 0.7 * step
    }

    /// What an empty explanation counts as on the logarithmic axis.
    private static let smallestSize = 0.5

    /// The smallest of 1, 2 and 5 times a power of ten that is not below `step`.
    private static func niceStep(_ step: Double) -> Double {
        let unit = pow(10, floor(log10(step)))
        return unit * ([1, 2, 5].first { unit * $0 >= step * 0.999 } ?? 10)
    }

    private func x(_ size: Double) -> Double {
        let share = log(max(size, Self.smallestSize) / sizes.lowerBound) / log(sizes.upperBound / sizes.lowerBound)
        return left + share * (right - left)
    }

    private func y(_ percent: Double) -> Double {
        bottom - (percent - accuracies.lowerBound) / (accuracies.upperBound - accuracies.lowerBound) * (bottom - top)
    }

    var svg: String {
        let description = points.map {
            "\($0.label): \(String(format: "%.2f", $0.head.top1 * 100)) % at \(String(format: "%.1f", $0.meanExplanationSize)) channels"
        }
        return """
            <svg class="chart" viewBox="0 0 400 276" role="img" aria-label="Top-1 over the size of explanations. \
            \(description.joined(separator: "; "))">
            \(horizontalLines.joined(separator: "\n"))
            \(sizeTicks.joined(separator: "\n"))
            <text x="\(number(left))" y="11" text-anchor="start">top-1 on the test images, %</text>
            <text x="\(number((left + right) / 2))" y="264" text-anchor="middle">size of an explanation, channels (mean; logarithmic)</text>
            <polyline class="curve" points="\(points.map { place($0) }.map { "\(number($0.x)),\(number($0.y))" }.joined(separator: " "))"/>
            \(dots.joined(separator: "\n"))
            </svg>
            """
    }

    private var horizontalLines: [String] {
        let first = (accuracies.lowerBound / accuracyStep).rounded(.up)
        let last = (accuracies.upperBound / accuracyStep).rounded(.down)
        let digits = accuracyStep < 0.1 ? 2 : accuracyStep < 1 ? 1 : 0
        return stride(from: first, through: last, by: 1).map { $0 * accuracyStep }.filter {
            (-1e-9...100 + 1e-9).contains($0)
        }.map {
            """
            <line class="grid" x1="\(number(left))" x2="\(number(right))" y1="\(number(y($0)))" y2="\(number(y($0)))"/>\
            <text x="\(number(left - 6))" y="\(number(y($0) + 4))" text-anchor="end">\(String(format: "%.\(digits)f", $0))</text>
            """
        }
    }

    private var sizeTicks: [String] {
        let powers = stride(from: -1.0, through: 5, by: 1).flatMap { power in [1.0, 2, 5].map { $0 * pow(10, power) } }
        return powers.filter { sizes.contains($0) }.map {
            """
            <line class="grid" x1="\(number(x($0)))" x2="\(number(x($0)))" y1="\(number(bottom))" y2="\(number(bottom + 5))"/>\
            <text x="\(number(x($0)))" y="\(number(bottom + 19))" text-anchor="middle">\(String(format: "%g", $0))</text>
            """
        }
    }

    /// Labels stand above their points, or below them where one to the left is in the way.
    private var dots: [String] {
        var taken: [(x: Double, y: Double)] = []
        return points.map { point in
            let (x, y) = place(point)
            let above = (x: x, y: y - 9)
            let isFree = taken.allSatisfy { abs($0.x - x) > 26 || abs($0.y - above.y) > 14 }
            let label = isFree ? above : (x: x, y: y + 19)
            taken += [label, (x, y + 4)]
            return """
                <circle cx="\(number(x))" cy="\(number(y))" r="4.5"/>\
                <text class="label" x="\(number(label.x))" y="\(number(label.y))" text-anchor="middle">\(point.label)</text>
                """
        }
    }

    private func place(_ point: BudgetSweepResult.Point) -> (x: Double, y: Double) {
        (x(point.meanExplanationSize), y(point.head.top1 * 100))
    }

    private func number(_ value: Double) -> String { String(format: "%.1f", value) }
}
