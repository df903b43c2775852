import CounterRandom
import DisentangledHead
import Foundation
import SeededNumbers
import Tensors
import Testing

@Suite("Evaluation")
struct HeadForwardTests {
    private func head(channels: Int, classes: Int) throws -> Head {
        let generator = skew(randomMatrix(channels, scale: 0.3, seed: 70))
        let rotation = SquareMatrix.rotation(generator, team: alone)
        return try Head(
            channelMap: rotation.values.map { Float($0) },
            classifier: normals(channels * classes, seed: 71).map { Float(abs($0)) }, channelCount: channels,
            classCount: classes)
    }

    @Test("Extrema, their pixels, v and logits are those of a naive loop", arguments: [1, 5, 16, 23])
    func naive(channels: Int) throws {
        let head = try head(channels: channels, classes: 3)
        let features = normalTensor([4, 2, 3, channels], seed: 72)
        let forward = try head.forward(features, team: three)
        for image in 0..<4 {
            var logits = [0.0, 0, 0]
            for channel in 0..<channels {
                let activations = (0..<6).map { pixel in
                    (0..<channels).reduce(0.0) {
                        $0 + Double(features.values[(image * 6 + pixel) * channels + $1])
                            * Double(head.channelMap[channel * channels + $1])
                    }
                }
                let (high, low) = (activations.max()!, activations.min()!)
                let index = image * channels + channel
                #expect(abs(Double(forward.pooled.maxima[index]) - high) < 1e-5)
                #expect(abs(Double(forward.pooled.minima[index]) - low) < 1e-5)
                #expect(Int(forward.pooled.maximumPixels[index]) == activations.firstIndex(of: high))
                #expect(Int(forward.pooled.minimumPixels[index]) == activations.firstIndex(of: low))
                let value = max(0, high) + min(0, low)
                #expect(abs(Double(forward.pooled.values[index]) - value) < 1e-5)
                for label in 0..<3 {
                    logits[label] += Double(head.classifier.weights[label * channels + channel]) * value
                }
            }
            #expect(relativeDifference(Array(forward.logits[image * 3..<image * 3 + 3]), logits) < 1e-5)
            #expect(forward.predictions()[image] == logits.firstIndex(of: logits.max()!))
        }
    }

    @Test(
        "Where sides are not tied, each has its weight or the negative one none, and contributions add up",
        arguments: ChannelSides.allCases)
    func sides(_ sides: ChannelSides) throws {
        let (channels, classes) = (11, 3)
        let tied = try head(channels: channels, classes: classes)
        let columns = channels * sides.valuesPerChannel
        let weights = normals(classes * columns, seed: 76).map { Float(abs($0)) }
        let head = try Head(
            channelMap: tied.channelMap,
            classifier: Classifier(
                weights: weights, bias: [0.5, -1, 2], classCount: classes, channelCount: columns), sides: sides)
        #expect(head.channelCount == channels)
        let features = normalTensor([4, 2, 3, channels], seed: 72)
        let (forward, expected) = try (head.forward(features, team: three), tied.forward(features, team: alone))
        let pooled = forward.pooled
        #expect(pooled.maxima == expected.pooled.maxima && pooled.minima == expected.pooled.minima)
        #expect(pooled.values.count == 4 * columns)
        for image in 0..<4 {
            for label in 0..<classes {
                var logit = Double(head.classifier.offset(of: label))
                var sum = logit
                for channel in 0..<channels {
                    let high = max(0, Double(pooled.maxima[image * channels + channel]))
                    let low = min(0, Double(pooled.minima[image * channels + channel]))
                    let positive = Double(weights[label * columns + channel])
                    let negative =
                        switch sides {
                        case .tied: positive
                        case .untied: Double(weights[label * columns + channels + channel])
                        case .positive: 0.0
                        }
                    #expect(Double(head.positiveWeight(of: channel, for: label)) == positive)
                    #expect(Double(head.negativeWeight(of: channel, for: label)) == negative)
                    let contribution = head.contribution(of: channel, to: label, pooled: pooled, image: image)
                    #expect(abs(Double(contribution) - positive * high - negative * low) < 1e-5)
                    logit += positive * high + negative * low
                    sum += Double(contribution)
                }
                #expect(abs(Double(forward.logits[image * classes + label]) - logit) < 1e-4)
                #expect(abs(sum - logit) < 1e-4)
            }
        }
    }

