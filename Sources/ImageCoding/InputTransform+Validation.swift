extension InputTransform {
    /// Checks values that come from a file or a command line.
    ///
    /// - Throws: `ImageCodingError.invalidTransform`.
    public func validate() throws {
        if let problem { throw ImageCodingError.invalidTransform(reason: problem) }
    }

    /// What is wrong with the values; nil if they can be used.
    var problem: String? {
        for (name, side) in [("resize", resize), ("crop", crop)] where !(1...Self.maximumSide).contains(side) {
            return "\(name) is \(side), expected 1 to \(Self.maximumSide) pixels"
        }
        for (name, values) in [("mean", mean), ("std", standardDeviation)] {
            guard values.count == 3 else { return "\(name) has \(values.count) values, expected 3 (red, green, blue)" }
            guard values.allSatisfy(\.isFinite) else { return "\(name) is \(values), expected finite numbers" }
        }
        guard standardDeviation.allSatisfy({ $0 > 0 }) else {
            return "standardDeviation is \(standardDeviation), expected positive numbers"
        }
        return nil
    }
}
