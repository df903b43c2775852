import SystemFacts

/// What the numeric targets were compiled for (Package.swift). On a processor without it they would end with an illegal
/// instruction; this executable's own code is compiled for any x86-64 and can say so first.
enum Processor {
    static let requiredFeatures = ["avx2", "fma", "f16c", "bmi2"]

    struct MissingFeatures: Error, CustomStringConvertible {
        let features: [String]

        var description: String {
            "This processor lacks \(features.joined(separator: ", ")), for which the program is compiled. "
                + "Run it on an x86-64 processor of 2013 or later (Haswell, Zen or newer)."
        }
    }

    /// - Throws: `MissingFeatures`.
    static func check(_ processor: ProcessorFeatures = .here) throws {
        let missing = processor.missing(of: requiredFeatures)
        guard missing.isEmpty else { throw MissingFeatures(features: missing) }
    }
}
