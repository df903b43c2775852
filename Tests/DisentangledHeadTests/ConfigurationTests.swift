import DisentangledHead
import Foundation
import Testing

@Suite("Head configuration")
struct ConfigurationTests {
    @Test("The temperature falls geometrically and stays at its end")
    func temperature() {
        let schedule = TemperatureSchedule(start: 1, end: 0.01, steps: 4)
        let expected = [1, 0.316_227_766, 0.1, 0.031_622_776_6, 0.01, 0.01]
        for (step, value) in expected.enumerated() {
            #expect(abs(schedule.temperature(step: step) / value - 1) < 1e-8)
        }
        #expect(TemperatureSchedule(start: 1, end: 0.5, steps: 0).temperature(step: 0) == 0.5)
    }

    @Test("The sharpness grows from 0 without bound, and is none from the end of the annealing on")
    func annealing() throws {
        let schedule = AnnealingSchedule(sharpness: 4, steps: 7.5)
        #expect(schedule.sharpness(step: 0) == 0)
        #expect(abs(try #require(schedule.sharpness(step: 3)) - 4 * 0.4 / 0.6) < 1e-12)
        #expect(try #require(schedule.sharpness(step: 7)) > 50)
        #expect(schedule.sharpness(step: 8) == nil && schedule.sharpness(step: 800) == nil)
        #expect(AnnealingSchedule(steps: 0).sharpness(step: 0) == nil)
    }

    @Test("The learning rate warms up linearly, then follows half a cosine or stays")
    func learningRate() {
        let cosine = LearningRateSchedule(kind: .cosine, warmupSteps: 2)
        let rates = (0...6).map { cosine.learningRate(base: 0.1, step: $0, totalSteps: 6) }
        for (rate, expected) in zip(rates, [0.05, 0.1, 0.1, 0.085_355_339, 0.05, 0.014_644_661, 0]) {
            #expect(abs(rate - expected) < 1e-8)
        }
        let constant = LearningRateSchedule(kind: .constant)
        #expect(constant.learningRate(base: 0.1, step: 0, totalSteps: 5) == 0.1)
        #expect(constant.learningRate(base: 0.1, step: 50, totalSteps: 5) == 0.1)
    }

    @Test("A configuration survives encoding, with the names of the configuration file")
    func coding() throws {
        let configuration = HeadConfiguration(
            channelMap: .cayley, pooling: .gumbelSoft, temperature: TemperatureSchedule(start: 2, end: 0.5, steps: 9),
            topK: 4, sides: .untied, distillation: Distillation(weight: 0.5),
            purity: ChannelPurity(spatialEntropy: 0.5), budget: ChannelBudget(channelsPerClass: 5, begin: 3, end: 9),
            classifierL1: 0.25, lastGaugeStep: 12,
            optimizer: OptimizerConfiguration(kind: .sgd, momentum: 0.5))
        let data = try JSONEncoder().encode(configuration)
        #expect(try JSONDecoder().decode(HeadConfiguration.self, from: data) == configuration)
        let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        #expect(
            Set(object.keys) == [
                "channel_map", "pooling", "temperature", "top_k", "annealing", "bias", "signs", "distillation",
                "purity", "loss", "budget", "starts_from_head", "classifier_l1", "last_gauge_step", "optimizer",
            ])
        #expect(object["pooling"] as? String == "gumbel_soft")
        let purity = try #require(object["purity"] as? [String: Double])
        #expect(purity == ["spatial_entropy": 0.5, "decorrelation": 0])
    }

    @Test("Settings out of range are named")
    func validation() throws {
        try HeadConfiguration().validate()
        func expectError(_ key: String, _ change: (inout HeadConfiguration) -> Void) {
            var configuration = HeadConfiguration()
            change(&configuration)
            let error = #expect(throws: HeadError.self) { try configuration.validate() }
            guard case .invalidSetting(let found, _, _) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(found == key)
        }
        expectError("temperature.start") { $0.temperature.start = 0 }
        expectError("temperature.end") { $0.temperature.end = -.infinity }
        expectError("temperature.steps") { $0.temperature.steps = -1 }
        expectError("top_k") { $0.topK = 0 }
        expectError("annealing.sharpness") { $0.annealing.sharpness = -1 }
        expectError("annealing.steps") { $0.annealing.steps = .infinity }
        expectError("distillation.weight") { $0.distillation = Distillation(weight: 0) }
        expectError("distillation.temperature") { $0.distillation = Distillation(weight: 1, temperature: 0) }
        for strength in [-0.1, .nan, .infinity] {
            expectError("purity.spatial_entropy") { $0.purity = ChannelPurity(spatialEntropy: strength) }
            expectError("purity.decorrelation") { $0.purity = ChannelPurity(decorrelation: strength) }
        }
        expectError("purity") {
            $0.purity = ChannelPurity(decorrelation: 1)
            $0.channelMap = .identity
        }
        expectError("channels_per_class") { $0.budget = ChannelBudget(channelsPerClass: 0, begin: 1, end: 2) }
        expectError("budget.begin") { $0.budget = ChannelBudget(channelsPerClass: 1, begin: -1, end: 2) }
        expectError("budget.end") { $0.budget = ChannelBudget(channelsPerClass: 1, begin: 3, end: 2) }
        expectError("budget.interval") { $0.budget = ChannelBudget(channelsPerClass: 1, begin: 1, end: 2, interval: 0) }
        expectError("budget.regrowth") { $0.budget = ChannelBudget(channelsPerClass: 1, begin: 1, end: 2, regrowth: 2) }
        expectError("classifier_l1") { $0.classifierL1 = -1 }
        expectError("last_gauge_step") { $0.lastGaugeStep = -1 }
        expectError("optimizer.beta1") { $0.optimizer.beta1 = 1 }
        expectError("optimizer.beta2") { $0.optimizer.beta2 = .nan }
        expectError("optimizer.eps") { $0.optimizer.epsilon = 0 }
        expectError("optimizer.momentum") { $0.optimizer.momentum = 1 }
    }
}
