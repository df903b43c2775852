import CounterRandom
import DisentangledHead
import Foundation
import SeededNumbers
import Tensors
import Testing

/// A small problem in Double.
private struct Problem {
    let imageCount = 5
    let pixelCount = 7
    let channelCount = 6
    let classCount = 4
    var features: [Double] { normals(imageCount * pixelCount * channelCount, seed: 21) }
    var labels: [Int] { randomLabels(imageCount, classCount: classCount, seed: 22) }
    let sampleIDs = [3, 14, 15, 92, 65]

    func parameters(
        _ pooling: Pooling, map: ChannelMapKind = .riemannian, hasBias: Bool = false,
        sides: ChannelSides = .tied, distillation: Distillation? = nil, epsilon: Float? = nil,
        headTeaches: Bool = false, channelsPerImage: Int? = nil
    ) throws -> HeadParameters<Double> {
        let configuration = HeadConfiguration(
            channelMap: map, pooling: pooling, temperature: TemperatureSchedule(start: 0.7, end: 0.7), topK: 3,
            annealing: AnnealingSchedule(sharpness: 4, steps: 5), hasBias: hasBias,
            sides: sides, distillation: distillation,
            imageBudget: channelsPerImage.map { ImageBudget(channelsPerImage: $0, begin: 0, end: 0) })
        let teacher = try Classifier(
            weights: normals(classCount * channelCount, seed: 26).map { Float($0) }, bias: [0.5, -1, 0, 2], signs: .any,
            classCount: classCount, channelCount: channelCount)
        var parameters = try HeadParameters<Double>(
            configuration: configuration, channelCount: channelCount, classCount: classCount, seed: 5,
            classifier: .uniform,
            teacher: distillation == nil
                ? nil : headTeaches ? .head(teachingHead) : DistillationTeacher(teacher, epsilon: epsilon))
        if map == .riemannian {
            let generator = skew(randomMatrix(channelCount, scale: 0.5, seed: 23))
            try parameters.channelMap.setParameter(SquareMatrix.rotation(generator, team: alone), team: alone)
        } else if map != .identity {
            try parameters.channelMap.setParameter(randomMatrix(channelCount, scale: 0.5, seed: 23), team: alone)
        }
        if hasBias { parameters.bias = normals(classCount, seed: 24) }
        // At step 0 the annealed pooling is the mean.
        if pooling == .annealed { for _ in 0..<2 { try rest(&parameters) } }
        return parameters
    }

    /// A head whose logits a head can learn.
    var teachingHead: Head {
        get throws {
            let generator = skew(randomMatrix(channelCount, scale: 1, seed: 27))
            return try Head(
                channelMap: SquareMatrix.rotation(generator, team: alone).values.map { Float($0) },
                classifier: Classifier(
                    weights: normals(classCount * channelCount, seed: 26).map { Float(abs($0)) },
                    bias: [0.5, -1, 0, 2], classCount: classCount, channelCount: channelCount))
        }
    }

    /// A step that changes nothing but its number.
    func rest(_ parameters: inout HeadParameters<Double>) throws {
        try parameters.apply(
            channelMapGradient: Array(repeating: 0, count: parameters.channelMap.summandCount),
            classifierGradient: Array(repeating: 0, count: parameters.classifier.count),
            biasGradient: parameters.bias.map { $0.map { _ in 0 } }, channelMapLearningRate: 0,
            classifierLearningRate: 0, team: alone)
    }

    /// What the gradient has of the channel map, by central differences of U.
    func differencesOfMap(_ parameters: HeadParameters<Double>) throws -> [Double] {
        try parameters.channelMap.differences { values in
            var moved = parameters
            try moved.channelMap.setParameter(SquareMatrix(size: channelCount, values: values), team: alone)
            return try gradient(moved).lossSum
        }
    }

    /// dL/dA by central differences.
    func differencesOfClassifier(_ parameters: HeadParameters<Double>) throws -> [Double] {
        try centralDifferences(parameters.classifier) { values in
            var moved = parameters
            moved.classifier = values
            return try gradient(moved).lossSum
        }
    }

