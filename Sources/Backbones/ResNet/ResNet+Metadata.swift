import ImageCoding
import WeightFiles

// A ResNet whose safetensors file says in its metadata what it is; README.md has the entries. Everything is checked
// before anything is allocated from it.

extension ResNet {
    /// The network that `weights` describes in its own metadata.
    ///
    /// - Throws: `BackboneError.invalidConfiguration`.
    static func selfDescribedEntry(name: String, _ weights: any WeightSource) throws -> BackboneEntry {
        let description = SelfDescription(file: weights.path.string, metadata: weights.metadata)
        return entry(
            name, try description.configuration(), presets: [InputPreset(InputPreset.ownName, try description.input())])
    }
}

/// Metadata entries, all of them text; lists are separated by commas.
private struct SelfDescription {
    let file: String
    let metadata: [String: String]

    // Far above any real network, far below what would exhaust memory or overflow.
    private static let widths = 1...8192
    private static let strides = 1...8
    private static let kernels = 1...15
    private static let blockCounts = 1...256
    private static let maximumStageCount = 8

    func configuration() throws -> ResNetConfiguration {
        let architecture = try text("architecture")
        guard architecture == "resnet" else { throw problem("architecture", "is \"\(architecture)\", not \"resnet\"") }
        guard let block = ResNetConfiguration.Block(rawValue: try text("block")) else {
            throw problem("block", "is \"\(try text("block"))\", not \"basic\" or \"bottleneck\"")
        }
        let widths = try integers("widths", in: Self.widths)
        guard widths.count <= Self.maximumStageCount else {
            throw problem("widths", "has \(widths.count) stages, more than \(Self.maximumStageCount)")
        }
        let blockCounts = try integers("blocks", in: Self.blockCounts, count: widths.count)
        let strides = try integers("strides", in: Self.strides, count: widths.count)
        return ResNetConfiguration(
            block: block, stem: try stem(width: widths[0]),
            stages: widths.indices.map { .init(width: widths[$0], blockCount: blockCounts[$0], stride: strides[$0]) })
    }

    /// Entries that may be left out stand for the published stem, as wide as the first stage.
    private func stem(width: Int) throws -> ResNetConfiguration.Stem {
        var stem = ResNetConfiguration.Stem(width: width)
        if metadata["stem_width"] != nil { stem.width = try integer("stem_width", in: Self.widths) }
        if metadata["stem_kernel"] != nil { stem.kernelSide = try integer("stem_kernel", in: Self.kernels) }
        guard !stem.kernelSide.isMultiple(of: 2) else {
            throw problem("stem_kernel", "is \(stem.kernelSide), but has to be odd")
        }
        if metadata["stem_stride"] != nil { stem.stride = try integer("stem_stride", in: Self.strides) }
        if let pooling = metadata["stem_pooling"] {
            guard let hasPooling = Bool(pooling) else {
                throw problem("stem_pooling", "is \"\(pooling)\", not \"true\" or \"false\"")
            }
            stem.hasPooling = hasPooling
        }
        return stem
    }

    func input() throws -> InputTransform {
        let sides = 1...InputTransform.maximumSide
        guard let interpolation = Interpolation(rawValue: try text("interpolation")) else {
            throw problem("interpolation", "is \"\(try text("interpolation"))\", not \"bilinear\" or \"bicubic\"")
        }
        let deviations = try numbers("std")
        guard deviations.allSatisfy({ $0 > 0 }) else {
            throw problem("std", "is \(deviations), not three positive numbers")
        }
        return InputTransform(
            resize: try integer("resize", in: sides), crop: try integer("crop", in: sides),
            interpolation: interpolation, mean: try numbers("mean"), standardDeviation: deviations)
    }

    private func text(_ key: String) throws -> String {
        guard let text = metadata[key] else { throw problem(key, "is missing") }
        return text
    }

    /// One integer or more, each in `range`; exactly `count` if given.
    private func integers(_ key: String, in range: ClosedRange<Int>, count: Int? = nil) throws -> [Int] {
        let parts = try text(key).split(separator: ",", omittingEmptySubsequences: false)
        if let count, parts.count != count {
            throw problem(key, "has \(parts.count) values where widths has \(count)")
        }
        return try parts.map { part in
            guard let value = Int(part), range.contains(value) else {
                throw problem(
                    key, "is \"\(part)\", not a whole number from \(range.lowerBound) to \(range.upperBound)")
            }
            return value
        }
    }

    private func integer(_ key: String, in range: ClosedRange<Int>) throws -> Int {
        let values = try integers(key, in: range)
        guard values.count == 1 else { throw problem(key, "has \(values.count) values instead of 1") }
        return values[0]
    }

    /// One finite number for each of red, green and blue.
    private func numbers(_ key: String) throws -> [Float] {
        let text = try text(key)
        let values = text.split(separator: ",", omittingEmptySubsequences: false).compactMap { Float($0) }
        guard values.count == 3 && text.count(where: { $0 == "," }) == 2 && values.allSatisfy(\.isFinite) else {
            throw problem(key, "is \"\(text)\", not three numbers")
        }
        return values
    }

    private func problem(_ key: String, _ problem: String) -> BackboneError {
        .invalidConfiguration(file: file, key: key, problem: problem)
    }
}