    @Test("A classifier that has not the columns for the sides is refused")
    func columnsOfSides() throws {
        func make(_ columns: Int, _ sides: ChannelSides) throws {
            let classifier = try Classifier(
                weights: Array(repeating: 1, count: columns), classCount: 1, channelCount: columns)
            _ = try Head(channelMap: [1, 0, 0, 1], classifier: classifier, sides: sides)
        }
        for (columns, sides) in [(2, ChannelSides.tied), (2, .positive), (4, .untied)] { try make(columns, sides) }
        #expect(throws: HeadError.shapeMismatch(tensor: "classifier", expected: [1, 2], found: [1, 3])) {
            try make(3, .untied)
        }
        #expect(throws: HeadError.shapeMismatch(tensor: "channel_map", expected: [1, 1], found: [4])) {
            try make(2, .untied)
        }
        #expect(throws: HeadError.shapeMismatch(tensor: "channel_map", expected: [4, 4], found: [4])) {
            try make(4, .tied)
        }
    }

    @Test("Of equal activations the lowest pixel wins")
    func ties() throws {
        let head = try Head(channelMap: [1, 0, 0, 1], classifier: [1, 1], channelCount: 2, classCount: 1)
        let features = Tensor(shape: [1, 4, 2], values: [1, 5, 3, 5, 3, -1, 0, -1])
        let pooled = try head.pooledActivations(features, team: alone)
        #expect(pooled.maximumPixels == [1, 0] && pooled.minimumPixels == [3, 2])
        #expect(pooled.maxima == [3, 5] && pooled.minima == [0, -1] && pooled.values == [3, 4])
    }

    @Test(
        "An image has the same bits alone, at any place of any batch, and with any number of workers",
        arguments: [(8, 9, 3), (72, 49, 70), (100, 64, 5), (256, 64, 50), (530, 49, 11), (768, 196, 10)])
    func batchComposition(channels: Int, pixels: Int, classes: Int) throws {
        let head = try head(channels: min(channels, 100), classes: 1)
        let wide = try Head(
            channelMap: channels <= 100
                ? head.channelMap : normals(channels * channels, seed: 73).map { Float($0) * 0.04 },
            classifier: normals(channels * classes, seed: 74).map { Float(abs($0)) }, channelCount: channels,
            classCount: classes)
        let imageCount = 13
        let features = normalTensor([imageCount, pixels, channels], seed: 75)
        let batch = try wide.forward(features, team: three)
        let all = try wide.activations(features, team: alone)
        for image in [0, 4, 7, 12] {
            let size = pixels * channels
            let one = Tensor(
                shape: [1, pixels, channels], values: Array(features.values[image * size..<(image + 1) * size]))
            let alone = try wide.forward(one, team: alone)
            let range = image * channels..<(image + 1) * channels
            #expect(alone.pooled.maxima == Array(batch.pooled.maxima[range]))
            #expect(alone.pooled.minima == Array(batch.pooled.minima[range]))
            #expect(alone.pooled.maximumPixels == Array(batch.pooled.maximumPixels[range]))
            #expect(alone.pooled.minimumPixels == Array(batch.pooled.minimumPixels[range]))
            #expect(alone.logits == Array(batch.logits[image * classes..<(image + 1) * classes]))
            let activations = try wide.activations(one, team: three).values
            #expect(activations == Array(all.values[image * size..<(image + 1) * size]))
            for channel in 0..<channels {
                let pixel = Int(alone.pooled.maximumPixels[channel])
                #expect(activations[pixel * channels + channel] == alone.pooled.maxima[channel])
            }
        }
    }

    @Test("A stored head is checked: sizes, finite entries, signs")
    func validation() throws {
        #expect(throws: HeadError.shapeMismatch(tensor: "channel_map", expected: [2, 2], found: [3])) {
            try Head(channelMap: [1, 0, 0], classifier: [1, 1], channelCount: 2, classCount: 1)
        }
        #expect(throws: HeadError.shapeMismatch(tensor: "classifier", expected: [1, 2], found: [1])) {
            try Head(channelMap: [1, 0, 0, 1], classifier: [1], channelCount: 2, classCount: 1)
        }
        #expect(throws: HeadError.notFinite(tensor: "channel_map", step: nil)) {
            try Head(channelMap: [1, .nan, 0, 1], classifier: [1, 1], channelCount: 2, classCount: 1)
        }
        let error = #expect(throws: HeadError.self) {
            try Head(channelMap: [1, 0, 0, 1], classifier: [1, -0.5], channelCount: 2, classCount: 1)
        }
        #expect(error == .negativeClassifier(row: 0, column: 1, value: -0.5))
        let head = try Head(channelMap: [1, 0, 0, 1], classifier: [1, 1], channelCount: 2, classCount: 1)
        #expect(throws: HeadError.notFinite(tensor: "features", step: nil)) {
            try head.forward(Tensor(shape: [1, 1, 2], values: [1, .nan]), team: alone)
        }
        #expect(throws: HeadError.self) { try head.forward(Tensor(zeros: [1, 2]), team: alone) }
        let nothing = try head.forward(Tensor(zeros: [0, 3, 2]), team: alone)
        #expect(nothing.logits.isEmpty && nothing.predictions().isEmpty)
    }
}

