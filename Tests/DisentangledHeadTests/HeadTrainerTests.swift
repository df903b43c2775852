import DisentangledHead
import Foundation
import SeededNumbers
import Tensors
import Testing

@Suite("Training")
struct HeadTrainerTests {
    private func batch(_ step: Int, images: Int, pixels: Int, channels: Int, classes: Int) -> (
        features: Tensor, labels: [Int], sampleIDs: [Int]
    ) {
        (
            normalTensor([images, pixels, channels], seed: 40, step),
            randomLabels(images, classCount: classes, seed: UInt64(50 + step)), (0..<images).map { $0 * 7 + step }
        )
    }

    private func trainer(
        _ map: ChannelMapKind, _ pooling: Pooling = .argmax, channels: Int, classes: Int, l1: Double = 0,
        hasBias: Bool = false, sides: ChannelSides = .tied, budget: ChannelBudget? = nil,
        optimizer: OptimizerConfiguration.Kind = .adam
    ) throws -> HeadTrainer {
        try HeadTrainer(
            configuration: HeadConfiguration(
                channelMap: map, pooling: pooling, annealing: AnnealingSchedule(steps: 12), hasBias: hasBias,
                sides: sides, budget: budget, classifierL1: l1,
                optimizer: OptimizerConfiguration(kind: optimizer)),
            channelCount: channels, classCount: classes, seed: 9)
    }

    private func advance(
        _ trainer: inout HeadTrainer, images: Int = 12, pixels: Int = 9, learningRate: Double = 0.02, team: WorkerTeam
    ) throws {
        let batch = batch(
            trainer.step, images: images, pixels: pixels, channels: trainer.channelCount, classes: trainer.classCount)
        var gradient = try trainer.gradient(
            features: batch.features, labels: batch.labels, sampleIDs: batch.sampleIDs, team: team)
        #expect(gradient.sampleCount == images)
        gradient.scale(by: 1 / Float(images))
        try trainer.apply(gradient, learningRate: learningRate, team: team)
    }

    @Test("U stays orthogonal to 1e-5 after each of 1000 large random steps", arguments: ChannelMapKind.allCases)
    func orthogonality(map: ChannelMapKind) throws {
        let channels = 24
        var trainer = try trainer(map, channels: channels, classes: 3)
        var worst: Float = 0
        for step in 0..<1000 {
            let gradient = HeadGradient(
                channelMap: normals(trainer.gradientLengths[0], seed: 60, step).map { Float($0) },
                classifier: Array(repeating: 0, count: 3 * channels), lossSum: 1, correctCount: 0, sampleCount: 1)
            try trainer.apply(gradient, learningRate: 0.05, team: alone)
            worst = max(worst, trainer.orthogonalityError(team: alone))
        }
        #expect(worst <= 1e-5, "max|U^T U - I| reached \(worst)")
        if map != .identity {
            let distance = zip(trainer.head.channelMap, SquareMatrix<Float>(identity: channels).values)
                .reduce(0) { max($0, abs($1.0 - $1.1)) }
            #expect(distance > 0.1, "the map has hardly moved")
        }
    }

    @Test(
        "One and three workers give the same bits", arguments: ChannelMapKind.allCases,
        [Pooling.argmax, .gumbel, .annealed])
    func workerCount(map: ChannelMapKind, pooling: Pooling) throws {
        // Several tiles, panels, blocks of images and padded ends.
        var first = try trainer(map, pooling, channels: 530, classes: 70, hasBias: pooling == .annealed)
        var second = first
        for _ in 0..<2 {
            try advance(&first, images: 70, team: alone)
            try advance(&second, images: 70, team: three)
        }
        #expect(first.state == second.state)
        #expect(first.step == 2)
    }

