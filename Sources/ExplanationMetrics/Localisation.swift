/// Whether a map points at a place that is known.
public enum Localisation {
    /// Whether the cell with the largest value has its centre in a box (Zhang et al., "Top-down Neural Attention by Excitation
    /// Backprop", 2018, without a tolerance). Images without a box do not count; several cells with the largest value count by
    /// the share of them that hit.
    public static let pointingFormula = "pointing:cell-centre"
    /// sum of positive values inside / sum of positive values, a cell counting by the share of it that boxes cover (Wang et al.,
    /// "Score-CAM", 2020).
    public static let energyFormula = "energy:positive"

    /// - Parameter values: [height, width], row-major.
    public static func pointing(_ values: [Float], width: Int, at boxes: [GridBox]) -> Double {
        let height = values.count / width
        guard let largest = values.max() else { return 0 }
        var (count, hits) = (0, 0)
        for (cell, value) in values.enumerated() where value == largest {
            let x = (Double(cell % width) + 0.5) / Double(width)
            let y = (Double(cell / width) + 0.5) / Double(height)
            count += 1
            if boxes.contains(where: { $0.contains(x: x, y: y) }) { hits += 1 }
        }
        return count == 0 ? 0 : Double(hits) / Double(count)
    }

    /// Nil if no value is positive.
    /// - Parameter coverage: of each cell the share that boxes cover (`coverage(of:width:height:)`).
    public static func energy(_ values: [Float], inside coverage: [Double]) -> Double? {
        var (inside, total) = (0.0, 0.0)
        for (value, share) in zip(values, coverage) where value > 0 {
            inside += Double(value) * share
            total += Double(value)
        }
        return total > 0 ? inside / total : nil
    }

    /// Points a cell's side is looked at.
    private static let samples = 8

    /// The share of each cell that at least one of `boxes` covers, looked at in 8 x 8 points.
    public static func coverage(of boxes: [GridBox], width: Int, height: Int) -> [Double] {
        (0..<width * height).map { cell in
            var count = 0
            for row in 0..<samples {
                let y = (Double(cell / width) + (Double(row) + 0.5) / Double(samples)) / Double(height)
                for column in 0..<samples {
                    let x = (Double(cell % width) + (Double(column) + 0.5) / Double(samples)) / Double(width)
                    if boxes.contains(where: { $0.contains(x: x, y: y) }) { count += 1 }
                }
            }
            return Double(count) / Double(samples * samples)
        }
    }
}
