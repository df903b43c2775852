import DurableFiles
import ImageCoding

extension Dataset {
    /// The SHA-256 of what defines a data set: class names and, for each sample in order, split, path, label, file size.
    ///
    /// File contents are not read (an ImageNet would take an hour), and neither the root nor the reader counts: a copy
    /// elsewhere is the same data set. The digest is of UTF-8 text: the line "infodisent data set 1", the number of classes,
    /// the class names, then "train" and "test" each with the number of samples followed by path, label and size in bytes of
    /// each. A data set of crops goes on with "crop" and the crop's name, and "boxes" is followed by the box of each sample
    /// that decides its pixels. A part dataset that is not easy goes on with "level" and its name. Every item ends with a zero byte, which no path contains, so different data sets never give the
    /// same text.
    static func fingerprint(
        classNames: [String], parts: [(split: Split, samples: [Sample], byteCounts: [Int])], crop: DatasetCrop? = nil,
        level: PartDataset.Level = .easy
    ) -> ContentDigest {
        var hasher = ContentHasher()
        func add(_ item: String) { hasher.update(item + "\0") }
        add("infodisent data set 1")
        add(String(classNames.count))
        classNames.forEach(add)
        for (split, samples, byteCounts) in parts {
            precondition(samples.count == byteCounts.count, "one file size for each sample")
            add(split.rawValue)
            add(String(samples.count))
            for (sample, byteCount) in zip(samples, byteCounts) {
                add(sample.path)
                add(String(sample.label))
                add(String(byteCount))
            }
        }
        if let crop {
            add("crop")
            add(crop.rawValue)
            add("boxes")
            for part in parts {
                for sample in part.samples { add(Self.cropText(sample.boxes ?? [])) }
            }
        }
        if level != .easy {
            add("level")
            add(level.rawValue)
        }
        return hasher.finalize()
    }

    /// x, y, width and height of the pixels that boxes enclose, or "none".
    private static func cropText(_ boxes: [BoundingBox]) -> String {
        guard let box = BoundingBox(enclosing: boxes) else { return "none" }
        let pixels = PixelRectangle(box)
        return "\(pixels.x) \(pixels.y) \(pixels.width) \(pixels.height)"
    }
}