    func gradient(_ parameters: HeadParameters<Double>) throws -> GradientSum<Double> {
        try features.withUnsafeBufferPointer { features in
            try parameters.gradient(
                batch: FeatureBatch(
                    features: features.baseAddress!, imageCount: imageCount, pixelCount: pixelCount,
                    channelCount: channelCount),
                labels: labels, sampleIDs: sampleIDs, team: alone)
        }
    }
}

@Suite("Gradients against central differences")
struct GradientTests {
    private let problem = Problem()

    @Test("dL/dU", arguments: [Pooling.argmax, .gumbelSoft, .topk, .logsumexp, .average, .annealed])
    func channelMap(pooling: Pooling) throws {
        let parameters = try problem.parameters(pooling)
        let expected = try problem.differencesOfMap(parameters)
        let found = try #require(try problem.gradient(parameters).channelMap)
        #expect(relativeDifference(found.values, expected) < 1e-8)
    }

    @Test("dL/dA", arguments: Pooling.allCases)
    func classifier(pooling: Pooling) throws {
        let parameters = try problem.parameters(pooling)
        let expected = try problem.differencesOfClassifier(parameters)
        let found = try problem.gradient(parameters).classifier
        #expect(relativeDifference(found, expected) < 1e-8)
    }

    @Test(
        "dL/dU and dL/dA where each side has its weight, or only one counts",
        arguments: [Pooling.argmax, .gumbelSoft, .topk, .logsumexp, .average, .annealed],
        [ChannelSides.untied, .positive])
    func sides(pooling: Pooling, sides: ChannelSides) throws {
        let parameters = try problem.parameters(pooling, sides: sides)
        let found = try problem.gradient(parameters)
        let ofMap = try problem.differencesOfMap(parameters)
        #expect(relativeDifference(try #require(found.channelMap).values, ofMap) < 1e-8)
        let ofClassifier = try problem.differencesOfClassifier(parameters)
        #expect(found.classifier.count == problem.classCount * problem.channelCount * sides.valuesPerChannel)
        #expect(relativeDifference(found.classifier, ofClassifier) < 1e-8)
    }

