import Foundation
import ImageCoding
import WeightFiles

// A ResNet whose safetensors file says what it is: the metadata entry `resnet` is a JSON object (README.md has an
// example). All of it is checked before anything is allocated from it.

extension ResNet {
    static let metadataKey = "resnet"

    /// The network that `weights` describes in its own metadata.
    static func describedByItself(name: String, weights: any WeightSource) throws -> Backbone {
        let (configuration, input) = try selfDescription(of: weights)
        return try load(name: name, configuration: configuration, input: input, weights: weights)
    }

    static func selfDescription(
        of weights: any WeightSource
    ) throws -> (configuration: ResNetConfiguration, input: InputTransform) {
        let file = weights.path.string
        guard let text = (weights as? SafetensorsFile)?.metadata[metadataKey] else {
            throw BackboneError.invalidConfiguration(file: file, key: metadataKey, problem: "is missing")
        }
        let document: SelfDescription
        do {
            document = try JSONDecoder().decode(SelfDescription.self, from: Data(text.utf8))
        } catch let error as DecodingError {
            throw BackboneError.invalidConfiguration(
                file: file, key: error.key ?? metadataKey, problem: "is missing or of the wrong type")
        }
        do {
            return (try document.configuration(), try document.input.transform())
        } catch let error as SelfDescription.Problem {
            throw BackboneError.invalidConfiguration(
                file: file, key: "\(metadataKey).\(error.key)", problem: error.text)
        }
    }
}

/// The JSON object, as written.
private struct SelfDescription: Decodable {
    let block: String
    let stemWidth: Int
    let stemKernel: Int?
    let stemStride: Int?
    let stemPooling: Bool?
    let stageWidths: [Int]
    let stageBlocks: [Int]
    let stageStrides: [Int]
    let input: Input

    enum CodingKeys: String, CodingKey {
        case block, input
        case stemWidth = "stem_width"
        case stemKernel = "stem_kernel"
        case stemStride = "stem_stride"
        case stemPooling = "stem_pooling"
        case stageWidths = "stage_widths"
        case stageBlocks = "stage_blocks"
        case stageStrides = "stage_strides"
    }

    struct Input: Decodable {
        let resize: Int
        let crop: Int
        let interpolation: String
        let mean: [Float]
        let standardDeviation: [Float]

        enum CodingKeys: String, CodingKey {
            case resize, crop, interpolation, mean
            case standardDeviation = "standard_deviation"
        }
    }

    struct Problem: Error {
        let key: String
        let text: String
    }
}

extension SelfDescription {
    // Far above any real network, far below what would exhaust memory or overflow.
    private static let widths = 1...8192
    private static let strides = 1...8
    private static let kernels = 1...15
    private static let blocks = 1...256
    private static let stages = 1...8

    func configuration() throws -> ResNetConfiguration {
        guard let block = ResNetConfiguration.Block(rawValue: block) else {
            throw Problem(key: "block", text: "is \"\(block)\", not \"basic\" or \"bottleneck\"")
        }
        let stem = ResNetConfiguration.Stem(
            width: stemWidth, kernelSide: stemKernel ?? 7, stride: stemStride ?? 2, hasPooling: stemPooling ?? true)
        try Self.check([stem.width], Self.widths, key: "stem_width")
        try Self.check([stem.kernelSide], Self.kernels, key: "stem_kernel")
        guard !stem.kernelSide.isMultiple(of: 2) else {
            throw Problem(key: "stem_kernel", text: "is \(stem.kernelSide), but has to be odd")
        }
        try Self.check([stem.stride], Self.strides, key: "stem_stride")
        try Self.check([stageWidths.count], Self.stages, key: "the number of stage_widths")
        guard stageBlocks.count == stageWidths.count && stageStrides.count == stageWidths.count else {
            throw Problem(key: "stage_widths", text: "and stage_blocks and stage_strides differ in length")
        }
        try Self.check(stageWidths, Self.widths, key: "stage_widths")
        try Self.check(stageBlocks, Self.blocks, key: "stage_blocks")
        try Self.check(stageStrides, Self.strides, key: "stage_strides")
        return ResNetConfiguration(
            block: block, stem: stem,
            stages: stageWidths.indices.map {
                .init(width: stageWidths[$0], blockCount: stageBlocks[$0], stride: stageStrides[$0])
            })
    }

    private static func check(_ values: [Int], _ range: ClosedRange<Int>, key: String) throws {
        if let value = values.first(where: { !range.contains($0) }) {
            throw Problem(
                key: key, text: "is \(value), outside \(range.lowerBound) to \(range.upperBound)")
        }
    }
}

extension SelfDescription.Input {
    func transform() throws -> InputTransform {
        guard let interpolation = Interpolation(rawValue: interpolation) else {
            throw SelfDescription.Problem(
                key: "input.interpolation", text: "is \"\(interpolation)\", not \"bilinear\" or \"bicubic\"")
        }
        let transform = InputTransform(
            resize: resize, crop: crop, interpolation: interpolation, mean: mean,
            standardDeviation: standardDeviation)
        do {
            try transform.validate()
        } catch ImageCodingError.invalidTransform(let reason) {
            throw SelfDescription.Problem(key: "input", text: reason)
        }
        return transform
    }
}

extension DecodingError {
    /// Where in the document the trouble is, with dots between keys; nil for text that is not JSON at all.
    fileprivate var key: String? {
        let (context, last): (Context, (any CodingKey)?) =
            switch self {
            case .keyNotFound(let key, let context): (context, key)
            case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
                (context, nil)
            @unknown default: (Context(codingPath: [], debugDescription: ""), nil)
            }
        let path = (context.codingPath + [last].compactMap(\.self)).map {
            $0.intValue.map(String.init) ?? $0.stringValue
        }
        return path.isEmpty ? nil : ([ResNet.metadataKey] + path).joined(separator: ".")
    }
}
