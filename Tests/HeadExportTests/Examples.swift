import DisentangledHead
import FeatureCache
import HeadExport
import SeededNumbers
import Tensors

/// Small heads of every form, and feature maps for them.
struct Example {
    let name: String
    let exported: ExportedHead
    /// [3, 3, 4, D], in half precision.
    let features: Tensor
    let layout: ExportedHead.Layout

    /// The features as a cache has them.
    var rounded: Tensor { exported.featurePrecision.rounded(features) }

    static let channelCount = 10
    static let classCount = 4

    /// The same for the same name on every machine: numbers are rounded to some bits.
    static func all() throws -> [Example] {
        try [
            Example("published", seed: 1),
            Example("biased-turned", seed: 2, hasBias: true, turned: [1, 4, 5, 8], layout: .channelsFirst),
            Example("untied", seed: 3, sides: .untied, hasBias: true),
            Example("positive", seed: 4, sides: .positive, precision: .f32),
            Example("few-channels", seed: 5, hasBias: true, channelsPerImage: 3),
            Example("binary", seed: 7, hasBias: true, loss: .binaryCrossEntropy),
            Example("kept", seed: 8, hasBias: true, reading: .mean(), layout: .channelsFirst),
            Example("kept-standardised", seed: 9, hasBias: true, reading: .mean(epsilon: 0.015625)),
            Example("few-channels-untied", seed: 6, sides: .untied, channelsPerImage: 4, layout: .channelsFirst),
            Example("eight-bits", seed: 10, hasBias: true, precision: .int8),
            Example("eight-bits-first", seed: 11, precision: .int8, layout: .channelsFirst),
        ]
    }

    private init(
        _ name: String, seed: UInt64, sides: ChannelSides = .tied, hasBias: Bool = false, turned: [Int]? = nil,
        channelsPerImage: Int? = nil, precision: CachePrecision = .f16, reading: ChannelReading = .extrema,
        loss: ClassificationLoss = .crossEntropy, layout: ExportedHead.Layout = .channelsLast
    ) throws {
        let (channelCount, classCount) = (Self.channelCount, Self.classCount)
        func numbers(_ count: Int, _ stream: Int) -> [Float] {
            normals(count, seed: seed, stream).map { Float(($0 * 1024).rounded() / 1024) }
        }
        let width = channelCount * sides.valuesPerChannel
        let isKept = reading != .extrema
        let weights = numbers(classCount * width, 2).map { isKept ? $0 : max(0, $0) }
        let head = try Head(
            channelMap: Self.turn(turned ?? Array(0..<channelCount), seed: seed),
            classifier: Classifier(
                weights: weights, bias: hasBias ? numbers(classCount, 3) : nil, signs: isKept ? .any : .nonNegative,
                classCount: classCount, channelCount: width),
            sides: sides, channelsPerImage: channelsPerImage, reading: reading, loss: loss)
        self.name = name
        exported = ExportedHead(
            head: head, classNames: ["heron", "ibis, white", "\"crow\"", "Möwe"], featurePrecision: precision,
            provenance: ["backbone": "demo"])
        features = Tensor(
            shape: [3, 3, 4, channelCount], values: numbers(3 * 12 * channelCount, 4).map { Float(Float16($0)) })
        self.layout = layout
    }

    /// A Householder reflection among some channels, from numbers that are exact in half precision: the same bits everywhere.
    private static func turn(_ channels: [Int], seed: UInt64) -> [Float] {
        let direction = normals(channels.count, seed: seed, 1).map { ($0 * 16).rounded() / 16 }
            .map { $0 == 0 ? 0.0625 : $0 }
        let square = direction.reduce(0) { $0 + $1 * $1 }
        var map = [Float](repeating: 0, count: channelCount * channelCount)
        for channel in 0..<channelCount { map[channel * channelCount + channel] = 1 }
        for (row, first) in channels.enumerated() {
            for (column, second) in channels.enumerated() {
                map[first * channelCount + second] =
                    Float((row == column ? 1 : 0) - 2 * direction[row] * direction[column] / square)
            }
        }
        return map
    }
}