@Suite("Pooling noise")
struct PoolingNoiseTests {
    @Test("Eight counters at once give Philox's blocks")
    func blocks() {
        for (seed, step, sample, channel, pair) in [
            (UInt64(0), 0, 0, 0, 0), (0xDEAD_BEEF_0123_4567, 77, 1_281_166, 2040, 24), (.max, 1 << 20, 5, 8, 97),
        ] {
            let words = PoolingNoise(seed: seed, step: step).words(
                sampleID: sample, firstChannel: channel, pixelPair: pair)
            for lane in 0..<8 {
                let block = Philox.block(
                    counter: SIMD4(
                        UInt32(channel + lane), UInt32(sample),
                        UInt32(pair) | RandomStream.Purpose.poolingNoise.rawValue << 24, UInt32(step)),
                    key: SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32)))
                #expect(SIMD4(words.0[lane], words.1[lane], words.2[lane], words.3[lane]) == block)
            }
        }
    }

    @Test("-ln(-ln u) has the mean and variance of the Gumbel distribution")
    func moments() {
        let noise = PoolingNoise(seed: 3, step: 4)
        var values: [Double] = []
        for sample in 0..<100 {
            for pair in 0..<64 {
                let words = noise.words(sampleID: sample, firstChannel: 16, pixelPair: pair)
                for group in [words.0, words.1, words.2, words.3] {
                    let logarithm = Float.logarithm(-Float.logarithm(Float.openUniform(group)))
                    for lane in 0..<8 { values.append(-Double(logarithm[lane])) }
                }
            }
        }
        let count = Double(values.count)
        let mean = values.reduce(0, +) / count
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
        // 204,800 draws: three standard errors are 0.0085 and 0.033.
        #expect(abs(mean - 0.577_216) < 0.0085)
        #expect(abs(variance - .pi * .pi / 6) < 0.033)
    }

    @Test("Straight-through draws pixels with the probabilities of softmax(J / tau)")
    func frequencies() throws {
        let pixels = [0.5, -1, 1.5, 0.25]
        let temperature = 0.8
        let total = pixels.reduce(0) { $0 + exp($1 / temperature) }
        let expected = pixels.reduce(0) { $0 + exp($1 / temperature) / total * max(0, $1) }
        let expectedNegative = exp(1 / temperature) / pixels.reduce(0) { $0 + exp(-$1 / temperature) }
        // Many images of one channel, all alike; only their sample ids differ.
        let count = 40_000
        let features = Tensor(
            shape: [count, 4, 1], values: (0..<count * 4).map { Float(pixels[$0 % 4]) })
        let pooling = SurrogatePooling<Float>(
            pooling: .gumbel, temperature: temperature, topK: 1, noise: PoolingNoise(seed: 1, step: 2))
        let values = features.values.withUnsafeBufferPointer { buffer in
            FeatureBatch(features: buffer.baseAddress!, imageCount: count, pixelCount: 4, channelCount: 1)
                .surrogatePool(pooling, sampleIDs: Array(0..<count), channelMap: [1], team: three)!.values
        }
        let mean = values.reduce(0) { $0 + Double($1) } / Double(count)
        // Standard error below 0.005.
        #expect(abs(mean - (expected - expectedNegative)) < 0.02)
    }

    @Test("A sample's noise depends on neither its place in the batch nor the number of workers")
    func order() throws {
        let features = normalTensor([9, 10, 21], seed: 80)
        let ids = [4, 8, 15, 16, 23, 42, 108, 7, 0]
        let pooling = SurrogatePooling<Float>(
            pooling: .gumbelSoft, temperature: 0.5, topK: 1, noise: PoolingNoise(seed: 1, step: 2))
        let map = SquareMatrix<Float>(identity: 21).values
        func pool(_ order: [Int], _ team: WorkerTeam) -> SurrogatePool<Float> {
            let values = order.flatMap { features.values[$0 * 210..<($0 + 1) * 210] }
            return values.withUnsafeBufferPointer { buffer in
                FeatureBatch(features: buffer.baseAddress!, imageCount: order.count, pixelCount: 10, channelCount: 21)
                    .surrogatePool(pooling, sampleIDs: order.map { ids[$0] }, channelMap: map, team: team)!
            }
        }
        let forwards = pool(Array(0..<9), alone)
        let backwards = pool(Array((0..<9).reversed()), three)
        for image in 0..<9 {
            let place = 8 - image
            #expect(
                forwards.values[image * 21..<(image + 1) * 21] == backwards.values[place * 21..<(place + 1) * 21])
            #expect(
                forwards.derivatives[image * 210..<(image + 1) * 210]
                    == backwards.derivatives[place * 210..<(place + 1) * 210])
        }
        let other = pool([0, 0], alone)
        #expect(other.values[0..<21] == other.values[21..<42])
        #expect(other.values[0..<21] == forwards.values[0..<21])
    }

    @Test("As tau falls, Gumbel pooling becomes the deterministic one")
    func limit() throws {
        let features = normalTensor([6, 12, 16], seed: 81)
        let map = SquareMatrix<Float>(identity: 16).values
        features.values.withUnsafeBufferPointer { buffer in
            let batch = FeatureBatch(features: buffer.baseAddress!, imageCount: 6, pixelCount: 12, channelCount: 16)
            let extrema = batch.extrema(channelMap: map, team: alone)!.pooledValues()
            for kind in [Pooling.gumbel, .gumbelSoft] {
                let pooling = SurrogatePooling<Float>(
                    pooling: kind, temperature: 1e-5, topK: 1, noise: PoolingNoise(seed: 1, step: 2))
                let pool = batch.surrogatePool(pooling, sampleIDs: Array(0..<6), channelMap: map, team: alone)!
                #expect(relativeDifference(pool.values, extrema.map { Double($0) }) < 1e-6)
            }
        }
    }
}
