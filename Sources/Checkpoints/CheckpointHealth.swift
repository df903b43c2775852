import ElementaryFunctions

/// What can be measured on a head: U [D, D] and A [C, D], or [C, 2 D] with a weight for each side of a channel.
public struct CheckpointHealth: Equatable, Codable, Sendable {
    public let channelCount: Int
    public let classCount: Int
    /// D or 2 D.
    public let weightsPerClass: Int
    /// max|U^T U - I|.
    public let orthogonalityError: Double
    /// The smallest weight of the classifier.
    public let smallestWeight: Float
    /// The share of the classifier's weights that are exactly 0, in 0...1.
    public let zeroShare: Double
    /// Channels that no class uses.
    public let deadChannels: [Int]
    /// Channels, dead ones aside, for which another is used by the classes in the same proportions: the cosine of their
    /// columns of A (of both sides' columns, one below the other) is above `duplicateCosine`. Rows of U cannot be alike: they
    /// are orthogonal.
    public let duplicateChannels: [Int]
    /// Some pairs of such channels, at most `listedPairLimit`.
    public let duplicatePairs: [DuplicatePair]
    /// For each class, how many weights are above `usedFraction` of its largest.
    public let channelsPerClass: Summary
    /// For each class, exp of the entropy of its weights: how many channels of equal weight would be as spread.
    public let effectiveChannelsPerClass: Summary
    /// How the bias is spread over the classes; nil for a head without one.
    public let bias: Summary?
    /// For each class, how many weights its mask keeps; nil for a head without a mask.
    public let keptPerClass: Summary?

    /// The cosine above which two channels count as duplicates.
    public static let duplicateCosine = 0.999
    /// A class uses a channel whose weight is above this fraction of the class's largest.
    public static let usedFraction: Float = 1e-3
    /// How many pairs of duplicates are listed.
    public static let listedPairLimit = 10

    /// Two channels whose columns of A are alike.
    public struct DuplicatePair: Equatable, Codable, Sendable {
        public let first: Int
        public let second: Int
        public let cosine: Double
    }

    /// How a number is spread over the classes. All are 0 when there is no class.
    public struct Summary: Equatable, Codable, Sendable {
        public let minimum: Double
        public let median: Double
        public let maximum: Double

        init(_ values: [Double]) {
            let sorted = values.sorted()
            minimum = sorted.first ?? 0
            maximum = sorted.last ?? 0
            median = sorted.isEmpty ? 0 : (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
        }
    }

    /// Measures a checkpoint's head. Takes C D^2 multiplications.
    public init(of checkpoint: Checkpoint) {
        self.init(
            classifier: checkpoint.classifier, bias: checkpoint.bias, mask: checkpoint.mask,
            classCount: checkpoint.classCount, weightsPerClass: checkpoint.weightsPerClass,
            channelCount: checkpoint.channelCount, orthogonalityError: checkpoint.orthogonalityError)
    }

    /// Measures U [D, D], A [C, D] and b [C], all finite.
    public init(channelMap: [Float], classifier: [Float], bias: [Float]? = nil, channelCount: Int) {
        precondition(channelMap.count == channelCount * channelCount, "a channel map is [D, D]")
        precondition(channelCount > 0 && classifier.count % channelCount == 0, "a classifier is [C, D]")
        self.init(
            classifier: classifier, bias: bias, mask: nil, classCount: classifier.count / channelCount,
            weightsPerClass: channelCount, channelCount: channelCount,
            orthogonalityError: ColumnProducts.orthogonalityError(of: channelMap, side: channelCount))
    }

    private init(
        classifier: [Float], bias: [Float]?, mask: [Bool]?, classCount: Int, weightsPerClass: Int,
        channelCount: Int, orthogonalityError: Double
    ) {
        self.channelCount = channelCount
        self.classCount = classCount
        self.weightsPerClass = weightsPerClass
        self.orthogonalityError = orthogonalityError
        smallestWeight = classifier.min() ?? 0
        zeroShare = classifier.isEmpty ? 1 : Double(classifier.count { $0 == 0 }) / Double(classifier.count)
        let rows = (0..<classCount).map { classifier[$0 * weightsPerClass..<($0 + 1) * weightsPerClass] }
        let squares = rows.reduce(into: [Double](repeating: 0, count: channelCount)) { sums, row in
            for (index, weight) in zip(0..., row) { sums[index % channelCount] += Double(weight) * Double(weight) }
        }
        deadChannels = squares.indices.filter { squares[$0] == 0 }
        (duplicateChannels, duplicatePairs) = Self.duplicates(
            classifier, rowCount: classCount * weightsPerClass / channelCount, squares)
        channelsPerClass = Summary(
            rows.map { row in
                let largest = row.max() ?? 0
                return largest > 0 ? Double(row.count { $0 > Self.usedFraction * largest }) : 0
            })
        effectiveChannelsPerClass = Summary(rows.map(Self.effectiveCount))
        self.bias = bias.map { Summary($0.map(Double.init)) }
        keptPerClass = mask.map { mask in
            Summary(
                (0..<classCount).map { label in
                    Double(mask[label * weightsPerClass..<(label + 1) * weightsPerClass].count { $0 })
                })
        }
    }

    /// Of weights [rows, D], a row for each side of a class.
    private static func duplicates(
        _ classifier: [Float], rowCount: Int, _ squares: [Double]
    ) -> ([Int], [DuplicatePair]) {
        let channelCount = squares.count
        let norms = squares.map { $0.squareRoot() }
        var columns = classifier
        for row in 0..<rowCount {
            for channel in 0..<channelCount where norms[channel] > 0 {
                let index = row * channelCount + channel
                columns[index] = Float(Double(columns[index]) / norms[channel])
            }
        }
        let found = ColumnProducts.fold(
            columns, rows: rowCount, columns: channelCount, initial: (channels: Set<Int>(), pairs: [DuplicatePair]())
        ) { found, first, second, cosine in
            guard first < second, cosine > duplicateCosine else { return }
            found.channels.formUnion([first, second])
            if found.pairs.count < listedPairLimit {
                found.pairs.append(DuplicatePair(first: first, second: second, cosine: min(1, cosine)))
            }
        }
        let channels = found.reduce(into: Set<Int>()) { $0.formUnion($1.channels) }
        let pairs = found.flatMap(\.pairs).sorted { ($0.first, $0.second) < ($1.first, $1.second) }
        return (channels.sorted(), Array(pairs.prefix(listedPairLimit)))
    }

    /// exp(-sum p log p) with p the positive weights over their sum; 0 when there are none.
    private static func effectiveCount(_ weights: ArraySlice<Float>) -> Double {
        let positive = weights.filter { $0 > 0 }.map(Double.init)
        let sum = positive.reduce(0, +)
        guard sum > 0 else { return 0 }
        return exponential(positive.reduce(0) { $0 - $1 / sum * logarithm($1 / sum) })
    }
}
