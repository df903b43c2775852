import CounterRandom
public import Tensors

/// Uniform random numbers in [0, 1): what any method has to beat. A function of seed, image and class.
public struct RandomAttribution: AttributionMethod {
    private let seed: UInt64
    private let channelCount: Int

    /// - Parameter channelCount: D of the feature maps it will be given.
    public init(seed: UInt64, channelCount: Int) {
        self.seed = seed
        self.channelCount = channelCount
    }

    public var name: String { "random" }

    public func maps(of features: Tensor, sample: Int, for labels: [Int], team: WorkerTeam) throws -> [PlaceMap] {
        let size = try features.mapSize(channelCount: channelCount)
        return labels.map { label in
            var stream = RandomStream(seed: seed, purpose: .attribution, sample, label)
            return PlaceMap(size: size, values: (0..<size.area).map { _ in Float(stream.nextWord() >> 8) * 0x1p-24 })
        }
    }
}
