import DurableFiles

/// Which configurations an ablation trains: all combinations of some keys' values, or the configuration itself and one change at
/// a time; each with every seed.
public struct AblationGrid: Equatable, Sendable {
    /// A key and the values it takes.
    public struct Axis: Equatable, Sendable {
        public let key: String
        public let values: [String]

        /// - Parameter text: `section.key=value|value|...`.
        /// - Throws: `AblationError.badAxis`.
        public init(_ text: String) throws {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let values =
                parts.count == 2
                ? parts[1].split(separator: "|", omittingEmptySubsequences: false).map(String.init) : []
            guard parts.count == 2, !parts[0].isEmpty, !values.contains(""), Set(values).count == values.count else {
                throw AblationError.badAxis(text)
            }
            key = parts[0]
            self.values = values
        }
    }

    /// One configuration: what is set otherwise, in the form `section.key=value`.
    public struct Cell: Hashable, Sendable {
        public let settings: [String]

        /// What it is called in tables.
        public var label: String { settings.isEmpty ? "as configured" : settings.joined(separator: ", ") }

        /// The folder of its runs: readable, and no two alike.
        public var folder: String {
            guard !settings.isEmpty else { return "as-configured" }
            let plain = settings.map { $0.split(separator: ".", maxSplits: 1).last.map(String.init) ?? $0 }
                .joined(separator: "-")
                .map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") ? String($0) : "-" }.joined()
            let digest = ContentDigest(of: settings.joined(separator: "\0")).hexadecimal.prefix(8)
            return "\(plain.prefix(48))-\(digest)"
        }
    }

    /// The most runs of one ablation.
    public static let runLimit = 1000

    public let cells: [Cell]
    public let seeds: [Int]

    /// - Parameter oneAtATime: the configuration itself first, and then each value of each key alone.
    /// - Throws: `AblationError` for a key that is named twice, that no grid can change, no seed, equal seeds, or too many runs.
    public init(_ axes: [Axis], seeds: [Int], oneAtATime: Bool) throws {
        for (index, axis) in axes.enumerated() {
            if axes[..<index].contains(where: { $0.key == axis.key }) { throw AblationError.keyTwice(axis.key) }
            let section = axis.key.prefix { $0 != "." }
            guard ["head", "training"].contains(section), axis.key != "head.start" else {
                throw AblationError.keyNotFree(axis.key)
            }
        }
        guard !seeds.isEmpty, Set(seeds).count == seeds.count, seeds.allSatisfy({ $0 >= 0 }) else {
            throw AblationError.badSeeds(seeds)
        }
        // Multiplied with care: a few axes of many values are more than any number.
        var count = oneAtATime ? 1 + axes.reduce(0) { $0 + $1.values.count } : 1
        if !oneAtATime {
            for axis in axes where count <= Self.runLimit { count *= axis.values.count }
        }
        guard count * seeds.count <= Self.runLimit else { throw AblationError.tooManyRuns(limit: Self.runLimit) }
        if oneAtATime {
            cells =
                [Cell(settings: [])]
                + axes.flatMap { axis in axis.values.map { Cell(settings: ["\(axis.key)=\($0)"]) } }
        } else {
            cells = axes.reduce([Cell(settings: [])]) { cells, axis in
                cells.flatMap { cell in axis.values.map { Cell(settings: cell.settings + ["\(axis.key)=\($0)"]) } }
            }
        }
        self.seeds = seeds
    }
}
