public import ImageCoding
public import Results

/// The prototypes of a head's channels as one self-contained HTML page.
public struct PrototypePage {
    private let table: PrototypeTable
    private let classNames: [String]
    /// The channels that classes use, the most used first.
    private let uses: [ChannelUse]
    /// Channels on the page, at most.
    private let channelLimit: Int
    private let figures: PrototypeFigures

    /// - Parameters:
    ///   - uses: the channels that classes use, the most used first.
    ///   - channelLimit: channels on the page, at most: those that the classifier uses most.
    ///   - picture: gives what the network saw of a prototype's image.
    public init(
        _ table: PrototypeTable, uses: [ChannelUse], classNames: [String], channelLimit: Int,
        picture: @escaping (Prototype) throws -> PixelImage
    ) {
        self.table = table
        self.classNames = classNames
        self.uses = uses
        self.channelLimit = channelLimit
        figures = PrototypeFigures(featureMap: table.featureMap, classNames: classNames, picture: picture, width: 78)
    }

    /// The page's text: the channels that classes use, the most used first. Throws what `picture` throws.
    public func html() throws -> String {
        let unusedCount = table.channels.count - uses.count
        let shown = uses.prefix(channelLimit)
        var body = """
            <h1>What the channels stand for</h1>
            <p class="quiet">For each channel, the training images with the largest response
            (<span class="for">positive prototypes</span>, they speak for the classes that use the channel) and those with
            the smallest (<span class="against">negative prototypes</span>, they speak against them); the box is the pixel
            of the feature map that won. The \(shown.count) channels that the classifier uses most, of \(uses.count) it uses\
            \(unusedCount > 0 ? "; \(unusedCount) channels that no class uses are left out" : "").</p>

            """
        for use in shown { body += try section(use) }
        return HTML.page(title: "What the channels stand for", body: body)
    }

    private func section(_ use: ChannelUse) throws -> String {
        let channel = use.channel
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
