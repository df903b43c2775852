import DisentangledHead
import Foundation
import SeededNumbers
import Tensors
import Testing

@Suite("A channel map that turns some channels only")
struct TurnedChannelsTests {
    private func configuration(
        _ map: ChannelMapKind = .riemannian, _ pooling: Pooling = .argmax, sides: ChannelSides = .tied,
        hasBias: Bool = false, optimizer: OptimizerConfiguration.Kind = .adam
    ) -> HeadConfiguration {
        HeadConfiguration(
            channelMap: map, pooling: pooling, temperature: TemperatureSchedule(start: 0.7, end: 0.7), topK: 3,
            annealing: AnnealingSchedule(sharpness: 4, steps: 5), hasBias: hasBias, sides: sides,
            optimizer: OptimizerConfiguration(kind: optimizer))
    }

    private func advance(_ trainer: inout HeadTrainer, images: Int, team: WorkerTeam) throws {
        let features = normalTensor([images, 9, trainer.channelCount], seed: 40, trainer.step)
        var gradient = try trainer.gradient(
            features: features,
            labels: randomLabels(images, classCount: trainer.classCount, seed: UInt64(50 + trainer.step)),
            sampleIDs: Array(0..<images), team: team)
        gradient.scale(by: 1 / Float(images))
        try trainer.apply(gradient, learningRate: 0.02, team: team)
    }