    @Test(
        "Training goes on with the same bits from an exported state", arguments: ChannelMapKind.allCases,
        OptimizerConfiguration.Kind.allCases)
    func restoring(map: ChannelMapKind, optimizer: OptimizerConfiguration.Kind) throws {
        var trainer = try trainer(map, .gumbel, channels: 20, classes: 4, optimizer: optimizer)
        for _ in 0..<5 { try advance(&trainer, team: three) }
        var restored = try HeadTrainer(configuration: trainer.configuration, seed: 9, restoring: trainer.state)
        for _ in 0..<12 {
            try advance(&trainer, team: three)
            try advance(&restored, team: alone)
            #expect(restored.state == trainer.state)
        }
        #expect(restored.step == 17)
    }

    @Test("With a bias and annealed pooling too", arguments: OptimizerConfiguration.Kind.allCases)
    func restoringBias(optimizer: OptimizerConfiguration.Kind) throws {
        var trainer = try trainer(.riemannian, .annealed, channels: 20, classes: 4, hasBias: true, optimizer: optimizer)
        for _ in 0..<5 { try advance(&trainer, team: three) }
        let bias = try #require(trainer.head.classifier.bias)
        #expect(bias.allSatisfy { $0 != 0 } && bias.contains { $0 < 0 })
        var restored = try HeadTrainer(configuration: trainer.configuration, seed: 9, restoring: trainer.state)
        for _ in 0..<12 {
            try advance(&trainer, team: three)
            try advance(&restored, team: alone)
            #expect(restored.state == trainer.state)
        }
    }

    @Test(
        "With other sides, one and three workers give the same bits, and so does an exported state",
        arguments: [ChannelSides.untied, .positive], [Pooling.argmax, .gumbel, .annealed])
    func restoringSides(sides: ChannelSides, pooling: Pooling) throws {
        let budget = ChannelBudget(channelsPerClass: 5, begin: 3, end: 12, interval: 2)
        var trainer = try trainer(
            .riemannian, pooling, channels: 20, classes: 4, hasBias: true, sides: sides, budget: budget)
        for _ in 0..<5 { try advance(&trainer, team: three) }
        let state = trainer.state
        #expect(state.head.sides == sides && state.head.channelCount == 20)
        let shape = [4, 20 * sides.valuesPerChannel]
        for name in ["classifier.first_moment", "budget.class_sums", "budget.regrown"] {
            #expect(try #require(state.optimizer.first { $0.name == name }).shape == shape)
        }
        var restored = try HeadTrainer(configuration: trainer.configuration, seed: 9, restoring: state)
        for _ in 0..<12 {
            try advance(&trainer, team: three)
            try advance(&restored, team: alone)
            #expect(restored.state == trainer.state)
        }
        let mask = try #require(trainer.head.classifier.mask)
        for label in 0..<4 { #expect(mask[label * shape[1]..<(label + 1) * shape[1]].count { $0 } == 5) }
        #expect(trainer.orthogonalityError(team: alone) <= 1e-5)

        var other = trainer.configuration
        other.sides = .tied
        let error = #expect(throws: HeadError.self) {
            try HeadTrainer(configuration: other, seed: 9, restoring: state)
        }
        guard case .invalidSetting("signs", "tied", let expected) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(expected.contains(sides.rawValue))
    }

    @Test("Untied sides start with the same weights, but where these are drawn, and each side then goes its way")
    func startOfUntiedSides() throws {
        func start(_ classifier: ClassifierInitialisation) throws -> HeadTrainer {
            try HeadTrainer(
                configuration: HeadConfiguration(sides: .untied), channelCount: 3, classCount: 2, seed: 1,
                classifier: classifier)
        }
        let given: [Float] = [1, -2, 0, 0.5, -0.25, 3]
        var trainer = try start(.positivePart(of: given))
        #expect(trainer.head.classifier.weights == [1, 0, 0, 1, 0, 0, 0.5, 0, 3, 0.5, 0, 3])
        #expect(try start(.signed(given)).head.classifier.weights == [0.5, 0, 0, 0.5, 0, 0, 0, 1.75, 3, 0, 1.75, 3])
        let uniform = try start(.uniform).head.classifier.weights
        #expect(uniform.count == 12 && Set(uniform).count == 12)
        try advance(&trainer, team: alone)
        let weights = trainer.head.classifier.weights
        #expect(weights[0] != weights[3] && weights.allSatisfy { $0 >= 0 })
    }

