/// A box made of a map, and how well it fits a known one (Choe et al., "Evaluating Weakly Supervised Object Localization Methods
/// Right", CVPR 2020).
public enum BoxFromMap {
    /// The box of the largest connected piece (8 neighbours) of {A >= tau max A}, A = max(0, map), and its best intersection over
    /// union with a known box.
    public static let overlapFormula = "iou:largest-piece"
    /// max over tau of the share of images with IoU >= delta; and the mean over delta of these.
    public static let accuracyFormula = "maxboxacc"
    public static let meanAccuracyFormula = "maxboxacc-v2"
    /// tau.
    public static let thresholds = (1...19).map { Double($0) / 20 }
    /// delta.
    public static let overlaps = [0.3, 0.5, 0.7]
    /// Cells of the map that is cut, upsampled bilinearly, for each of the feature map's along a side.
    public static let upsampling = 8

    /// The box of the largest connected piece of the cells with at least `threshold` of the largest value; of equally large ones,
    /// the first from the top. Nil if no value is positive.
    ///
    /// - Parameter values: [height, width], row-major.
    public static func box(of values: [Float], width: Int, threshold: Double) -> GridBox? {
        guard let largest = values.max(), largest > 0 else { return nil }
        let (limit, height) = (Float(threshold) * largest, values.count / width)
        var isOpen = values.map { $0 >= limit && $0 > 0 }
        var (best, bestCount): ((Int, Int, Int, Int)?, Int) = (nil, 0)
        var stack: [Int] = []
        for start in values.indices where isOpen[start] {
            isOpen[start] = false
            stack.append(start)
            var (left, right, top, bottom, count) = (width, 0, height, 0, 0)
            while let cell = stack.popLast() {
                let (row, column) = (cell / width, cell % width)
                (left, right, top, bottom) = (min(left, column), max(right, column), min(top, row), max(bottom, row))
                count += 1
                for y in max(0, row - 1)...min(height - 1, row + 1) {
                    for x in max(0, column - 1)...min(width - 1, column + 1) where isOpen[y * width + x] {
                        isOpen[y * width + x] = false
                        stack.append(y * width + x)
                    }
                }
            }
            if count > bestCount { (best, bestCount) = ((left, right, top, bottom), count) }
        }
        return best.map { left, right, top, bottom in
            GridBox(
                left: Double(left) / Double(width), top: Double(top) / Double(height),
                right: Double(right + 1) / Double(width), bottom: Double(bottom + 1) / Double(height))
        }
    }

    /// max over thresholds of the share of images with an overlap of at least `delta`.
    ///
    /// - Parameter overlaps: of each image, by threshold.
    public static func accuracy(_ overlaps: [[Float]], delta: Double) -> Double {
        guard let first = overlaps.first, !first.isEmpty else { return 0 }
        return first.indices.map { threshold in
            Double(overlaps.count { Double($0[threshold]) >= delta }) / Double(overlaps.count)
        }.max()!
    }
}
