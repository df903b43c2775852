/// How different the maps of an image for two classes are: 1 - the cosine of their positive parts.
public enum MapContrast {
    public static let formula = "one-minus-cosine:positive"

    /// 0...1; nil if one of the maps has nothing positive.
    public static func value(_ first: [Float], _ second: [Float]) -> Double? {
        var (product, one, other) = (0.0, 0.0, 0.0)
        for (a, b) in zip(first, second) {
            let (a, b) = (Double(max(0, a)), Double(max(0, b)))
            product += a * b
            one += a * a
            other += b * b
        }
        guard one > 0, other > 0 else { return nil }
        return max(0, 1 - product / (one * other).squareRoot())
    }
}