    @Test("A state with a bias that is not asked for, or without one that is, is refused by name")
    func unexpectedBias() throws {
        let (with, without) = try (
            trainer(.identity, channels: 6, classes: 3, hasBias: true), trainer(.identity, channels: 6, classes: 3)
        )
        let biased = with.state
        #expect(throws: HeadError.unexpectedTensor("classifier_bias", expected: ["channel_map", "classifier"])) {
            try HeadTrainer(configuration: without.configuration, seed: 9, restoring: biased)
        }
        #expect(
            throws: HeadError.missingTensor(
                "classifier_bias", expected: ["channel_map", "classifier", "classifier_bias"])
        ) { try HeadTrainer(configuration: with.configuration, seed: 9, restoring: without.state) }
        #expect(
            throws: HeadError.unexpectedTensor(
                "classifier_bias.first_moment", expected: ["classifier.first_moment", "classifier.second_moment"])
        ) {
            try HeadTrainer(
                configuration: without.configuration, seed: 9,
                restoring: HeadTrainerState(step: 0, head: without.head, optimizer: biased.optimizer))
        }
    }

    @Test("A bias starts at 0 or where it is given, takes Adam's first step, and its gradient is checked")
    func biasSteps() throws {
        let configuration = HeadConfiguration(channelMap: .identity, hasBias: true)
        var trainer = try HeadTrainer(
            configuration: configuration, channelCount: 2, classCount: 3, seed: 1,
            classifier: .positivePart(of: Array(repeating: 0.5, count: 6), bias: [1, -2, 0]))
        var gradient = HeadGradient(
            channelMap: [], classifier: Array(repeating: 0, count: 6), bias: [0.5, -0.25, 0], lossSum: 1,
            correctCount: 0,
            sampleCount: 1)
        try trainer.apply(gradient, learningRate: 0.125, team: alone)
        let bias = try #require(trainer.head.classifier.bias)
        for (found, expected) in zip(bias, [0.875, -1.875, 0] as [Float]) { #expect(abs(found - expected) < 1e-6) }
        gradient.bias[1] = .nan
        #expect(throws: HeadError.notFinite(tensor: "classifier_bias.gradient", step: 1)) {
            try trainer.apply(gradient, learningRate: 0.1, team: alone)
        }
        gradient.bias = []
        #expect(throws: HeadError.shapeMismatch(tensor: "classifier_bias.gradient", expected: [3], found: [0])) {
            try trainer.apply(gradient, learningRate: 0.1, team: alone)
        }
        #expect(
            try HeadTrainer(configuration: configuration, channelCount: 2, classCount: 3, seed: 1).head.classifier.bias
                == [0, 0, 0])
        #expect(throws: HeadError.shapeMismatch(tensor: "classifier_init bias", expected: [3], found: [1])) {
            try HeadTrainer(
                configuration: configuration, channelCount: 2, classCount: 3, seed: 1,
                classifier: .positivePart(of: Array(repeating: 0.5, count: 6), bias: [1]))
        }
    }

    @Test("A state that lacks a tensor, or has one of another shape, is refused by name")
    func damagedState() throws {
        let trainer = try trainer(.exponential, channels: 6, classes: 3)
        let state = trainer.state
        #expect(
            state.optimizer.map(\.name) == [
                "channel_map.parameter", "channel_map.first_moment", "channel_map.second_moment",
                "classifier.first_moment", "classifier.second_moment",
            ])
        func restore(_ tensors: [NamedTensor]) throws {
            _ = try HeadTrainer(
                configuration: trainer.configuration, seed: 9,
                restoring: HeadTrainerState(step: 3, head: state.head, optimizer: tensors))
        }
        for index in state.optimizer.indices {
            var tensors = state.optimizer
            let removed = tensors.remove(at: index)
            #expect(throws: HeadError.missingTensor(removed.name, expected: state.optimizer.map(\.name))) {
                try restore(tensors)
            }
            tensors.append(NamedTensor(name: removed.name, shape: [2, 2], values: [1, 2, 3, 4]))
            #expect(throws: HeadError.shapeMismatch(tensor: removed.name, expected: removed.shape, found: [2, 2])) {
                try restore(tensors)
            }
            var values = removed.values
            values[1] = .nan
            tensors[tensors.count - 1] = NamedTensor(name: removed.name, shape: removed.shape, values: values)
            #expect(throws: HeadError.notFinite(tensor: removed.name, step: 3)) { try restore(tensors) }
        }
        try restore(state.optimizer)
    }

    @Test(
        "Moments of a riemannian map are matrices in a state, and one that is not skew or symmetric is refused by name",
        arguments: OptimizerConfiguration.Kind.allCases)
    func momentsOfTurns(optimizer: OptimizerConfiguration.Kind) throws {
        let size = 6
        var trainer = try trainer(.riemannian, channels: size, classes: 3, optimizer: optimizer)
        for _ in 0..<2 { try advance(&trainer, team: alone) }
        let state = trainer.state
        for (place, tensor) in state.optimizer.enumerated() where tensor.name.hasPrefix("channel_map.") {
            #expect(tensor.shape == [size, size] && tensor.values.contains { $0 != 0 })
            let sign: Float = tensor.name == "channel_map.second_moment" ? 1 : -1
            for row in 0..<size {
                for column in 0..<size {
                    #expect(tensor.values[row * size + column] == sign * tensor.values[column * size + row])
                }
            }
            // Below the diagonal, and on it where the matrix is skew.
            for element in [size, size * size - 2] + (sign < 0 ? [0] : []) {
                var (tensors, values) = (state.optimizer, tensor.values)
                values[element] += 1
                tensors[place] = NamedTensor(name: tensor.name, shape: tensor.shape, values: values)
                let kind = sign < 0 ? "skew" : "symmetric"
                #expect(
                    throws: HeadError.invalidSetting(
                        key: tensor.name, value: "a matrix that is not \(kind)",
                        expected: "a \(kind) one, as riemannian channel maps have it")
                ) {
                    try HeadTrainer(
                        configuration: trainer.configuration, seed: 9,
                        restoring: HeadTrainerState(step: 2, head: state.head, optimizer: tensors))
                }
            }
        }
    }

    @Test("The classifier never goes below zero, and shrinkage makes zeros that are exact")
    func projection() throws {
        var trainer = try trainer(.riemannian, channels: 16, classes: 5, l1: 0.5)
        for _ in 0..<20 {
            try advance(&trainer, team: alone)
            #expect(trainer.head.classifier.weights.allSatisfy { $0 >= 0 })
        }
        let zeros = trainer.head.classifier.weights.count { $0 == 0 }
        #expect(zeros > 0 && zeros < trainer.head.classifier.weights.count)
    }

    @Test("The classifier starts uniform, or at the positive part of a given matrix")
    func classifierInitialisation() throws {
        let uniform = try trainer(.identity, channels: 400, classes: 5).head.classifier.weights
        #expect(uniform.allSatisfy { $0 >= 0 && $0 < 0.1 })
        #expect(abs(uniform.reduce(0, +) / 2000 - 0.05) < 0.002)
        let given: [Float] = [1, -2, 0, 0.5, -0.25, 3]
        let trainer = try HeadTrainer(
            configuration: HeadConfiguration(), channelCount: 3, classCount: 2, seed: 1,
            classifier: .positivePart(of: given))
        #expect(trainer.head.classifier.weights == [1, 0, 0, 0.5, 0, 3])
        #expect(throws: HeadError.shapeMismatch(tensor: "classifier_init", expected: [2, 4], found: [6])) {
            _ = try HeadTrainer(
                configuration: HeadConfiguration(), channelCount: 4, classCount: 2, seed: 1,
                classifier: .positivePart(of: given))
        }
    }

    @Test("or at a signed matrix less its column minima, which changes no probability")
    func signedInitialisation() throws {
        func start(
            _ given: [Float], bias: [Float]? = nil, channelCount: Int = 3, hasBias: Bool = true
        ) throws -> Classifier {
            try HeadTrainer(
                configuration: HeadConfiguration(hasBias: hasBias), channelCount: channelCount, classCount: 2, seed: 1,
                classifier: .signed(given, bias: bias)
            ).head.classifier
        }
        let given: [Float] = [1, -2, 0, 0.5, -0.25, 3]
        let classifier = try start(given, bias: [2, -1])
        #expect(classifier.weights == [0.5, 0, 0, 0, 1.75, 3] && classifier.bias == [2, -1])
        let signed = try Classifier(weights: given, bias: [2, -1], signs: .any, classCount: 2, channelCount: 3)
        #expect(try classifier == signed.broughtToColumnMinimum())
        #expect(try start(given).bias == [0, 0])
        #expect(try start(given, bias: [2, -1], hasBias: false).bias == nil)

        #expect(throws: HeadError.shapeMismatch(tensor: "classifier_init", expected: [2, 4], found: [6])) {
            try start(given, channelCount: 4)
        }
        #expect(throws: HeadError.shapeMismatch(tensor: "classifier_init bias", expected: [2], found: [3])) {
            try start(given, bias: [1, 2, 3])
        }
        for poison in [Float.nan, .infinity, -.infinity] {
            #expect(throws: HeadError.notFinite(tensor: "classifier_init", step: nil)) {
                try start([1, -2, poison, 0.5, -0.25, 3])
            }
            #expect(throws: HeadError.notFinite(tensor: "classifier_init bias", step: nil)) {
                try start(given, bias: [poison, 0])
            }
        }
        #expect(throws: HeadError.notFinite(tensor: "classifier_init", step: nil)) {
            try start([3e38, -2, 0, -3e38, -0.25, 3])
        }
    }

    @Test(
        "With annealed pooling and a bias, the losses before the first step are those of the linear classifier it starts at"
    )
    func startAtLinearClassifier() throws {
        let (images, pixels, channels, classes) = (7, 9, 11, 4)
        let linear = try Classifier(
            weights: normals(classes * channels, seed: 80).map { Float($0) }, bias: [0.5, -1, 0, 2], signs: .any,
            classCount: classes, channelCount: channels)
        let trainer = try HeadTrainer(
            configuration: HeadConfiguration(pooling: .annealed, hasBias: true), channelCount: channels,
            classCount: classes, seed: 1, classifier: .signed(linear.weights, bias: linear.bias))
        let features = normalTensor([images, pixels, channels], seed: 81)
        for image in 0..<images {
            let map = Array(features.values[image * pixels * channels..<(image + 1) * pixels * channels])
            let mean = (0..<channels).map { channel in
                Float((0..<pixels).reduce(0.0) { $0 + Double(map[$1 * channels + channel]) } / Double(pixels))
            }
            let logits = try linear.logits(ofPooled: mean, imageCount: 1, team: alone).map { Double($0) }
            let total = logits.reduce(0) { $0 + exp($1) }
            for label in 0..<classes {
                let loss = try trainer.gradient(
                    features: Tensor(shape: [1, pixels, channels], values: map), labels: [label], sampleIDs: [0],
                    team: alone
                ).lossSum
                #expect(abs(loss - (log(total) - logits[label])) < 1e-5)
            }
        }
    }

    @Test("A feature that is not finite is an error with its step, in every pooling", arguments: Pooling.allCases)
    func nonFiniteFeatures(pooling: Pooling) throws {
        var trainer = try trainer(.identity, pooling, channels: 11, classes: 3)
        try advance(&trainer, team: alone)
        for poison in [Float.nan, .infinity, -.infinity] {
            var batch = batch(1, images: 3, pixels: 4, channels: 11, classes: 3)
            batch.features.values[50] = poison
            #expect(throws: HeadError.notFinite(tensor: "features", step: 1)) {
                try trainer.gradient(
                    features: batch.features, labels: batch.labels, sampleIDs: batch.sampleIDs, team: three)
            }
        }
    }

    @Test("A step whose classifier's gradient comes later is the same step", arguments: ChannelMapKind.allCases)
    func stepInTwoParts(map: ChannelMapKind) throws {
        var whole = try trainer(map, channels: 12, classes: 3, hasBias: true)
        var parts = whole
        for seed in UInt64(0)..<3 {
            let tensors = whole.gradientLengths.enumerated().map { tensor, count in
                normals(count, seed: 70 + seed, tensor).map { Float($0) }
            }
            let gradient = HeadGradient(tensors: tensors, lossSum: 1, correctCount: 0, sampleCount: 1)
            try whole.apply(gradient, learningRate: 0.05, channelMapLearningRate: 0.01, team: alone)
            try parts.apply(
                channelMap: tensors[0], learningRate: 0.05, channelMapLearningRate: 0.01, team: alone
            ) { HeadGradient(tensors: [[]] + tensors[1...], lossSum: 1, correctCount: 0, sampleCount: 1) }
            #expect(parts.state == whole.state)
        }
        struct Lost: Error {}
        let map = Array(repeating: Float(0), count: whole.gradientLengths[0])
        #expect(throws: Lost.self) {
            try parts.apply(channelMap: map, learningRate: 0.1, team: alone) { throw Lost() }
        }
        #expect(throws: HeadError.shapeMismatch(tensor: "classifier.gradient", expected: [3, 12], found: [1])) {
            try parts.apply(channelMap: map, learningRate: 0.1, team: alone) {
                HeadGradient(
                    channelMap: [], classifier: [1], bias: [0, 0, 0], lossSum: 1, correctCount: 0, sampleCount: 1)
            }
        }
        #expect(parts.step == 3)
    }

    @Test("A gradient that is not finite is an error by name and changes nothing")
    func nonFiniteGradient() throws {
        var trainer = try trainer(.exponential, channels: 5, classes: 2)
        let before = trainer.state
        let good = HeadGradient(
            channelMap: Array(repeating: 0.1, count: 25), classifier: Array(repeating: 0.1, count: 10), lossSum: 1,
            correctCount: 0, sampleCount: 1)
        var bad = good
        bad.channelMap[24] = .nan
        #expect(throws: HeadError.notFinite(tensor: "channel_map.gradient", step: 0)) {
            try trainer.apply(bad, learningRate: 0.1, team: alone)
        }
        bad = good
        bad.classifier[9] = .infinity
        #expect(throws: HeadError.notFinite(tensor: "classifier.gradient", step: 0)) {
            try trainer.apply(bad, learningRate: 0.1, team: alone)
        }
        bad = good
        bad.lossSum = .nan
        #expect(throws: HeadError.notFinite(tensor: "loss", step: 0)) {
            try trainer.apply(bad, learningRate: 0.1, team: alone)
        }
        #expect(trainer.state == before)
        try trainer.apply(good, learningRate: 0.1, team: alone)
        #expect(trainer.step == 1)
    }

    @Test("Shapes and labels that do not fit are errors that say so")
    func badInputs() throws {
        let trainer = try trainer(.identity, channels: 4, classes: 3)
        #expect(throws: HeadError.shapeMismatch(tensor: "features", expected: [2, 5, 4], found: [2, 5, 6])) {
            try trainer.gradient(
                features: Tensor(zeros: [2, 5, 6]), labels: [0, 1], sampleIDs: [0, 1], team: alone)
        }
        #expect(throws: HeadError.labelOutOfRange(label: 3, classCount: 3)) {
            try trainer.gradient(
                features: Tensor(zeros: [2, 5, 4]), labels: [0, 3], sampleIDs: [0, 1], team: alone)
        }
        #expect(throws: HeadError.shapeMismatch(tensor: "labels", expected: [2], found: [1])) {
            try trainer.gradient(features: Tensor(zeros: [2, 5, 4]), labels: [0], sampleIDs: [0, 1], team: alone)
        }
    }

    @Test("Loss, count and gradient of two halves of a batch add up to those of the whole")
    func sums() throws {
        let trainer = try trainer(.riemannian, channels: 8, classes: 3)
        let whole = batch(0, images: 10, pixels: 4, channels: 8, classes: 3)
        let all = try trainer.gradient(
            features: whole.features, labels: whole.labels, sampleIDs: whole.sampleIDs, team: alone)
        let halves = try [0..<5, 5..<10].map { range in
            try trainer.gradient(
                features: Tensor(
                    shape: [5, 4, 8],
                    values: Array(whole.features.values[range.lowerBound * 32..<range.upperBound * 32])),
                labels: Array(whole.labels[range]), sampleIDs: Array(whole.sampleIDs[range]), team: alone)
        }
        #expect(halves[0].correctCount + halves[1].correctCount == all.correctCount)
        #expect(abs(halves[0].lossSum + halves[1].lossSum - all.lossSum) < 1e-6)
        let sum = zip(halves[0].channelMap, halves[1].channelMap).map { Double($0 + $1) }
        #expect(relativeDifference(all.channelMap, sum) < 1e-6)
    }

    @Test(
        "How long a step takes", .enabled(if: ProcessInfo.processInfo.environment["INFODISENT_TIMINGS"] != nil),
        arguments: [(256, 50, 64), (2048, 200, 49)])
    func timings(channels: Int, classes: Int, pixels: Int) throws {
        let team = WorkerTeam(workerCount: 2)
        let batch = batch(0, images: 64, pixels: pixels, channels: channels, classes: classes)
        for map in ChannelMapKind.allCases {
            for pooling in [Pooling.argmax, .gumbel, .annealed] {
                var trainer = try trainer(map, pooling, channels: channels, classes: classes)
                var gradientTime = (wall: Double.infinity, processor: Double.infinity)
                var applyTime = gradientTime
                for _ in 0..<(channels > 1000 ? 4 : 20) {
                    var gradient: HeadGradient?
                    try measure(&gradientTime) {
                        gradient = try trainer.gradient(
                            features: batch.features, labels: batch.labels, sampleIDs: batch.sampleIDs, team: team)
                    }
                    gradient!.scale(by: 1 / 64)
                    try measure(&applyTime) { try trainer.apply(gradient!, learningRate: 1e-3, team: team) }
                }
                let error = trainer.orthogonalityError(team: team)
                print(
                    "timing D=\(channels) \(map) \(pooling): gradient \(text(gradientTime)), apply \(text(applyTime)),"
                        + " max|U^T U - I| \(error)")
                #expect(error <= 1e-5)
            }
        }
    }

    /// Lowers `best` to the wall-clock and half the processor time of `body`, in milliseconds: the latter is what two
    /// undisturbed workers would take.
    private func measure(_ best: inout (wall: Double, processor: Double), _ body: () throws -> Void) rethrows {
        let processor = clock()
        let wall = try ContinuousClock().measure(body)
        best.processor = min(best.processor, Double(clock() - processor) / Double(CLOCKS_PER_SEC) * 500)
        best.wall = min(best.wall, wall / .milliseconds(1))
    }

    private func text(_ time: (wall: Double, processor: Double)) -> String {
        String(format: "%.1f ms (processor / 2: %.1f)", time.wall, time.processor)
    }
}
