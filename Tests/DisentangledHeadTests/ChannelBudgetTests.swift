import DisentangledHead
import SeededNumbers
import Tensors
import Testing

@Suite("Budget of channels")
struct ChannelBudgetTests {
    private let budget = ChannelBudget(channelsPerClass: 4, begin: 6, end: 26, interval: 5, regrowth: 0.25)

    @Test("All channels are kept until the begin, then their number falls by the cubic rule to the budget")
    func schedule() {
        #expect((0...40).filter { budget.hasEvent(afterStep: $0) } == [6, 11, 16, 21, 26])
        let counts = [0, 6, 11, 16, 21, 26, 40].map { budget.keptCount(afterStep: $0, channelCount: 20) }
        // 4 + 16 (1 - t)^3, rounded up.
        #expect(counts == [20, 20, 11, 6, 5, 4, 4])
        #expect(budget.keptCount(afterStep: 26, channelCount: 3) == 3, "a budget of more channels than there are")
        let odd = ChannelBudget(channelsPerClass: 1, begin: 2, end: 6, interval: 3)
        #expect((0...9).filter { odd.hasEvent(afterStep: $0) } == [2, 5, 6], "the last event is at the end")
        let once = ChannelBudget(channelsPerClass: 2, begin: 5, end: 5)
        #expect((0...9).filter { once.hasEvent(afterStep: $0) } == [5])
        #expect(once.keptCount(afterStep: 5, channelCount: 9) == 2)
    }

    private func pruning(_ score: ChannelBudget.Score, regrowth: Double = 0.5) -> ClassifierPruning<Double> {
        ClassifierPruning(
            budget: ChannelBudget(channelsPerClass: 2, begin: 0, end: 4, interval: 1, score: score, regrowth: regrowth),
            channelCount: 4, classCount: 2)
    }

