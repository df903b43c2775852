import DisentangledHead
import Foundation
import SeededNumbers
import Tensors
import Testing

@Suite("Terms of the loss that want pure channels")
struct PurityTests {
    private let images = 3
    private let pixels = 7
    private let channels = 10
    /// Away from 0, where |J| ln |J| bends so much that differences say little.
    private var features: [Double] {
        normals(images * pixels * channels, seed: 51).map { $0 < 0 ? $0 - 0.3 : $0 + 0.3 }
    }
    /// Not orthogonal, which the terms do not ask for.
    private var map: [Double] { normals(channels * channels, seed: 52) }

    private func withBatch<Scalar: HeadScalar, Result>(
        _ features: [Scalar], images: Int? = nil, pixels: Int? = nil, channels: Int? = nil,
        _ body: (FeatureBatch<Scalar>) throws -> Result
    ) rethrows -> Result {
        try features.withUnsafeBufferPointer {
            try body(
                FeatureBatch(
                    features: $0.baseAddress!, imageCount: images ?? self.images, pixelCount: pixels ?? self.pixels,
                    channelCount: channels ?? self.channels))
        }
    }

    /// The entropy's term of activations J [N, P, D] as its formula is written.
    private func entropy(_ activations: [Double], weights: [Double], _ sides: ChannelSides) -> Double {
        let branches: [(Double) -> Double] =
            switch sides {
            case .tied: [abs]
            case .positive: [{ max(0, $0) }]
            case .untied: [{ max(0, $0) }, { max(0, -$0) }]
            }
        var sum = 0.0
        for image in 0..<images {
            for (side, branch) in branches.enumerated() {
                for channel in 0..<channels {
                    let values = (0..<pixels).map { branch(activations[(image * pixels + $0) * channels + channel]) }
                    let total = values.reduce(0, +)
                    let terms = values.map { $0 > 0 ? -$0 / total * log($0 / total) : 0 }
                    let weight = weights[(image * branches.count + side) * channels + channel]
                    sum += weight * terms.reduce(0, +) / log(Double(pixels))
                }
            }
        }
        return sum
    }

    @Test(
        "The entropy is that of its formula, and its gradient that of central differences",
        arguments: ChannelSides.allCases)
    func spatialEntropy(sides: ChannelSides) throws {
        let weights = normals(images * channels * sides.valuesPerChannel, seed: 53).map { abs($0) }
        let identity = SquareMatrix<Double>(identity: channels).values
        let found = try withBatch(features) {
            try #require($0.spatialEntropy(channelMap: identity, weights: weights, sides: sides, team: three))
        }
        #expect(abs(found.sum - entropy(features, weights: weights, sides)) < 1e-12)
        let expected = centralDifferences(features) { entropy($0, weights: weights, sides) }
        #expect(relativeDifference(found.gradient, expected) < 1e-8)
        // In single precision and through a map the activations are other ones, and the term the same function of them.
        let (map, narrow) = (map.map { Float($0) }, features.map { Float($0) })
        let single = try withBatch(narrow) {
            try #require(
                $0.spatialEntropy(channelMap: map, weights: weights.map { Float($0) }, sides: sides, team: three))
        }
        let activations = try withBatch(narrow) { try #require($0.activations(channelMap: map, team: alone)) }
        #expect(abs(single.sum / entropy(activations.map { Double($0) }, weights: weights, sides) - 1) < 1e-5)
    }

