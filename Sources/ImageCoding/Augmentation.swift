/// How the further views of a training image are made. View 0 of an image is always the plain one.
///
/// In this order, each step on the result of the one before:
/// 1. a random part of the image, resized to the network's input (torchvision's `RandomResizedCrop`); without `cropScale`
///    the plain resize and centre crop;
/// 2. a mirror image (`RandomHorizontalFlip`);
/// 3. a turn and a shear about the centre (`RandomAffine`; bilinear, what comes from outside is black);
/// 4. brightness, contrast, saturation and hue in random order (`ColorJitter`).
///
/// The pixels are those that torchvision computes with the same parameters on a Pillow image, bit for bit; the parameters
/// are drawn from another generator, as a pure function of seed, sample and view.
public struct Augmentation: Equatable, Sendable {
    /// Probability of the mirror image.
    public var flip = 0.0
    /// Smallest and largest share of the image's area that is kept; nil for the plain crop.
    public var cropScale: ClosedRange<Double>?
    /// Smallest and largest ratio of width to height of the part that is kept.
    public var cropRatio = 0.75...4 / 3
    /// The image is turned by at most this angle to each side.
    public var degrees = 0.0
    /// Rows are shifted along each other by at most this angle to each side, in degrees.
    public var shear = 0.0
    /// Brightness, contrast and saturation are multiplied by a factor from 1 - x (at least 0) to 1 + x.
    public var brightness = 0.0
    public var contrast = 0.0
    public var saturation = 0.0
    /// Hues are turned by at most this part of the circle to each side, 0 to 0.5.
    public var hue = 0.0

    public init() {}

    /// Whether every view would be the plain one.
    public var isEmpty: Bool {
        cropScale == nil && [flip, degrees, shear, brightness, contrast, saturation, hue].allSatisfy { $0 == 0 }
    }

    /// Whether all values are in their ranges.
    package var isUsable: Bool { problem == nil }

    /// Checks values that come from a file.
    ///
    /// - Throws: `ImageCodingError.invalidAugmentation`.
    public func validate() throws {
        if let problem { throw ImageCodingError.invalidAugmentation(reason: problem) }
    }

    /// What is wrong with the values; nil if they can be used.
    var problem: String? {
        var values: [(name: String, value: Double, range: ClosedRange<Double>)] = [
            ("flip", flip, 0...1), ("degrees", degrees, 0...180), ("shear", shear, 0...80),
            ("brightness", brightness, 0...10), ("contrast", contrast, 0...10), ("saturation", saturation, 0...10),
            ("hue", hue, 0...0.5), ("crop_ratio", cropRatio.lowerBound, 0.01...100),
            ("crop_ratio", cropRatio.upperBound, 0.01...100),
        ]
        if let cropScale {
            values.append(("crop_scale", cropScale.lowerBound, 0.0001...1))
            values.append(("crop_scale", cropScale.upperBound, 0.0001...1))
        }
        return values.first { !$0.range.contains($0.value) }.map {
            "\($0.name) is \($0.value), expected \($0.range.lowerBound) to \($0.range.upperBound)"
        }
    }
}

/// As stored in caches.
extension Augmentation: Codable {
    enum CodingKeys: String, CodingKey {
        case flip, degrees, shear, brightness, contrast, saturation, hue
        case cropScale = "crop_scale"
        case cropRatio = "crop_ratio"
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        func range(_ key: CodingKeys) throws -> ClosedRange<Double>? {
            guard let ends = try values.decodeIfPresent([Double].self, forKey: key) else { return nil }
            guard ends.count == 2, ends[0] <= ends[1] else {
                throw DecodingError.dataCorruptedError(
                    forKey: key, in: values, debugDescription: "\(ends) are not the ends of a range")
            }
            return ends[0]...ends[1]
        }
        self.init()
        flip = try values.decode(Double.self, forKey: .flip)
        degrees = try values.decode(Double.self, forKey: .degrees)
        shear = try values.decode(Double.self, forKey: .shear)
        brightness = try values.decode(Double.self, forKey: .brightness)
        contrast = try values.decode(Double.self, forKey: .contrast)
        saturation = try values.decode(Double.self, forKey: .saturation)
        hue = try values.decode(Double.self, forKey: .hue)
        cropScale = try range(.cropScale)
        cropRatio = try range(.cropRatio) ?? cropRatio
        if let problem {
            throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: problem))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(flip, forKey: .flip)
        try values.encode(degrees, forKey: .degrees)
        try values.encode(shear, forKey: .shear)
        try values.encode(brightness, forKey: .brightness)
        try values.encode(contrast, forKey: .contrast)
        try values.encode(saturation, forKey: .saturation)
        try values.encode(hue, forKey: .hue)
        if let cropScale {
            try values.encode([cropScale.lowerBound, cropScale.upperBound], forKey: .cropScale)
            try values.encode([cropRatio.lowerBound, cropRatio.upperBound], forKey: .cropRatio)
        }
    }
}
