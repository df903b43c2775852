import DisentangledHead
import SeededNumbers
import Tensors
import Testing

@Suite("A head that starts from another")
struct HeadStartTests {
    private let channels = 20
    private let classes = 4

    private func trainer(
        _ configuration: HeadConfiguration, start: HeadStart? = nil, teacher: DistillationTeacher? = nil
    ) throws -> HeadTrainer {
        try HeadTrainer(
            configuration: configuration, channelCount: channels, classCount: classes, seed: 9, start: start,
            teacher: teacher)
    }

    private func advance(_ trainer: inout HeadTrainer, team: WorkerTeam = three) throws {
        let features = normalTensor([12, 9, channels], seed: 40, trainer.step)
        let labels = randomLabels(12, classCount: classes, seed: UInt64(50 + trainer.step))
        var gradient = try trainer.gradient(features: features, labels: labels, sampleIDs: Array(0..<12), team: team)
        gradient.scale(by: 1 / 12)
        try trainer.apply(gradient, learningRate: 0.02, team: team)
    }

    /// A head that was trained for a few steps.
    private func trained(_ configuration: HeadConfiguration, steps: Int = 6) throws -> HeadStart {
        var trainer = try trainer(configuration)
        for _ in 0..<steps { try advance(&trainer) }
        return HeadStart(
            head: trainer.head, channelMap: configuration.channelMap,
            parameter: trainer.state.optimizer.first { $0.name == "channel_map.parameter" }?.values)
    }

    private func masked(keeping count: Int) throws -> HeadStart {
        try trained(HeadConfiguration(budget: ChannelBudget(channelsPerClass: count, begin: 2, end: 5)))
    }

    private func keptCounts(_ trainer: HeadTrainer) throws -> [Int] {
        let mask = try #require(trainer.head.classifier.mask)
        return (0..<classes).map { mask[$0 * channels..<($0 + 1) * channels].count { $0 } }
    }

