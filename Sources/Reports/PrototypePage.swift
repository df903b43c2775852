import Explanations
import ImageCoding

/// The prototypes of a head's channels as one self-contained HTML page.
public struct PrototypePage {
    private let table: PrototypeTable
    private let classNames: [String]
    /// A [C, D], row-major.
    private let classifier: [Float]
    /// Channels on the page, at most.
    private let channelLimit: Int
    private let figures: PrototypeFigures

    /// - Parameters:
    ///   - classifier: the head's classifier A, [C, D] in row-major order.
    ///   - channelLimit: channels on the page, at most: those that the classifier uses most.
    ///   - picture: gives what the network saw of a prototype's image.
    public init(
        _ table: PrototypeTable, classifier: [Float], classNames: [String], channelLimit: Int,
        picture: @escaping (Prototype) throws -> PixelImage
    ) {
        self.table = table
        self.classNames = classNames
        self.classifier = classifier
        self.channelLimit = channelLimit
        figures = PrototypeFigures(featureMap: table.featureMap, classNames: classNames, picture: picture, width: 78)
    }

    /// The page's text: the channels that classes use, the most used first. Throws what `picture` throws.
    public func html() throws -> String {
        let uses = table.channels.indices.map(use(ofChannel:))
        let used = table.channels.indices.filter { uses[$0].total > 0 }
            .sorted { (uses[$0].total, $1) > (uses[$1].total, $0) }
        let unusedCount = table.channels.count - used.count
        let shown = used.prefix(channelLimit)
        var body = """
            <h1>What the channels stand for</h1>
            <p class="quiet">For each channel, the training images with the largest response
            (<span class="for">positive prototypes</span>, they speak for the classes that use the channel) and those with
            the smallest (<span class="against">negative prototypes</span>, they speak against them); the box is the pixel
            of the feature map that won. The \(shown.count) channels that the classifier uses most, of \(used.count) it uses\
            \(unusedCount > 0 ? "; \(unusedCount) channels that no class uses are left out" : "").</p>

            """
        for channel in shown { body += try section(channel, uses[channel]) }
        return HTML.page(title: "What the channels stand for", body: body)
    }

    private struct Use {
        /// Sum of the channel's weights over all classes.
        var total: Float
        /// The classes with the largest weights, largest first.
        var classes: [(label: Int, weight: Float)]
    }

    private func use(ofChannel channel: Int) -> Use {
        let weights = classNames.indices.map { classifier[$0 * table.channels.count + channel] }
        let order = weights.indices.filter { weights[$0] > 0 }.sorted { (weights[$0], $1) > (weights[$1], $0) }
        return Use(total: weights.reduce(0, +), classes: order.prefix(4).map { ($0, weights[$0]) })
    }

    private func section(_ channel: Int, _ use: Use) throws -> String {
        let classes = use.classes
            .map { "\(HTML.escaped(classNames[$0.label])) <span class=\"number\">\(HTML.signed($0.weight))</span>" }
            .joined(separator: "<br>")
        return """
            <div class="channel">
            <div class="facts"><div class="title">channel \(channel)</div>
            <div class="small quiet">used most by<br>\(classes)</div></div>
            <div class="grow">
            <div class="small for">positive</div>
            <div class="prototypes">\(try figures.html(table.channels[channel].positive, side: .positive))</div>
            </div>
            <div class="grow">
            <div class="small against">negative</div>
            <div class="prototypes">\(try figures.html(table.channels[channel].negative, side: .negative))</div>
            </div>
            </div>

            """
    }
}
