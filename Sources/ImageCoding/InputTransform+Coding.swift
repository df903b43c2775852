/// As stored in caches and checkpoints. What was added after the first of them is left out where it has its default, so
/// that a transform has one form only and old ones are read.
extension InputTransform: Codable {
    enum CodingKeys: String, CodingKey {
        case resize, squash, crop, interpolation, mean, exif
        case standardDeviation = "std"
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            resize: try values.decode(Int.self, forKey: .resize),
            squash: try values.decodeIfPresent(Bool.self, forKey: .squash) ?? false,
            crop: try values.decode(Int.self, forKey: .crop),
            interpolation: try values.decode(Interpolation.self, forKey: .interpolation),
            mean: try values.decode([Float].self, forKey: .mean),
            standardDeviation: try values.decode([Float].self, forKey: .standardDeviation),
            exif: try values.decodeIfPresent(ExifOrientation.Policy.self, forKey: .exif) ?? .ignore)
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(resize, forKey: .resize)
        if squash { try values.encode(squash, forKey: .squash) }
        try values.encode(crop, forKey: .crop)
        try values.encode(interpolation, forKey: .interpolation)
        try values.encode(mean, forKey: .mean)
        try values.encode(standardDeviation, forKey: .standardDeviation)
        if exif != .ignore { try values.encode(exif, forKey: .exif) }
    }
}
