import ImageCoding
import WeightFiles

extension InputPreset {
    /// How transformers prepares images for a network, by the `preprocessor_config.json` that it saves beside it; nil if that
    /// says something that is not done here.
    static func saved(in preprocessing: SavedConfiguration) -> InputPreset? {
        // Whatever is left out has another default in each of its classes.
        guard preprocessing.flag("do_resize") != false, preprocessing.flag("do_normalize") != false,
            let mean = preprocessing.numbers("image_mean"), let deviation = preprocessing.numbers("image_std"),
            mean.count == 3, deviation.count == 3,
            let interpolation = interpolations[preprocessing.number("resample") ?? 0],
            abs((preprocessing.number("rescale_factor") ?? 1.0 / 255) * 255 - 1) < 1e-6,
            let size = Size(preprocessing)
        else { return nil }
        let input = InputTransform(
            resize: size.resize, squash: size.squash, crop: size.crop, interpolation: interpolation,
            mean: mean.map { Float($0) }, standardDeviation: deviation.map { Float($0) })
        guard (try? input.validate()) != nil else { return nil }
        return InputPreset(ownName, input)
    }

    /// By Pillow's numbers.
    private static let interpolations: [Double: Interpolation] = [2: .bilinear, 3: .bicubic]

    private struct Size {
        var resize: Int
        var squash: Bool
        var crop: Int

        /// `size` and `crop_size` are a number, or an object with height and width or with the shorter side.
        init?(_ preprocessing: SavedConfiguration) {
            let type = preprocessing.text("image_processor_type") ?? preprocessing.text("feature_extractor_type") ?? ""
            let size = preprocessing.object("size")
            let shortest = size?.number("shortest_edge").flatMap { Int(exactly: $0) }
            let side = Self.side("size", preprocessing)
            if type.contains("ConvNext") {
                // Less than 384 pixels are the middle of more, by a share; the others are the whole image.
                guard let side = shortest ?? side, (1...4096).contains(side) else { return nil }
                let share = preprocessing.number("crop_pct") ?? 224.0 / 256
                guard share > 0.01, share <= 1 else { return nil }
                self.init(resize: side < 384 ? Int(Double(side) / share) : side, squash: side >= 384, crop: side)
                return
            }
            let crop = preprocessing.flag("do_center_crop") == true ? Self.side("crop_size", preprocessing) : nil
            if let shortest {
                guard let crop else { return nil }
                self.init(resize: shortest, squash: false, crop: crop)
            } else {
                guard let side else { return nil }
                self.init(resize: side, squash: true, crop: crop ?? side)
            }
        }

        private init(resize: Int, squash: Bool, crop: Int) {
            (self.resize, self.squash, self.crop) = (resize, squash, crop)
        }

        /// A number, or an object of equal height and width.
        private static func side(_ key: String, _ preprocessing: SavedConfiguration) -> Int? {
            if let side = preprocessing.number(key) { return Int(exactly: side) }
            guard let size = preprocessing.object(key), let height = size.number("height"),
                height == size.number("width")
            else { return nil }
            return Int(exactly: height)
        }
    }
}