    /// In Double, with the part of the whole gradient that belongs to the turned channels beside it.
    @Test(
        "dL/dU and dL/dW against central differences, and against the whole gradient", arguments: Pooling.allCases,
        ChannelSides.allCases)
    func gradients(pooling: Pooling, sides: ChannelSides) throws {
        let (N, P, D, C) = (5, 7, 6, 4)
        let turned = [1, 3, 4]
        let features = normals(N * P * D, seed: 21)
        let labels = randomLabels(N, classCount: C, seed: 22)
        func sum(_ parameters: HeadParameters<Double>) throws -> GradientSum<Double> {
            try features.withUnsafeBufferPointer { features in
                try parameters.gradient(
                    batch: FeatureBatch(
                        features: features.baseAddress!, imageCount: N, pixelCount: P, channelCount: D),
                    labels: labels, sampleIDs: [3, 14, 15, 92, 65], team: alone)
            }
        }
        func parameters(_ map: ChannelMapKind, turning turned: [Int]?) throws -> HeadParameters<Double> {
            var parameters = try HeadParameters<Double>(
                configuration: configuration(map, pooling, sides: sides), channelCount: D, classCount: C, seed: 5,
                classifier: .uniform, turning: turned)
            // At step 0 annealed pooling is the mean.
            for _ in 0..<2 {
                try parameters.apply(
                    channelMapGradient: Array(repeating: 0, count: parameters.channelMap.summandCount),
                    classifierGradient: Array(repeating: 0, count: C * parameters.valueCount),
                    channelMapLearningRate: 0,
                    classifierLearningRate: 0, team: alone)
            }
            return parameters
        }
        for map in [ChannelMapKind.riemannian, .exponential, .cayley] {
            var small = try parameters(map, turning: turned)
            let weight = randomMatrix(turned.count, scale: 0.5, seed: 23)
            try small.channelMap.setParameter(
                map == .riemannian ? SquareMatrix.rotation(skew(weight), team: alone) : weight, team: alone)
            var whole = try parameters(.riemannian, turning: nil)
            try whole.channelMap.setParameter(embedded(small.channelMap.matrix, in: turned, of: D), team: alone)
            let (found, expected) = (try sum(small), try sum(whole))
            #expect(found.lossSum == expected.lossSum && found.classifier == expected.classifier)
            let ofMap = try #require(found.channelMap)
            // The other kinds have dL/dU.
            var ofWhole = try #require(expected.channelMap)
            if map != .riemannian { ofWhole = SquareMatrix.product(ofWhole, whole.channelMap.matrix, team: alone) }
            let part = turned.flatMap { row in turned.map { ofWhole.values[row * D + $0] } }
            #expect(relativeDifference(ofMap.values, part) < 1e-12)

            // Straight-through: the gradient is not that of the loss.
            guard pooling != .gumbel else { continue }
            func loss(_ values: [Double]) throws -> Double {
                var moved = small
                try moved.channelMap.setParameter(SquareMatrix(size: turned.count, values: values), team: alone)
                return try sum(moved).lossSum
            }
            let differences =
                try map == .riemannian
                ? small.channelMap.differences(loss)
                : centralDifferences(#require(small.channelMap.weight).values, loss)
            let gradient =
                try map == .riemannian
                ? ofMap : small.channelMap.weightGradient(ofMap, step: nil, team: alone)
            #expect(relativeDifference(gradient.values, differences) < 1e-7, "\(map)")
        }
    }

    private func embedded(_ map: SquareMatrix<Double>, in channels: [Int], of size: Int) -> SquareMatrix<Double> {
        var whole = SquareMatrix<Double>(identity: size)
        for (row, channel) in channels.enumerated() {
            for (column, other) in channels.enumerated() {
                whole.values[channel * size + other] = map.values[row * map.size + column]
            }
        }
        return whole
    }

    @Test(
        "A head says the same bits whether it knows which channels are turned or not", arguments: [1, 70, 300],
        [1100, 1088])
    func evaluation(count: Int, channelCount: Int) throws {
        // Panels with many, with few and with no turned channels; rows that end with whole vectors and that do not.
        let (D, C) = (channelCount, 5)
        let turned = (0..<count).map { $0 < count / 2 ? 3 * $0 : D - 1 - 2 * (count - 1 - $0) }
        var trainer = try HeadTrainer(
            configuration: configuration(), channelCount: D, classCount: C, seed: 9, turning: turned)
        for _ in 0..<2 { try advance(&trainer, images: 12, team: three) }
        let head = trainer.head
        let features = normalTensor([7, 9, D], seed: 41, 0)
        let small = try head.forward(features, team: three)
        let whole = features.values.withUnsafeBufferPointer { features in
            FeatureBatch(features: features.baseAddress!, imageCount: 7, pixelCount: 9, channelCount: D)
                .extrema(channelMap: head.channelMap, team: alone)
        }
        #expect(small.pooled.maxima == whole?.maxima && small.pooled.minima == whole?.minima)
        #expect(
            small.pooled.maximumPixels == whole?.maximumPixels && small.pooled.minimumPixels == whole?.minimumPixels)
        let activations = features.values.withUnsafeBufferPointer { features in
            FeatureBatch(features: features.baseAddress!, imageCount: 7, pixelCount: 9, channelCount: D)
                .activations(channelMap: head.channelMap, team: alone)
        }
        #expect(try head.activations(features, team: three).values == activations)
        #expect(try Head(channelMap: head.channelMap, classifier: head.classifier) == head)
        var spoiled = features.values
        spoiled[5] = .infinity
        #expect(throws: HeadError.notFinite(tensor: "features", step: nil)) {
            try head.forward(Tensor(shape: features.shape, values: spoiled), team: alone)
        }
    }

    @Test("A matrix that is nearly the identity in a channel is taken as it is")
    func nearlyTheIdentity() throws {
        let size = 8
        var map = SquareMatrix<Float>(identity: size).values
        // A column that is not that of I, in a row that is turned.
        (map[0], map[1], map[size], map[size + 1]) = (0.6, -0.8, 0.8, 0.6)
        map[7] = 1e-7
        let head = try Head(
            channelMap: map, classifier: Array(repeating: 1, count: size), channelCount: size, classCount: 1)
        var pixel = [Float](repeating: 0, count: size)
        pixel[7] = 1
        let activations = try head.activations(Tensor(shape: [1, 1, size], values: pixel), team: alone)
        #expect(activations.values == [1e-7, 0, 0, 0, 0, 0, 0, 1])
    }

    @Test(
        "U stays orthogonal, and only the turned channels move",
        arguments: [ChannelMapKind.riemannian, .exponential, .cayley], OptimizerConfiguration.Kind.allCases)
    func orthogonality(map: ChannelMapKind, optimizer: OptimizerConfiguration.Kind) throws {
        let (D, turned) = (24, [0, 2, 3, 9, 20, 23])
        var trainer = try HeadTrainer(
            configuration: configuration(map, optimizer: optimizer), channelCount: D, classCount: 3, seed: 9,
            turning: turned)
        var worst: Float = 0
        for step in 0..<300 {
            let gradient = HeadGradient(
                channelMap: normals(trainer.gradientLengths[0], seed: 60, step).map { Float($0) },
                classifier: Array(repeating: 0, count: 3 * D), lossSum: 1, correctCount: 0, sampleCount: 1)
            try trainer.apply(gradient, learningRate: 0.05, team: alone)
            worst = max(worst, trainer.orthogonalityError(team: alone))
        }
        #expect(worst <= 1e-5, "max|U^T U - I| reached \(worst)")
        #expect(trainer.head.orthogonalityError(team: alone) == trainer.orthogonalityError(team: alone))
        let identity = SquareMatrix<Float>(identity: D).values
        for row in 0..<D {
            for column in 0..<D where !turned.contains(row) || !turned.contains(column) {
                #expect(trainer.head.channelMap[row * D + column] == identity[row * D + column])
            }
        }
        #expect(zip(trainer.head.channelMap, identity).contains { abs($0.0 - $0.1) > 0.1 })
    }

    @Test(
        "One and three workers give the same bits", arguments: [ChannelMapKind.riemannian, .exponential, .cayley],
        [Pooling.argmax, .gumbel, .annealed])
    func workerCount(map: ChannelMapKind, pooling: Pooling) throws {
        var first = try HeadTrainer(
            configuration: configuration(map, pooling, hasBias: true), channelCount: 1100, classCount: 7, seed: 9,
            turning: (0..<150).map { 7 * $0 })
        var second = first
        for _ in 0..<2 {
            try advance(&first, images: 40, team: alone)
            try advance(&second, images: 40, team: three)
        }
        #expect(first.state == second.state && first.step == 2)
    }

    @Test(
        "Training goes on with the same bits from an exported state",
        arguments: [ChannelMapKind.riemannian, .exponential, .cayley], OptimizerConfiguration.Kind.allCases)
    func restoring(map: ChannelMapKind, optimizer: OptimizerConfiguration.Kind) throws {
        var trainer = try HeadTrainer(
            configuration: configuration(map, .annealed, optimizer: optimizer), channelCount: 40, classCount: 3,
            seed: 9,
            turning: [0, 1, 5, 17, 38, 39])
        for _ in 0..<3 { try advance(&trainer, images: 6, team: alone) }
        let state = trainer.state
        #expect(state.turnedChannelCount == 6 && state.head.channelMap.count == 1600)
        #expect(
            state.optimizer.filter { $0.name.hasPrefix("channel_map.") }.allSatisfy { $0.shape.allSatisfy { $0 == 6 } })
        var restored = try HeadTrainer(configuration: trainer.configuration, seed: 9, restoring: state)
        #expect(restored.turnedChannels == [0, 1, 5, 17, 38, 39])
        #expect(restored.gradientLengths[0] == (map == .riemannian ? 15 : 36))
        for _ in 0..<4 {
            try advance(&trainer, images: 6, team: alone)
            try advance(&restored, images: 6, team: alone)
        }
        #expect(restored.state == trainer.state)
    }

    @Test("A head begins with a head that turns some channels", arguments: [ChannelMapKind.riemannian, .exponential])
    func start(map: ChannelMapKind) throws {
        let (size, turned) = (12, [1, 2, 6, 11])
        func trainer(turning channels: [Int]?, from start: HeadStart? = nil) throws -> HeadTrainer {
            try HeadTrainer(
                configuration: configuration(map), channelCount: size, classCount: 2, seed: 1, turning: channels,
                start: start)
        }
        var first = try trainer(turning: turned)
        for _ in 0..<3 { try advance(&first, images: 4, team: alone) }
        let state = first.state
        #expect(try state.turnedChannels() == turned)
        let start = HeadStart(
            head: state.head, channelMap: map,
            parameter: state.optimizer.first { $0.name == "channel_map.parameter" }?.values,
            turnedChannels: turned)
        for channels in [turned, nil] {
            var second = try trainer(turning: channels, from: start)
            #expect(second.head == state.head)
            try advance(&second, images: 4, team: alone)
            #expect(second.orthogonalityError(team: alone) <= 1e-5)
            // The first step goes on from the start: W is that of U.
            let distance = zip(second.head.channelMap, state.head.channelMap).reduce(0) { max($0, abs($1.0 - $1.1)) }
            #expect(distance > 1e-3 && distance < 0.2)
        }
        #expect(throws: HeadError.self) { try trainer(turning: [1, 2, 6], from: start) }
    }

    @Test("States and lists of channels that do not fit are refused")
    func badStates() throws {
        for bad in [[], [-1, 2], [2, 2], [3, 1], [0, 8]] {
            #expect(throws: HeadError.self) {
                try HeadTrainer(
                    configuration: configuration(), channelCount: 8, classCount: 2, seed: 1, turning: bad)
            }
        }
        #expect(throws: HeadError.self) {
            try HeadTrainer(
                configuration: configuration(.identity), channelCount: 8, classCount: 2, seed: 1, turning: [1, 2])
        }
        var trainer = try HeadTrainer(
            configuration: configuration(), channelCount: 8, classCount: 2, seed: 1, turning: [1, 2, 6])
        try advance(&trainer, images: 4, team: alone)
        let state = trainer.state
        func restore(_ channels: [Float]?, _ configuration: HeadConfiguration) throws {
            let rest = state.optimizer.filter { $0.name != "channel_map.channels" }
            let own = channels.map { [NamedTensor(name: "channel_map.channels", shape: [$0.count], values: $0)] } ?? []
            _ = try HeadTrainer(
                configuration: configuration, seed: 1,
                restoring: HeadTrainerState(step: 1, head: state.head, optimizer: own + rest))
        }
        try restore([1, 2, 6], configuration())
        // Other channels than those that U turns, too few, too many, not numbers of channels.
        for bad: [Float] in [
            [1, 2, 5], [1, 2], [1, 2, 6, 7], [1, 2, 8], [1.5, 2, 6], [6, 2, 1], [], [1, 2, .nan],
        ] {
            #expect(throws: HeadError.self, "\(bad)") { try restore(bad, configuration()) }
        }
        #expect(throws: HeadError.self) { try restore(nil, configuration()) }
        #expect(throws: HeadError.self) { try restore([1, 2, 6], configuration(.identity)) }
    }

    @Test("The channels that tell the classes apart are chosen, whatever the parts their images are counted in")
    func separation() throws {
        // Channel 3 tells two classes apart, channel 0 a little; channel 2 is loud and says nothing; channel 1 is constant.
        let (N, D) = (12, 4)
        let noise = normals(N * D, seed: 7).map { Float($0) }
        let labels = (0..<N).map { $0 % 2 }
        var features: [Float] = []
        for image in 0..<N {
            let sign: Float = labels[image] == 0 ? 1 : -1
            features += [
                0.3 * sign + 0.05 * noise[image * D], 5, 3 * noise[image * D + 2],
                2 * sign + 0.1 * noise[image * D + 3],
            ]
        }
        func counted(_ parts: [Range<Int>]) throws -> ChannelSeparation {
            try features.withUnsafeBufferPointer { features in
                try parts.reduce(ChannelSeparation(classCount: 3, channelCount: D)) { separation, part in
                    try separation.adding(
                        FeatureBatch(
                            features: features.baseAddress! + part.lowerBound * D, imageCount: part.count,
                            pixelCount: 1,
                            channelCount: D), labels: Array(labels[part]), team: alone)
                }
            }
        }
        let whole = try counted([0..<12])
        #expect(try counted([0..<5, 5..<6, 6..<12]).tensors == whole.tensors)
        #expect(whole.channels(1) == [3] && whole.channels(2) == [0, 3])
        // By hand: between the classes less their share of what lies within.
        for channel in 0..<D {
            let values = (0..<N).map { Double(features[$0 * D + channel]) }
            let means = [0, 1].map { label in (0..<N).filter { labels[$0] == label }.reduce(0) { $0 + values[$1] } / 6 }
            let between = 6 * ((means[0] - means[1]) * (means[0] - means[1])) / 2
            let within = (0..<N).reduce(0) { $0 + pow(values[$1] - means[labels[$1]], 2) } / 10
            #expect(abs(whole.scores()[channel] - (between - within)) < 1e-4)
        }
        // Equal scores: the lowest channels.
        #expect(ChannelSeparation(classCount: 2, channelCount: 5).channels(2) == [0, 1])
    }
}
