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
        // With a margin of closed cells, so that every cell has eight neighbours.
        let stride = width + 2
        let neighbours = [-stride - 1, -stride, -stride + 1, -1, 1, stride - 1, stride, stride + 1]
        var isOpen = [Bool](repeating: false, count: stride * (height + 2))
        for (cell, value) in values.enumerated() where value >= limit && value > 0 {
            isOpen[(cell / width + 1) * stride + cell % width + 1] = true
        }
        var (best, bestCount): ((Int, Int, Int, Int)?, Int) = (nil, 0)
        // A cell is closed when it is put there: it is there once.
        let stack = UnsafeMutableBufferPointer<Int>.allocate(capacity: values.count)
        defer { stack.deallocate() }
        isOpen.withUnsafeMutableBufferPointer { isOpen in
            for start in isOpen.indices where isOpen[start] {
                isOpen[start] = false
                stack[0] = start
                var waiting = 1
                var (left, right, top, bottom, count) = (width, 0, height, 0, 0)
                while waiting > 0 {
                    waiting -= 1
                    let cell = stack[waiting]
                    let (row, column) = (cell / stride - 1, cell % stride - 1)
                    (left, right, top, bottom) = (
                        min(left, column), max(right, column), min(top, row), max(bottom, row)
                    )
                    count += 1
                    for neighbour in neighbours where isOpen[cell + neighbour] {
                        isOpen[cell + neighbour] = false
                        stack[waiting] = cell + neighbour
                        waiting += 1
                    }
                }
                if count > bestCount { (best, bestCount) = ((left, right, top, bottom), count) }
            }
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
