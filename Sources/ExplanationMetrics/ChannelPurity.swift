/// EPIC's purity of a channel at a pixel: how much of the pixel's vector is that channel (Borycki et al., arXiv 2505.12897).
public enum ChannelPurity {
    /// Mean over channels and their five strongest images of J_pk / max(|j_p|, 1e-8), p being where J_.k is largest; images ranked
    /// by their maximum, or as EPIC's code does it by the sum over the map.
    public static let maximumFormula = "epic:by-maximum"
    public static let sumFormula = "epic:by-sum"

    /// J_pk / |j_p|, given the pixel's vector j_p.
    public static func purity(of channel: Int, in vector: ArraySlice<Float>) -> Double {
        let norm = vector.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        return purity(of: Double(vector[vector.startIndex + channel]), norm: norm)
    }

    /// The same, given J_pk and |j_p|.
    public static func purity(of activation: Double, norm: Double) -> Double { activation / max(norm, 1e-8) }
}
