public import Explanations
import Foundation
public import ImageCoding
public import Results

/// The explanations of some images as one self-contained HTML page.
public struct ExplanationPage {
    private let explanations: [ImageExplanation]
    private let prototypes: PrototypeTable
    private let figures: PrototypeFigures
    private let classNames: [String]

    /// - Parameters:
    ///   - classNames: what the classes are called on the page, by label.
    ///   - picture: gives what the network saw of a prototype's image.
    public init(
        _ explanations: [ImageExplanation], prototypes: PrototypeTable, classNames: [String],
        picture: @escaping (Prototype) throws -> PixelImage
    ) {
        self.explanations = explanations
        self.prototypes = prototypes
        self.classNames = classNames
        figures = PrototypeFigures(featureMap: prototypes.featureMap, classNames: classNames, picture: picture)
    }

    /// The page's text. Throws what `picture` throws.
    public func html() throws -> String {
        var body = """
            <h1>What the classifier saw</h1>
            <p class="quiet">The score (logit) of a class is the sum of what its channels add to it. Each channel looks at
            the image pixel by pixel of the feature map and lets through only its strongest response
            (<span class="for">for</span> the class, blue box) and its strongest opposite response
            (<span class="against">against</span> it, orange box). The heat map and the box show the stronger of the two;
            beside them are the training images in which it is strongest: what the channel stands for. What a channel adds to all
            classes alike changes no probability: read its part relative to the class that uses it least.</p>

            """
        for explanation in explanations { body += try section(explanation) }
        return HTML.page(title: "What the classifier saw", body: body)
    }

    private func section(_ explanation: ImageExplanation) throws -> String {
        let result = explanation.result
        return """
            <h2>\(HTML.escaped(result.path))</h2>
            <div class="row">
            \(HTML.picture(explanation.pixels, width: 224, description: "the image as the network saw it"))
            <div class="grow">
            \(scoreTable(result))
            \(balance(result))
            </div>
            </div>
            \(try result.shown.map { try channel($0, of: explanation) }.joined())\(biasRow(result))
            """
    }

    private func scoreTable(_ result: ExplanationResult) -> String {
        var rows = ""
        for score in result.topScores {
            let isExplained = score.label == result.label
            rows += """
                <tr><td>\(isExplained ? "<b>" : "")\(HTML.escaped(classNames[score.label]))\(isExplained ? "</b>" : "")</td>
                <td class="number">\(HTML.signed(score.logit))</td>
                <td class="number">\(HTML.percentage(score.probability))</td>
                <td style="width:180px"><div class="bar" style="width:\(Int(score.probability * 100))%"></div></td></tr>

                """
        }
        return """
            <table><tr><th>class</th><th>logit</th><th>probability</th><th></th></tr>
            \(rows)</table>
            """
    }

    /// The logit as the sum it is, and a check of that.
    private func balance(_ result: ExplanationResult) -> String {
        """
        <p>The logit <b class="number">\(HTML.signed(result.logit))</b> of
        <b>\(HTML.escaped(classNames[result.label]))</b> is the sum of
        \(result.contributions.count) channels: <span class="for number">\(HTML.signed(result.positiveSum))</span> for it,
        <span class="against number">\(HTML.signed(result.negativeSum))</span> against it\(biasText(result)). The \(result.shownCount) channels \
        below
        add <span class="number">\(HTML.signed(result.shownSum))</span>, all others together
        <span class="number">\(HTML.signed(result.restSum))</span>.</p>
        <p class="small quiet">Checked: the contributions add up to \(String(format: "%.5f", result.contributionSum)),
        the logit is \(String(format: "%.5f", result.logit))
        (relative difference \(String(format: "%.1e", result.additivityError)), at most 1e-4).
        Explanation size: \(result.explanationSize) channels contribute at least 0.2 of the largest.</p>
        """
    }

    /// The bias, which no channel explains.
    private func biasText(_ result: ExplanationResult) -> String {
        guard let bias = result.bias else { return "" }
        return
            ", and <span class=\"number\">\(HTML.signed(bias))</span> that the class has whatever the image shows (its bias)"
    }

    /// A row of its own for the bias; none for a head without one.
    private func biasRow(_ result: ExplanationResult) -> String {
        guard let bias = result.bias else { return "" }
        return """
            <div class="channel">
            <div class="facts">
            <div class="title">bias</div>
            <div class="amount \(bias >= 0 ? "for" : "against")">\(HTML.signed(bias))</div>
            <div class="small quiet">the same for every image</div>
            </div>
            </div>

            """
    }

    /// A contribution as weight and activations.
    private func product(_ contribution: ChannelContribution) -> String {
        func weight(_ value: Float) -> String { String(format: "%.3f", value) }
        let (positive, negative) = (
            HTML.signed(contribution.positiveActivation), HTML.signed(contribution.negativeActivation)
        )
        switch contribution.negativeWeight {
        case nil: return "weight \(weight(contribution.weight))\n&times; (\(positive) \(negative))"
        case 0?: return "weight \(weight(contribution.weight))\n&times; \(positive)"
        case let other?:
            return
                "weights \(weight(contribution.weight))\n&times; \(positive) and \(weight(other)) &times; \(negative)"
        }
    }

    private func channel(_ contribution: ChannelContribution, of explanation: ImageExplanation) throws -> String {
        let side = contribution.dominantSide
        let amount = contribution.contribution
        let activation = contribution.activation(of: side)
        return """
            <div class="channel">
            <div class="facts">
            <div class="title">channel \(contribution.channel)</div>
            <div class="amount \(amount >= 0 ? "for" : "against")">\(HTML.signed(amount))</div>
            <div class="small quiet number">\(product(contribution))</div>
            <div class="small quiet">\(side == .positive ? "strongest where it responds" : "strongest where it is opposed"):
            \(HTML.signed(activation))</div>
            </div>
            \(HTML.picture(highlighted(contribution, explanation), width: 176, description: "heat map of the channel"))
            <div class="grow">
            <div class="small quiet">training images with the \(side == .positive ? "largest" : "smallest") response</div>
            <div class="prototypes">
            \(try figures.html(prototypes.channels[contribution.channel][side], side: side))
            </div>
            </div>
            </div>

            """
    }

    /// The image with the heat map and the winning cell of the channel's stronger side.
    private func highlighted(_ contribution: ChannelContribution, _ explanation: ImageExplanation) -> PixelImage {
        let side = contribution.dominantSide
        guard let heat = explanation.heatMaps[ChannelSide(channel: contribution.channel, side: side)] else {
            return explanation.pixels
        }
        let position = contribution.position(of: side)
        return explanation.pixels
            .overlaid(with: heat)
            .outlining(position, of: prototypes.featureMap, side: side)
    }
}
