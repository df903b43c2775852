/// The number of effective concepts: how many channels a class has a weight for, on average (Srivastava et al., "VLG-CBM",
/// NeurIPS 2024, equation 5).
public enum EffectiveConcepts {
    public static let formula = "nec:nonzero"

    /// Weights other than 0, divided by the number of classes.
    ///
    /// - Parameter weights: [C, D].
    public static func count(in weights: [Float], classCount: Int) -> Double {
        Double(weights.count { $0 != 0 }) / Double(classCount)
    }
}
