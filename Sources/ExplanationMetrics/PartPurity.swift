/// Whether a channel is about one part of objects.
public enum PartPurity {
    /// The largest, over the parts, of the share of a channel's ten strongest images where the part is visible whose patch holds
    /// it (PIP-Net, util/eval_cub_csv.py: a patch of 32 of 224 pixels a side). Left and right are one part.
    public static let purityFormula = "pipnet:top"
    /// The share of channels with a part that at least 0.8 of the images of the channel's class have in its box of 72 of 224
    /// pixels a side (Huang et al., "Evaluation and Improvement of Interpretability for Self-Explainable Part-Prototype Networks",
    /// ICCV 2023).
    public static let consistencyFormula = "evalprotopnet:consistency"
    /// The share of images and channels of their class whose box holds the same parts after noise (the same paper).
    public static let stabilityFormula = "evalprotopnet:stability"
    /// A channel counts as consistent from this share of images on.
    public static let consistencyThreshold = 0.8
    /// Sides of the boxes as shares of the image's.
    public static let purityBoxSide = 32.0 / 224
    public static let consistencyBoxSide = 72.0 / 224

    /// The largest share and its part: of equal shares, the one with more hits, then the first. Nil if no part is ever visible.
    public static func purity(hits: [Int], visible: [Int]) -> (share: Double, part: Int)? {
        var best: (share: Double, hits: Int, part: Int)?
        for part in hits.indices where visible[part] > 0 {
            let share = Double(hits[part]) / Double(visible[part])
            if best == nil || (share, hits[part]) > (best!.share, best!.hits) { best = (share, hits[part], part) }
        }
        return best.map { ($0.share, $0.part) }
    }

    /// Nil if no part is ever visible.
    public static func isConsistent(hits: [Int], visible: [Int]) -> Bool? {
        purity(hits: hits, visible: visible).map { $0.share >= consistencyThreshold }
    }

    /// The patch of PIP-Net at a cell: patches are evenly spaced, the first at the left edge, the last at the right.
    public static func patch(row: Int, column: Int, width: Int, height: Int) -> GridBox {
        func start(_ index: Int, _ count: Int) -> Double {
            count > 1 ? Double(index) * (1 - purityBoxSide) / Double(count - 1) : (1 - purityBoxSide) / 2
        }
        let (left, top) = (start(column, width), start(row, height))
        return GridBox(left: left, top: top, right: left + purityBoxSide, bottom: top + purityBoxSide)
    }

    /// The box around the centre of a cell.
    public static func box(row: Int, column: Int, width: Int, height: Int) -> GridBox {
        let (x, y) = ((Double(column) + 0.5) / Double(width), (Double(row) + 0.5) / Double(height))
        let half = consistencyBoxSide / 2
        return GridBox(left: x - half, top: y - half, right: x + half, bottom: y + half)
    }
}