    private func problem(_ body: () throws -> Void) -> String {
        guard case .unusableStart(let problem, let remedy) = #expect(throws: HeadError.self, performing: body) else {
            return "another error"
        }
        #expect(!remedy.isEmpty)
        return problem
    }

    @Test("Begins with U, W and A, no step taken and no memory", arguments: ChannelMapKind.allCases)
    func sameKind(map: ChannelMapKind) throws {
        let configuration = HeadConfiguration(channelMap: map, startsFromHead: true)
        let start = try trained(HeadConfiguration(channelMap: map))
        var trainer = try trainer(configuration, start: start)
        #expect(trainer.head == start.head && trainer.step == 0)
        let tensors = trainer.state.optimizer
        #expect(tensors.first { $0.name == "channel_map.parameter" }?.values == start.parameter)
        #expect(tensors.allSatisfy { $0.name == "channel_map.parameter" || $0.values.allSatisfy { $0 == 0 } })
        for _ in 0..<3 { try advance(&trainer) }
        #expect(trainer.head != start.head && trainer.orthogonalityError(team: alone) < 1e-5)
        var restored = try HeadTrainer(configuration: configuration, seed: 9, restoring: trainer.state)
        for _ in 0..<3 {
            try advance(&trainer)
            try advance(&restored, team: alone)
            #expect(restored.state == trainer.state)
        }
    }

    @Test(
        "A riemannian map takes any head; the others only what they can be computed to",
        arguments: ChannelMapKind.allCases)
    func otherKinds(map: ChannelMapKind) throws {
        let start = try trained(HeadConfiguration(channelMap: map))
        for kind in ChannelMapKind.allCases where kind != map {
            let configuration = HeadConfiguration(channelMap: kind)
            switch kind {
            case .riemannian:
                #expect(try trainer(configuration, start: start).head == start.head)
            case .identity:
                #expect(problem { _ = try trainer(configuration, start: start) }.contains("other than the identity"))
            case .exponential, .cayley:
                let found = problem { _ = try trainer(configuration, start: start) }
                #expect(found.contains("was trained with head.channel_map \(map.rawValue)") && found.contains("needs"))
            }
        }
    }

    @Test("A map whose parameter is not kept, a head of another shape and one with negative weights are refused")
    func unusable() throws {
        let cayley = try trained(HeadConfiguration(channelMap: .cayley))
        #expect(
            problem {
                _ = try trainer(
                    HeadConfiguration(channelMap: .cayley), start: HeadStart(head: cayley.head, channelMap: .cayley))
            }.contains("has not kept the matrix"))
        #expect(
            problem {
                _ = try HeadTrainer(
                    configuration: HeadConfiguration(), channelCount: channels, classCount: 5, seed: 1, start: cayley)
            }.contains("4 classes and 20 channels, and this run 5 and 20"))
        let signed = try Head(
            channelMap: cayley.head.channelMap,
            classifier: Classifier(
                weights: cayley.head.classifier.weights.map { -$0 }, signs: .any, classCount: classes,
                channelCount: channels))
        #expect(
            problem { _ = try trainer(HeadConfiguration(), start: HeadStart(head: signed, channelMap: .cayley)) }
                .contains("negative"))
    }

    @Test("A bias starts where the other head's is, or at 0; it cannot be lost")
    func bias() throws {
        let (with, without) = (HeadConfiguration(hasBias: true), HeadConfiguration())
        let biased = try trained(with)
        #expect(try trainer(with, start: biased).head.classifier.bias == biased.head.classifier.bias)
        #expect(try trainer(with, start: trained(without)).head.classifier.bias == [0, 0, 0, 0])
        #expect(problem { _ = try trainer(without, start: biased) }.contains("has a bias"))
    }

    @Test("Sides that are not tied are refused, in the other head, in this one and in a teacher")
    func sides() throws {
        let tied = try trained(HeadConfiguration())
        for sides in [ChannelSides.untied, .positive] {
            let other = try trained(HeadConfiguration(sides: sides))
            let expected = "head.signs \(sides.rawValue)"
            #expect(problem { _ = try trainer(HeadConfiguration(), start: other) }.contains(expected))
            #expect(problem { _ = try trainer(HeadConfiguration(sides: sides), start: tied) }.contains(expected))
            let taught = HeadConfiguration(distillation: Distillation(weight: 0.5))
            #expect(
                problem { _ = try trainer(taught, start: other, teacher: .head(other.head)) }.contains(expected))
        }
    }

    @Test("Without a budget a mask stays, also after a restore")
    func fixedMask() throws {
        let start = try masked(keeping: 3)
        let configuration = HeadConfiguration(startsFromHead: true)
        var trainer = try trainer(configuration, start: start)
        for _ in 0..<5 { try advance(&trainer) }
        #expect(trainer.head.classifier.mask == start.head.classifier.mask)
        let mask = try #require(start.head.classifier.mask)
        #expect(zip(mask, trainer.head.classifier.weights).allSatisfy { $0 || $1 == 0 })
        #expect(trainer.head.classifier.weights != start.head.classifier.weights)
        var restored = try HeadTrainer(configuration: configuration, seed: 9, restoring: trainer.state)
        for _ in 0..<3 {
            try advance(&trainer)
            try advance(&restored, team: alone)
            #expect(restored.state == trainer.state)
        }
        #expect(throws: HeadError.unexpectedTensor("classifier_mask", expected: ["channel_map", "classifier"])) {
            try HeadTrainer(configuration: HeadConfiguration(), seed: 9, restoring: trainer.state)
        }
    }

    @Test("A mask that leaves nothing out is none")
    func fullMask() throws {
        let start = try trained(HeadConfiguration(budget: ChannelBudget(channelsPerClass: 3, begin: 90, end: 99)))
        #expect(start.head.classifier.mask?.allSatisfy { $0 } == true)
        #expect(try trainer(HeadConfiguration(startsFromHead: true), start: start).head.classifier.mask == nil)
    }

    @Test("With a smaller budget classes lose channels from those that they have; restored in the middle too")
    func smallerBudget() throws {
        let start = try masked(keeping: 9)
        let budget = ChannelBudget(channelsPerClass: 2, begin: 3, end: 13, interval: 2, regrowth: 0.2)
        let configuration = HeadConfiguration(budget: budget, startsFromHead: true)
        var trainer = try trainer(configuration, start: start)
        var restored: HeadTrainer?
        while trainer.step < 15 {
            try advance(&trainer)
            let expected = trainer.step < 3 ? 9 : budget.keptCount(afterStep: trainer.step, channelCount: 9)
            // Between two events the number stays.
            if trainer.step < 3 || budget.hasEvent(afterStep: trainer.step) {
                #expect(try keptCounts(trainer) == [expected, expected, expected, expected], "step \(trainer.step)")
            }
            if var other = restored {
                try advance(&other, team: alone)
                #expect(other.state == trainer.state)
                restored = other
            } else if trainer.step == 6 {
                restored = try HeadTrainer(configuration: configuration, seed: 9, restoring: trainer.state)
            }
        }
        #expect(try keptCounts(trainer) == [2, 2, 2, 2])
        let state = trainer.state
        for wrong in [1, 20, 2.5] as [Float] {
            let tensors = state.optimizer.map {
                $0.name == "budget.first_count" ? NamedTensor(name: $0.name, shape: [1], values: [wrong]) : $0
            }
            #expect(throws: HeadError.self) {
                try HeadTrainer(
                    configuration: configuration, seed: 9,
                    restoring: HeadTrainerState(step: state.step, head: state.head, optimizer: tensors))
            }
        }
    }

    @Test("An equal budget keeps their number, a larger one is refused")
    func equalAndLargerBudgets() throws {
        let start = try masked(keeping: 5)
        func configuration(_ count: Int) -> HeadConfiguration {
            HeadConfiguration(budget: ChannelBudget(channelsPerClass: count, begin: 1, end: 6), startsFromHead: true)
        }
        var trainer = try trainer(configuration(5), start: start)
        for _ in 0..<8 {
            try advance(&trainer)
            #expect(try keptCounts(trainer) == [5, 5, 5, 5])
        }
        #expect(
            problem { _ = try self.trainer(configuration(6), start: start) }
                .contains("has 5 channels left for a class, and head.channels_per_class is 6"))
    }

    @Test(
        "A head that teaches is part of the state, and its logits are those of its forward pass",
        arguments: [true, false])
    func teachingHead(hasBias: Bool) throws {
        let start = try trained(HeadConfiguration(hasBias: hasBias))
        let configuration = HeadConfiguration(
            hasBias: hasBias, distillation: Distillation(weight: 0.5), startsFromHead: true)
        var trainer = try trainer(configuration, start: start, teacher: .head(start.head))
        let features = normalTensor([5, 9, channels], seed: 77)
        let logits = try start.head.forward(features, team: three).logits
        #expect(trainer.isDistilled)
        #expect(try trainer.teacherLogits(features: features, team: alone) == logits)
        for _ in 0..<4 { try advance(&trainer) }
        #expect(try trainer.teacherLogits(features: features, team: three) == logits, "it does not move")
        let names = trainer.state.optimizer.map(\.name).filter { $0.hasPrefix("teacher.") }
        #expect(names == ["teacher.channel_map", "teacher.weights"] + (hasBias ? ["teacher.bias"] : []))
        var restored = try HeadTrainer(configuration: configuration, seed: 9, restoring: trainer.state)
        for _ in 0..<3 {
            try advance(&trainer)
            try advance(&restored, team: alone)
            #expect(restored.state == trainer.state)
        }
        #expect(throws: HeadError.self) {
            try trainer.gradient(
                features: features, labels: [0, 1, 2, 3, 0], sampleIDs: [0, 1, 2, 3, 4], teacherLogits: [1], team: alone
            )
        }
    }
}