    @Test("A channel that fires at one pixel has none, one that fires alike everywhere all, and a silent one none")
    func extremesOfEntropy() throws {
        // Of one image, channels by pixels: one place, everywhere, two opposite places, nowhere.
        let places: [[Double]] = [[0, 0, 3, 0], [2, 2, 2, 2], [1, 0, 0, -1], [0, 0, 0, 0]]
        let features = (0..<4).flatMap { pixel in places.map { $0[pixel] } }
        for (sides, expected) in [
            (ChannelSides.tied, [0, 1, 0.5, 0.0]), (.positive, [0, 1, 0, 0]), (.untied, [0, 1, 0, 0]),
        ] {
            for channel in 0..<4 {
                var weights = [Double](repeating: 0, count: 4 * sides.valuesPerChannel)
                for side in 0..<sides.valuesPerChannel { weights[side * 4 + channel] = 1 }
                let found = try withBatch(features, images: 1, pixels: 4, channels: 4) {
                    try #require(
                        $0.spatialEntropy(
                            channelMap: SquareMatrix(identity: 4).values, weights: weights, sides: sides, team: alone))
                }
                #expect(abs(found.sum - expected[channel]) < 1e-12, "\(sides) \(channel)")
                #expect(found.gradient.allSatisfy { $0.isFinite })
            }
        }
    }

    /// The correlation as its formula is written, of v [N, E].
    private func correlation(_ values: [Double], images: Int) -> Double {
        let count = values.count / images
        let means = (0..<count).map { channel in
            (0..<images).reduce(0.0) { $0 + values[$1 * count + channel] } / Double(images)
        }
        var (off, trace) = (0.0, 0.0)
        for k in 0..<count {
            for l in 0..<count {
                let covariance = (0..<images).reduce(0.0) {
                    $0 + (values[$1 * count + k] - means[k]) * (values[$1 * count + l] - means[l])
                }
                if k == l { trace += covariance } else { off += covariance * covariance }
            }
        }
        return off / (trace * trace)
    }

    @Test(
        "The correlation is that of its formula, and its gradient that of central differences", arguments: [2, 5, 20])
    func decorrelation(images: Int) {
        let values = normals(images * 6, seed: 54).map { $0 + 2 }
        let found = ChannelDecorrelation.term(of: values, imageCount: images, factor: 3, team: three)
        #expect(abs(found.value - 3 * correlation(values, images: images)) < 1e-12)
        let expected = centralDifferences(values) { 3 * correlation($0, images: images) }
        #expect(relativeDifference(found.gradient, expected) < 1e-8)
        let single = ChannelDecorrelation.term(
            of: values.map { Float($0) }, imageCount: images, factor: 3, team: three)
        #expect(abs(single.value / found.value - 1) < 1e-5)
        #expect(relativeDifference(single.gradient, found.gradient) < 1e-5)
    }

    @Test("Channels that vary each for itself are not correlated, and images that are all the same say nothing")
    func extremesOfCorrelation() {
        let alone4: [Double] = [1, 1, 1, -1, -1, 1, -1, -1]
        let apart = ChannelDecorrelation.term(of: alone4, imageCount: 4, factor: 1, team: alone)
        #expect(apart.value == 0 && apart.gradient.allSatisfy { $0 == 0 })
        let together = ChannelDecorrelation.term(
            of: [1.0, 1, -1, -1, 2, 2, -2, -2], imageCount: 4, factor: 1, team: alone)
        #expect(abs(together.value - 0.5) < 1e-12)
        let row = normals(9, seed: 55).map { Float($0) }
        let same = ChannelDecorrelation.term(of: row + row + row, imageCount: 3, factor: 1, team: alone)
        #expect(same.value == 0 && same.gradient.allSatisfy { $0 == 0 })
    }

    private func parameters(
        _ purity: ChannelPurity?, pooling: Pooling = .argmax, sides: ChannelSides = .tied
    ) throws -> HeadParameters<Float> {
        try HeadParameters<Float>(
            configuration: HeadConfiguration(pooling: pooling, sides: sides, purity: purity), channelCount: channels,
            classCount: 3, seed: 5, classifier: .uniform)
    }

    private func gradient(
        _ parameters: HeadParameters<Float>, _ features: [Float], images: Int? = nil, pixels: Int? = nil,
        team: WorkerTeam = alone
    ) throws -> GradientSum<Float> {
        let count = images ?? self.images
        return try withBatch(features, images: count, pixels: pixels) {
            try parameters.gradient(
                batch: $0, labels: (0..<count).map { $0 % 3 }, sampleIDs: Array(0..<count), team: team)
        }
    }

    @Test(
        "The terms are means over the images, pull on U alone, and have the same bits for any number of workers",
        arguments: [Pooling.argmax, .annealed], ChannelSides.allCases)
    func parts(pooling: Pooling, sides: ChannelSides) throws {
        let features = features.map { Float($0) }
        let plain = try gradient(parameters(nil, pooling: pooling, sides: sides), features)
        let none = try gradient(parameters(ChannelPurity(), pooling: pooling, sides: sides), features)
        #expect(none.lossSum == plain.lossSum && none.channelMap == plain.channelMap)
        for purity in [ChannelPurity(spatialEntropy: 0.5), ChannelPurity(decorrelation: 0.5)] {
            let parameters = try parameters(purity, pooling: pooling, sides: sides)
            let found = try gradient(parameters, features)
            let term = (found.lossSum - plain.lossSum) / Double(images)
            #expect(term > 0 && term < 0.5)
            #expect(found.classifier == plain.classifier && found.correctCount == plain.correctCount)
            #expect(found.channelMap != plain.channelMap)
            let shared = try gradient(parameters, features, team: three)
            #expect(shared.lossSum == found.lossSum && shared.channelMap == found.channelMap)
        }
    }

    @Test(
        "Where only some channels are turned, the gradient is that part of the whole one",
        arguments: ChannelSides.allCases)
    func turnedChannels(sides: ChannelSides) throws {
        let features = features.map { Float($0) }
        let turned = [1, 4, 8]
        let purity = ChannelPurity(spatialEntropy: 0.5, decorrelation: 0.5)
        let whole = try parameters(purity, sides: sides)
        let part = try HeadParameters<Float>(
            configuration: whole.configuration, channelCount: channels, classCount: 3, seed: 5, classifier: .uniform,
            turning: turned)
        let (expected, found) = try (gradient(whole, features), gradient(part, features))
        #expect(abs(found.lossSum - expected.lossSum) < 1e-5)
        let matrix = try #require(expected.channelMap)
        let values = turned.flatMap { row in turned.map { matrix.values[row * channels + $0] } }
        #expect(relativeDifference(try #require(found.channelMap).values, values.map { Double($0) }) < 1e-5)
    }

    @Test("One image, one pixel or no features leave nothing to say, and a feature that is not finite is named")
    func degenerateBatches() throws {
        let pure = try parameters(ChannelPurity(spatialEntropy: 1, decorrelation: 1))
        let plain = try parameters(nil)
        let features = features.map { Float($0) }
        let one = try (gradient(pure, features, pixels: 1), gradient(plain, features, pixels: 1))
        #expect(one.0.lossSum > one.1.lossSum, "the decorrelation is left")
        let single = try gradient(pure, Array(features.prefix(channels)), images: 1, pixels: 1)
        let expected = try gradient(plain, Array(features.prefix(channels)), images: 1, pixels: 1)
        #expect(single.lossSum == expected.lossSum && single.channelMap == expected.channelMap)
        for scale in [Float(0), 1e-30, Float.leastNormalMagnitude / 1024] {
            let faint = try gradient(pure, features.map { $0 * scale })
            #expect(faint.lossSum.isFinite && faint.channelMap?.values.allSatisfy { $0.isFinite } ?? false, "\(scale)")
        }
        var broken = features
        broken[7] = .nan
        #expect(throws: HeadError.notFinite(tensor: "features", step: 0)) { try gradient(pure, broken) }
    }
}