    @Test("Scores are weight times mean, or times its distance from that of all classes")
    func scores() {
        var contribution = pruning(.contribution)
        var contrast = pruning(.contrast)
        let (sums, counts) = ([2, -4, 0, 6, 3, 3, 3, -3] as [Double], [2, 1] as [Double])
        for _ in 0..<3 {
            contribution.observe(sums: sums, counts: counts)
            contrast.observe(sums: sums, counts: counts)
        }
        let weights: [Double] = [1, 1, 1, 2, 1, 0, 0.5, 1]
        // m_ck: 1 -2 0 3 and 3 3 3 -3; m_k: 5/3 -1/3 1 1.
        let byContribution: [Double] = [1, 2, 0, 6, 3, 0, 1.5, 3]
        let byContrast: [Double] = [2.0 / 3, 5.0 / 3, 1, 4, 4.0 / 3, 0, 1, 4]
        for (found, expected) in zip(contribution.scores(weights), byContribution) {
            #expect(abs(found - expected) < 1e-12)
        }
        for (found, expected) in zip(contrast.scores(weights), byContrast) { #expect(abs(found - expected) < 1e-12) }
        #expect(pruning(.contrast).scores(weights) == weights, "without an image the weights alone count")
    }

    @Test(
        "Ties go to the lower channel; the worst are exchanged for the most negative gradients, which get a grace of one event"
    )
    func events() {
        var pruning = pruning(.contribution)
        var classifier = [Double](repeating: 1, count: 8)
        var moments = OptimizerState<Double>(count: 8, optimizer: OptimizerConfiguration())
        moments.first = Array(repeating: 1, count: 8)
        moments.second = Array(repeating: 1, count: 8)
        let none = [Double](repeating: 1, count: 8)
        func event(_ step: Int, _ gradient: [Double]) {
            pruning.prune(afterStep: step, classifier: &classifier, moments: &moments, gradient: gradient, team: three)
        }
        // 2 + 2 (3/4)^3 = 2.84 channels, of equal scores.
        event(1, none)
        #expect(pruning.mask == [true, true, true, false, true, true, true, false])
        #expect(classifier == [1, 1, 1, 0, 1, 1, 1, 0])
        #expect(moments.first == classifier && moments.second == classifier)
        // 2.25: three channels, of which 1.5 are exchanged, as far as there are candidates.
        classifier[0] = 0.5
        event(2, [-9, 0, 0, -1, 0, 0, 0, 2])
        #expect(pruning.mask == [false, true, true, true, true, true, true, false])
        #expect(pruning.regrown == [false, false, false, true, false, false, false, false])
        #expect(classifier == [0, 1, 1, 0, 1, 1, 1, 0] && moments.first == classifier)
        // 2.03: three; the one that came back has weight 0 and stays, the one that left comes back.
        event(3, [-3, 0, 0, -1, 0, 0, 0, 2])
        #expect(pruning.mask == [true, true, false, true, true, true, true, false])
        #expect(pruning.regrown == [true, false, false, false, false, false, false, false])
        // The end: two, nothing is exchanged; what came back has one more step to show itself.
        event(4, [0, 0, -5, 0, 0, 0, 0, -5])
        #expect(pruning.mask == [true, true, false, false, true, true, false, false])
        #expect(pruning.regrown.allSatisfy { !$0 })
    }

    private func trainer(
        _ optimizer: OptimizerConfiguration.Kind = .adam, lastGaugeStep: Int? = nil
    ) throws -> HeadTrainer {
        let teacher = try Classifier(
            weights: normals(60, seed: 70).map { Float($0) }, signs: .any, classCount: 3, channelCount: 20)
        return try HeadTrainer(
            configuration: HeadConfiguration(
                pooling: .annealed, annealing: AnnealingSchedule(steps: 12), hasBias: true,
                distillation: Distillation(weight: 0.5), budget: budget, lastGaugeStep: lastGaugeStep,
                optimizer: OptimizerConfiguration(kind: optimizer)),
            channelCount: 20, classCount: 3, seed: 9, classifier: .signed(teacher.weights, bias: [1, 0, -1]),
            teacher: DistillationTeacher(teacher, epsilon: 1e-5))
    }

    private func advance(_ trainer: inout HeadTrainer, team: WorkerTeam) throws {
        let step = trainer.step
        var gradient = try trainer.gradient(
            features: normalTensor([12, 9, 20], seed: 71, step),
            labels: randomLabels(12, classCount: 3, seed: UInt64(72 + step)),
            sampleIDs: Array(0..<12), team: team)
        #expect(gradient.tensors.map(\.count) == trainer.gradientLengths)
        gradient.scale(by: 1 / 12)
        try trainer.apply(gradient, learningRate: 0.02, team: team)
    }

    @Test("What the mask leaves out stays exactly 0 with its moments, and each class ends with its channels")
    func masks() throws {
        var trainer = try trainer()
        var regrownCount = 0
        var target = 20
        for _ in 0..<32 {
            try advance(&trainer, team: alone)
            let classifier = trainer.head.classifier
            let mask = try #require(classifier.mask)
            let moments = trainer.state.optimizer.filter { $0.name.hasPrefix("classifier.") }
            for index in mask.indices where !mask[index] {
                #expect(classifier.weights[index] == 0)
                for tensor in moments { #expect(tensor.values[index] == 0) }
            }
            if budget.hasEvent(afterStep: trainer.step) {
                target = budget.keptCount(afterStep: trainer.step, channelCount: 20)
                let regrown = try #require(trainer.state.optimizer.first { $0.name == "budget.regrown" }).values
                regrownCount += regrown.count { $0 == 1 }
            }
            for label in 0..<3 { #expect(mask[label * 20..<(label + 1) * 20].count { $0 } == target) }
        }
        #expect(target == 4 && regrownCount > 0)
        #expect(trainer.head.classifier.weights.count { $0 > 0 } > 6)
    }

    @Test(
        "Training goes on with the same bits from every step of the schedule",
        arguments: OptimizerConfiguration.Kind.allCases)
    func restoring(optimizer: OptimizerConfiguration.Kind) throws {
        var states: [HeadTrainerState] = []
        var trainer = try trainer(optimizer)
        for _ in 0..<30 {
            states.append(trainer.state)
            try advance(&trainer, team: three)
        }
        for start in [0, 5, 6, 7, 12, 25, 26, 29] {
            var restored = try HeadTrainer(configuration: trainer.configuration, seed: 9, restoring: states[start])
            #expect(restored.state == states[start])
            for _ in start..<30 { try advance(&restored, team: alone) }
            #expect(restored.state == trainer.state, "from step \(start)")
        }
    }

    @Test(
        "A gauge brings the classifier to its column minimum before each event and after the last step; the moments stay"
    )
    func gauge() throws {
        var plain = try trainer()
        var gauged = try trainer(lastGaugeStep: 30)
        for _ in 0..<5 {
            try advance(&plain, team: alone)
            try advance(&gauged, team: alone)
            #expect(gauged.state == plain.state)
        }
        func minima() -> [Float] {
            let classifier = gauged.head.classifier
            return (0..<20).map { channel in (0..<3).map { classifier.weight(of: channel, for: $0) }.min() ?? 0 }
        }
        #expect(minima().contains { $0 > 0 })
        // The first event, which leaves nothing out.
        try advance(&plain, team: alone)
        try advance(&gauged, team: alone)
        #expect(try gauged.head.classifier == plain.head.classifier.broughtToColumnMinimum())
        #expect(gauged.head.classifier != plain.head.classifier && gauged.state.optimizer == plain.state.optimizer)
        while gauged.step < 30 {
            try advance(&gauged, team: alone)
            let isGauged = gauged.step == 30 || budget.hasEvent(afterStep: gauged.step)
            if isGauged { #expect(minima().allSatisfy { $0 == 0 }, "step \(gauged.step)") }
        }
        #expect(try #require(gauged.head.classifier.mask).count { $0 } == 12)
    }

    @Test("Without a budget a gauge only has the last step")
    func gaugeWithoutBudget() throws {
        func trained(_ lastGaugeStep: Int?) throws -> HeadTrainer {
            var trainer = try HeadTrainer(
                configuration: HeadConfiguration(lastGaugeStep: lastGaugeStep), channelCount: 20, classCount: 3,
                seed: 9)
            for _ in 0..<4 { try advance(&trainer, team: alone) }
            return trainer
        }
        let (plain, gauged) = try (trained(nil), trained(4))
        #expect(try gauged.head.classifier == plain.head.classifier.broughtToColumnMinimum())
        #expect(gauged.head.classifier != plain.head.classifier)
        #expect(try trained(5).state == plain.state)
    }

    @Test("With a gauge, too, training goes on with the same bits from every step of the schedule")
    func restoringWithAGauge() throws {
        var states: [HeadTrainerState] = []
        var trainer = try trainer(lastGaugeStep: 30)
        for _ in 0..<30 {
            states.append(trainer.state)
            try advance(&trainer, team: three)
        }
        for start in [0, 5, 6, 7, 12, 25, 26, 29] {
            var restored = try HeadTrainer(configuration: trainer.configuration, seed: 9, restoring: states[start])
            for _ in start..<30 { try advance(&restored, team: alone) }
            #expect(restored.state == trainer.state, "from step \(start)")
        }
    }

    @Test("A teacher without distillation, distillation without a teacher, and a teacher of another size are refused")
    func teachers() throws {
        let plain = HeadConfiguration(channelMap: .identity)
        var distilled = plain
        distilled.distillation = Distillation(weight: 0.5)
        let teacher = DistillationTeacher(
            try Classifier(weights: [1, -2, 3, 4], signs: .any, classCount: 2, channelCount: 2))
        for (configuration, teacher) in [(plain, teacher), (distilled, nil)] {
            #expect(throws: HeadError.self) {
                try HeadTrainer(configuration: configuration, channelCount: 2, classCount: 2, seed: 1, teacher: teacher)
            }
        }
        #expect(throws: HeadError.shapeMismatch(tensor: "teacher.weights", expected: [2, 3], found: [4])) {
            try HeadTrainer(configuration: distilled, channelCount: 3, classCount: 2, seed: 1, teacher: teacher)
        }
        let trainer = try HeadTrainer(
            configuration: distilled, channelCount: 2, classCount: 2, seed: 1, teacher: teacher)
        #expect(
            trainer.state.optimizer.suffix(2) == [
                NamedTensor(name: "teacher.weights", shape: [2, 2], values: [1, -2, 3, 4]),
                NamedTensor(name: "teacher.bias", shape: [2], values: [0, 0]),
            ])
    }
}
