import ImageCoding

/// A published way of preparing images, by name: how some weights of a backbone were evaluated.
public struct InputPreset: Codable, Equatable, Sendable {
    /// Who published the weights and which of theirs they are: `torchvision-v2`, `timm-a1`.
    public let name: String
    public let input: InputTransform

    /// What a file says itself about its images.
    static let ownName = "own"

    public init(_ name: String, _ input: InputTransform) {
        self.name = name
        self.input = input
    }

    /// ImageNet's mean and deviation, `crop` pixels out of `resize`.
    public init(_ name: String, resize: Int, crop: Int = 224, _ interpolation: Interpolation = .bilinear) {
        self.init(name, InputTransform(resize: resize, crop: crop, interpolation: interpolation))
    }
}

extension [InputPreset] {
    /// The input of the preset `name`; of the first if nil.
    ///
    /// - Throws: `BackboneError.unknownPreset` with all names.
    func input(named name: String?, backbone: String) throws -> InputTransform {
        guard let name else { return self[0].input }
        guard let preset = first(where: { $0.name == name }) else {
            throw BackboneError.unknownPreset(name, backbone: backbone, known: map(\.name))
        }
        return preset.input
    }
}