    @Test(
        "Untied sides with the same weights are tied ones; with none for the negative side it plays no part",
        arguments: Pooling.allCases)
    func sidesAgree(pooling: Pooling) throws {
        let (C, D) = (problem.classCount, problem.channelCount)
        let (tied, positive) = try (problem.parameters(pooling), problem.parameters(pooling, sides: .positive))
        var untied = try problem.parameters(pooling, sides: .untied)
        func rows(_ values: [Double], _ side: Int) -> [Double] {
            (0..<C).flatMap { values[($0 * 2 + side) * D..<($0 * 2 + side + 1) * D] }
        }
        for (other, negativeFactor) in [(tied, 1.0), (positive, 0)] {
            untied.classifier = (0..<C).flatMap { label in
                let row = other.classifier[label * D..<(label + 1) * D]
                return row + row.map { negativeFactor * $0 }
            }
            let (expected, found) = try (problem.gradient(other), problem.gradient(untied))
            #expect(abs(found.lossSum - expected.lossSum) < 1e-12)
            #expect(
                relativeDifference(try #require(found.channelMap).values, try #require(expected.channelMap).values)
                    < 1e-12)
            let (high, low) = (rows(found.classifier, 0), rows(found.classifier, 1))
            #expect(relativeDifference(zip(high, low).map { $0 + negativeFactor * $1 }, expected.classifier) < 1e-12)
            #expect(low.contains { abs($0) > 1e-3 })
        }
        #expect(
            try abs(problem.gradient(tied).lossSum - problem.gradient(positive).lossSum) > 1e-3, "both are the same")
    }

    @Test(
        "dL/dU and dL/dA where only some channels of an image count",
        arguments: [Pooling.argmax, .annealed], ChannelSides.allCases)
    func channelsPerImage(pooling: Pooling, sides: ChannelSides) throws {
        var parameters = try problem.parameters(pooling, sides: sides, channelsPerImage: 2)
        parameters.classifier = normals(parameters.classifier.count, seed: 28).map { abs($0) }
        let found = try problem.gradient(parameters)
        let ofMap = try problem.differencesOfMap(parameters)
        #expect(relativeDifference(try #require(found.channelMap).values, ofMap) < 1e-8)
        let ofClassifier = try problem.differencesOfClassifier(parameters)
        #expect(relativeDifference(found.classifier, ofClassifier) < 1e-8)
        var all = try problem.parameters(pooling, sides: sides)
        all.classifier = parameters.classifier
        #expect(try abs(problem.gradient(all).lossSum - found.lossSum) > 1e-3)
    }

    @Test("dL/db", arguments: [Pooling.argmax, .annealed])
    func bias(pooling: Pooling) throws {
        let parameters = try problem.parameters(pooling, hasBias: true)
        let expected = try centralDifferences(try #require(parameters.bias)) { values in
            var moved = parameters
            moved.bias = values
            return try problem.gradient(moved).lossSum
        }
        let found = try #require(try problem.gradient(parameters).bias)
        #expect(relativeDifference(found, expected) < 1e-8)
        #expect(try problem.gradient(problem.parameters(pooling)).bias == nil)
    }

    @Test(
        "A number added to a channel's weights of all classes changes neither loss nor gradients",
        arguments: Pooling.allCases)
    func gauge(pooling: Pooling) throws {
        var parameters = try problem.parameters(
            pooling, hasBias: true, distillation: Distillation(weight: 0.5, temperature: 2))
        let expected = try problem.gradient(parameters)
        let shifts = normals(problem.channelCount, seed: 27)
        for index in parameters.classifier.indices {
            parameters.classifier[index] += 3 * shifts[index % problem.channelCount]
        }
        let found = try problem.gradient(parameters)
        #expect(abs(found.lossSum - expected.lossSum) < 1e-12)
        #expect(found.correctCount == expected.correctCount)
        #expect(
            relativeDifference(
                try #require(found.channelMap).values, try #require(expected.channelMap).values) < 1e-12)
        #expect(relativeDifference(found.classifier, expected.classifier) < 1e-12)
        #expect(relativeDifference(try #require(found.bias), try #require(expected.bias)) < 1e-12)
    }

    @Test("All gradients with distillation", arguments: zip([Float?.none, 1e-5, nil], [false, false, true]))
    func distillation(epsilon: Float?, headTeaches: Bool) throws {
        let parameters = try problem.parameters(
            .argmax, hasBias: true, distillation: Distillation(weight: 0.7, temperature: 2.5), epsilon: epsilon,
            headTeaches: headTeaches)
        let found = try problem.gradient(parameters)
        func loss(_ change: (inout HeadParameters<Double>) throws -> Void) throws -> Double {
            var moved = parameters
            try change(&moved)
            return try problem.gradient(moved).lossSum
        }
        let ofMap = try parameters.channelMap.differences { values in
            try loss {
                try $0.channelMap.setParameter(SquareMatrix(size: problem.channelCount, values: values), team: alone)
            }
        }
        #expect(relativeDifference(try #require(found.channelMap).values, ofMap) < 1e-8)
        let ofClassifier = try centralDifferences(parameters.classifier) { values in
            try loss { $0.classifier = values }
        }
        #expect(relativeDifference(found.classifier, ofClassifier) < 1e-8)
        let ofBias = try centralDifferences(try #require(parameters.bias)) { values in try loss { $0.bias = values } }
        #expect(relativeDifference(try #require(found.bias), ofBias) < 1e-8)
    }

    @Test(
        "The distilled loss is that of its formula, with a teacher that standardises or not",
        arguments: [Float?.none, 0.5])
    func distilledLoss(epsilon: Float?) throws {
        let (N, P, D, C) = (problem.imageCount, problem.pixelCount, problem.channelCount, problem.classCount)
        let (share, heat) = (0.25, 4.0)
        var parameters = try problem.parameters(
            .argmax, hasBias: true, distillation: Distillation(weight: share, temperature: heat), epsilon: epsilon)
        // The student's logits are its bias.
        parameters.classifier = Array(repeating: 0, count: C * D)
        let student = try #require(parameters.bias)
        let weights = normals(C * D, seed: 26).map { Double(Float($0)) }
        func softmax(_ logits: [Double], _ heat: Double) -> [Double] {
            let total = logits.reduce(0) { $0 + exp($1 / heat) }
            return logits.map { exp($0 / heat) / total }
        }
        var expected = 0.0
        for image in 0..<N {
            var mean = (0..<D).map { channel in
                (0..<P).reduce(0.0) { $0 + problem.features[(image * P + $1) * D + channel] } / Double(P)
            }
            if let epsilon {
                let centre = mean.reduce(0, +) / Double(D)
                let variance = mean.reduce(0) { $0 + ($1 - centre) * ($1 - centre) } / Double(D)
                mean = mean.map { ($0 - centre) / (variance + Double(epsilon)).squareRoot() }
            }
            let teacher = (0..<C).map { label in
                [0.5, -1, 0, 2][label] + dot(Array(weights[label * D..<(label + 1) * D]), mean)
            }
            let (p, q) = (softmax(teacher, heat), softmax(student, heat))
            expected += share * heat * heat * zip(p, q).reduce(0) { $0 + $1.0 * log($1.0 / $1.1) }
            expected -= (1 - share) * log(softmax(student, 1)[problem.labels[image]])
        }
        #expect(abs(try problem.gradient(parameters).lossSum - expected) < 1e-10)
    }

    @Test(
        "The logits of a head that teaches are its own, also while the student's pooling is another",
        arguments: [
            Pooling.argmax, .annealed,
        ])
    func teachingHead(pooling: Pooling) throws {
        let (N, P, D, C) = (problem.imageCount, problem.pixelCount, problem.channelCount, problem.classCount)
        let parameters = try problem.parameters(
            pooling, hasBias: true, distillation: Distillation(weight: 0.25, temperature: 4), headTeaches: true)
        let head = try problem.teachingHead
        let (map, weights) = (head.channelMap.map { Double($0) }, head.classifier.weights.map { Double($0) })
        var expected: [Double] = []
        for image in 0..<N {
            let pooled = (0..<D).map { channel in
                let activations = (0..<P).map { pixel in
                    (0..<D).reduce(0.0) {
                        $0 + problem.features[(image * P + pixel) * D + $1] * map[channel * D + $1]
                    }
                }
                return max(0, activations.max() ?? 0) + min(0, activations.min() ?? 0)
            }
            expected += (0..<C).map { [0.5, -1, 0, 2][$0] + dot(Array(weights[$0 * D..<($0 + 1) * D]), pooled) }
        }
        let features = problem.features
        let found = try features.withUnsafeBufferPointer { features in
            try #require(
                try parameters.teacherLogits(
                    FeatureBatch(features: features.baseAddress!, imageCount: N, pixelCount: P, channelCount: D),
                    team: alone))
        }
        #expect(relativeDifference(found, expected) < 1e-12)
        let own = try problem.gradient(parameters)
        let given = try features.withUnsafeBufferPointer { features in
            try parameters.gradient(
                batch: FeatureBatch(features: features.baseAddress!, imageCount: N, pixelCount: P, channelCount: D),
                labels: problem.labels, sampleIDs: problem.sampleIDs, teacherLogits: found, team: alone)
        }
        #expect(given.lossSum == own.lossSum && given.classifier == own.classifier)
    }

    @Test("Annealed pooling is the mean at first, then its formula, and in the end the deterministic maximum")
    func annealedPooling() throws {
        let (N, P, D) = (problem.imageCount, problem.pixelCount, problem.channelCount)
        var parameters = try problem.parameters(.annealed)
        let (map, features) = (parameters.channelMap.matrix.values, problem.features)
        func pooled(_ parameters: HeadParameters<Double>) throws -> any PooledBatch<Double> {
            let rule: any PoolingRule<Double> = parameters.configuration.poolingRule(step: parameters.step, seed: 5)
            return try features.withUnsafeBufferPointer { features in
                let batch = FeatureBatch(
                    features: features.baseAddress!, imageCount: N, pixelCount: P, channelCount: D)
                return try #require(
                    rule.pool(
                        batch, sampleIDs: problem.sampleIDs, channelMap: map, turned: nil, keepingIn: nil, team: alone))
            }
        }
        let found = try pooled(parameters).pooled
        let sharpness = try #require(parameters.configuration.annealing.sharpness(step: 2))
        for image in 0..<N {
            let rows = features[image * P * D..<(image + 1) * P * D]
            let scale = (rows.reduce(0) { $0 + $1 * $1 } / Double(P * D)).squareRoot()
            for channel in 0..<D {
                let activations = (0..<P).map { pixel in
                    (0..<D).reduce(0.0) { $0 + features[(image * P + pixel) * D + $1] * map[channel * D + $1] }
                }
                var expected = 0.0
                for sign in [1.0, -1] {
                    let values = activations.map { max(0, sign * $0) }
                    let weights = values.map { exp(sharpness * $0 / scale) }
                    expected += sign * dot(weights, values) / weights.reduce(0, +)
                }
                #expect(abs(found[image * D + channel] - expected) < 1e-12)
            }
        }
        var first: any PooledBatch<Double> = try pooled(
            HeadParameters(
                configuration: parameters.configuration, channelCount: D, classCount: problem.classCount, seed: 5,
                classifier: .uniform))
        var mean = try pooled(problem.parameters(.average))
        #expect(relativeDifference(first.pooled, mean.pooled) < 1e-12)
        let ofPooled = normals(N * D, seed: 25)
        features.withUnsafeBufferPointer { features in
            let batch = FeatureBatch(features: features.baseAddress!, imageCount: N, pixelCount: P, channelCount: D)
            let gradients = (
                first.channelMapGradient(ofPooled: ofPooled, rows: batch, turned: nil, team: alone),
                mean.channelMapGradient(ofPooled: ofPooled, rows: batch, turned: nil, team: alone)
            )
            #expect(relativeDifference(gradients.0.values, gradients.1.values) < 1e-12)
        }
        for _ in 0..<3 { try problem.rest(&parameters) }
        let last = try pooled(parameters)
        #expect(last is Extrema<Double>, "the sparse gradient from here on")
        #expect(try last.pooled == pooled(problem.parameters(.argmax)).pooled)
    }

    @Test("dL/dW through each parametrisation", arguments: [ChannelMapKind.exponential, .cayley])
    func parametrisation(map: ChannelMapKind) throws {
        let parameters = try problem.parameters(.argmax, map: map)
        let weight = try #require(parameters.channelMap.weight)
        let expected = try centralDifferences(weight.values) { values in
            var moved = parameters
            try moved.channelMap.setParameter(SquareMatrix(size: problem.channelCount, values: values), team: alone)
            return try problem.gradient(moved).lossSum
        }
        var copy = parameters
        let gradient = try #require(try problem.gradient(parameters).channelMap)
        let found = try copy.channelMap.weightGradient(gradient, step: nil, team: alone)
        #expect(relativeDifference(found.values, expected) < 1e-8)
    }

    @Test("Omega is the derivative along rotations of U")
    func riemannian() throws {
        let parameters = try problem.parameters(.argmax)
        let matrix = parameters.channelMap.matrix
        let gradient = try #require(try problem.gradient(parameters).channelMap)
        let omega = SquareMatrix(
            triangle: parameters.channelMap.summand(gradient, team: alone), size: problem.channelCount,
            symmetry: .skew, team: alone)
        for seed in UInt64(30)..<34 {
            let direction = skew(randomMatrix(problem.channelCount, scale: 1, seed: seed))
            let slope = try centralDifferences([0]) { time in
                let generator = SquareMatrix<Double>.combination(identity: 0, [(time[0], direction)], team: alone)
                var moved = parameters
                let rotation = SquareMatrix.rotation(generator, team: alone)
                try moved.channelMap.setParameter(SquareMatrix.product(rotation, matrix, team: alone), team: alone)
                return try problem.gradient(moved).lossSum
            }
            #expect(abs(slope[0] - dot(omega.values, direction.values)) < 1e-8 * max(1, abs(slope[0])))
        }
    }

    @Test("Straight-through: the forward pass is hard, the backward pass that of hard + soft - constant soft")
    func straightThrough() throws {
        let parameters = try problem.parameters(.gumbel)
        let sum = try problem.gradient(parameters)
        let base = surrogate(parameters, at: parameters.channelMap.matrix.values)
        let constants = base.weights
        #expect(abs(base.loss(hard: constants.hard, constantSoft: constants.soft) - sum.lossSum) < 1e-12)
        let expected = parameters.channelMap.differences { values in
            surrogate(parameters, at: values).loss(hard: constants.hard, constantSoft: constants.soft)
        }
        let found = try #require(sum.channelMap).values
        #expect(relativeDifference(found, expected) < 1e-8)
    }

    @Test("Soft Gumbel weights are those of the formula")
    func softGumbelForward() throws {
        let parameters = try problem.parameters(.gumbelSoft)
        let base = surrogate(parameters, at: parameters.channelMap.matrix.values)
        let zeros = base.weights.soft.map { _ in 0.0 }
        let loss = base.loss(hard: zeros, constantSoft: zeros)
        let found = try problem.gradient(parameters).lossSum
        #expect(abs(loss - found) < 1e-12)
    }

    /// Gumbel pooling written out: weights indexed by (image, branch, channel, pixel).
    private struct Surrogate {
        let problem: Problem
        let classifier: [Double]
        let activations: [Double]
        var weights: (hard: [Double], soft: [Double])

        /// Cross-entropy when the weights are hard + soft - constantSoft.
        func loss(hard: [Double], constantSoft: [Double]) -> Double {
            let (P, D, C) = (problem.pixelCount, problem.channelCount, problem.classCount)
            var total = 0.0
            for image in 0..<problem.imageCount {
                var logits = [Double](repeating: 0, count: C)
                for channel in 0..<D {
                    var pooled = 0.0
                    for pixel in 0..<P {
                        let activation = activations[(image * P + pixel) * D + channel]
                        for (branch, sign) in [1.0, -1].enumerated() {
                            let index = ((image * 2 + branch) * D + channel) * P + pixel
                            let weight = hard[index] + weights.soft[index] - constantSoft[index]
                            pooled += sign * weight * max(0, sign * activation)
                        }
                    }
                    for index in 0..<C { logits[index] += classifier[index * D + channel] * pooled }
                }
                total += log(logits.reduce(0) { $0 + exp($1) }) - logits[problem.labels[image]]
            }
            return total
        }
    }

    private func surrogate(_ parameters: HeadParameters<Double>, at channelMap: [Double]) -> Surrogate {
        let (P, D) = (problem.pixelCount, problem.channelCount)
        let features = problem.features
        let temperature = parameters.configuration.temperature.temperature(step: 0)
        var activations = [Double](repeating: 0, count: problem.imageCount * P * D)
        for row in 0..<problem.imageCount * P {
            for channel in 0..<D {
                for index in 0..<D {
                    activations[row * D + channel] += features[row * D + index] * channelMap[channel * D + index]
                }
            }
        }
        var hard: [Double] = []
        var soft: [Double] = []
        for image in 0..<problem.imageCount {
            for branch in 0..<2 {
                for channel in 0..<D {
                    let scores = (0..<P).map { pixel in
                        let block = Philox.block(
                            counter: SIMD4(
                                UInt32(channel), UInt32(problem.sampleIDs[image]), UInt32(pixel / 2) | 3 << 24, 0),
                            key: SIMD2(5, 0))
                        let uniform = (Double(block[pixel % 2 * 2 + branch] >> 9) + 0.5) / Double(1 << 23)
                        let activation = activations[(image * P + pixel) * D + channel]
                        return (branch == 0 ? activation : -activation) / temperature - log(-log(uniform))
                    }
                    let total = scores.reduce(0) { $0 + exp($1) }
                    let winner = scores.firstIndex(of: scores.max()!)!
                    soft += scores.map { exp($0) / total }
                    hard += scores.indices.map { $0 == winner ? 1 : 0 }
                }
            }
        }
        return Surrogate(
            problem: problem, classifier: parameters.classifier, activations: activations, weights: (hard, soft))
    }
}
