import DisentangledHead
import SeededNumbers
import Tensors
import Testing

/// What Reference/record_training.py wrote.
private struct RecordedTraining: Decodable {
    struct Run: Decodable {
        let channelMap: ChannelMapKind
        let optimizer: OptimizerConfiguration.Kind
        let learningRate: Double
        let classifierL1: Double
        let losses: [Double]
        let finalChannelMap: [Double]
        let finalClassifier: [Double]
    }
    let imageCount, pixelCount, channelCount, classCount: Int
    let weight, rotation, classifier: [Double]
    let features: [[Double]]
    let labels: [[Int]]
    let runs: [Run]
}

private struct RecordedVariants: Decodable {
    struct Run: Decodable {
        let name: String
        let headTeaches: Bool
        let channelMap: ChannelMapKind
        let optimizer: OptimizerConfiguration.Kind
        let learningRate: Double
        let annealing: AnnealingSchedule?
        let bias: [Double]?
        let distillation: Distillation?
        let budget: ChannelBudget?
        let signedClassifier: [Double]?
        let lastGaugeStep: Int?
        let signs: ChannelSides
        let purity: ChannelPurity?
        let losses: [Double]
        let finalChannelMap: [Double]
        let finalClassifier: [Double]
        let finalBias: [Double]?
        let finalMask: [Bool]?
    }
    let teacherWeights, teacherBias: [Double]
    let headWeights, headBias, headChannelMap: [Double]
    let runs: [Run]
}

@Suite("Ten steps of training against PyTorch")
struct TrainingReferenceTests {
    @Test("In double precision every loss and both matrices agree to 1e-9")
    func double() throws { try compare(as: Double.self, tolerance: 1e-9) }

    @Test("In single precision they agree to 2e-5")
    func single() throws { try compare(as: Float.self, tolerance: 2e-5) }

    @Test(
        "Bias, annealed pooling, distillation, a budget, a signed start, a gauge, other sides and pure channels in double precision"
    )
    func doubleVariants() throws { try compareVariants(as: Double.self, tolerance: 1e-9) }

    @Test("and in single precision")
    func singleVariants() throws { try compareVariants(as: Float.self, tolerance: 3e-5) }

    private func compareVariants<Scalar: HeadScalar>(as type: Scalar.Type, tolerance: Double) throws {
        let recorded = try fixture("training", as: RecordedTraining.self)
        let variants = try fixture("training_variants", as: RecordedVariants.self)
        #expect(variants.runs.count == 19)
        let teacher = DistillationTeacher(
            try Classifier(
                weights: variants.teacherWeights.map { Float($0) }, bias: variants.teacherBias.map { Float($0) },
                signs: .any, classCount: recorded.classCount, channelCount: recorded.channelCount))
        let head = try Head(
            channelMap: variants.headChannelMap.map { Float($0) },
            classifier: Classifier(
                weights: variants.headWeights.map { Float($0) }, bias: variants.headBias.map { Float($0) },
                classCount: recorded.classCount, channelCount: recorded.channelCount))
        for run in variants.runs {
            let configuration = HeadConfiguration(
                channelMap: run.channelMap, pooling: run.annealing == nil ? .argmax : .annealed,
                annealing: run.annealing ?? AnnealingSchedule(), hasBias: run.bias != nil, sides: run.signs,
                distillation: run.distillation, purity: run.purity, budget: run.budget,
                lastGaugeStep: run.lastGaugeStep,
                optimizer: OptimizerConfiguration(kind: run.optimizer))
            let bias = run.bias.map { $0.map { Float($0) } }
            var parameters = try HeadParameters<Scalar>(
                configuration: configuration, channelCount: recorded.channelCount, classCount: recorded.classCount,
                seed: 0,
                classifier: run.signedClassifier.map { .signed($0.map { Float($0) }, bias: bias) }
                    ?? .positivePart(of: recorded.classifier.map { Float($0) }, bias: bias),
                teacher: run.distillation == nil ? nil : run.headTeaches ? .head(head) : teacher)
            if run.channelMap == .riemannian {
                try parameters.channelMap.setParameter(
                    SquareMatrix(size: recorded.channelCount, values: recorded.rotation.map { Scalar($0) }),
                    team: three)
            }
            for step in 0..<recorded.features.count {
                let loss = try advance(&parameters, recorded, step: step, learningRate: run.learningRate)
                #expect(abs(loss / run.losses[step] - 1) < tolerance, "\(run.name) step \(step): \(loss)")
            }
            #expect(
                relativeDifference(parameters.channelMap.matrix.values, run.finalChannelMap) < tolerance,
                "\(run.name)")
            #expect(relativeDifference(parameters.classifier, run.finalClassifier) < tolerance, "\(run.name)")
            #expect(parameters.pruning?.mask == run.finalMask, "\(run.name)")
            if let bias = run.finalBias {
                #expect(relativeDifference(try #require(parameters.bias), bias) < tolerance, "\(run.name)")
            }
        }
    }

    private func compare<Scalar: HeadScalar>(as type: Scalar.Type, tolerance: Double) throws {
        let recorded = try fixture("training", as: RecordedTraining.self)
        #expect(recorded.runs.count == 8 && recorded.features.count == 10)
        for run in recorded.runs {
            let configuration = HeadConfiguration(
                channelMap: run.channelMap, classifierL1: run.classifierL1,
                optimizer: OptimizerConfiguration(kind: run.optimizer))
            var parameters = try HeadParameters<Scalar>(
                configuration: configuration, channelCount: recorded.channelCount, classCount: recorded.classCount,
                seed: 0, classifier: .positivePart(of: recorded.classifier.map { Float($0) }))
            if run.channelMap != .identity {
                let start = run.channelMap == .riemannian ? recorded.rotation : recorded.weight
                try parameters.channelMap.setParameter(
                    SquareMatrix(size: recorded.channelCount, values: start.map { Scalar($0) }), team: three)
            }
            for step in 0..<recorded.features.count {
                let loss = try advance(&parameters, recorded, step: step, learningRate: run.learningRate)
                #expect(
                    abs(loss / run.losses[step] - 1) < tolerance,
                    "\(run.channelMap) \(run.optimizer) step \(step): loss \(loss), recorded \(run.losses[step])")
            }
            let mapError = relativeDifference(parameters.channelMap.matrix.values, run.finalChannelMap)
            let classifierError = relativeDifference(parameters.classifier, run.finalClassifier)
            #expect(mapError < tolerance, "\(run.channelMap) \(run.optimizer)")
            #expect(classifierError < tolerance, "\(run.channelMap) \(run.optimizer)")
        }
    }

    /// One step; the mean loss before it.
    private func advance<Scalar: HeadScalar>(
        _ parameters: inout HeadParameters<Scalar>, _ recorded: RecordedTraining, step: Int, learningRate: Double
    ) throws -> Double {
        let features = recorded.features[step].map { Scalar($0) }
        let count = Scalar(recorded.imageCount)
        let sum = try features.withUnsafeBufferPointer { features in
            try parameters.gradient(
                batch: FeatureBatch(
                    features: features.baseAddress!, imageCount: recorded.imageCount,
                    pixelCount: recorded.pixelCount, channelCount: recorded.channelCount),
                labels: recorded.labels[step], sampleIDs: Array(0..<recorded.imageCount), team: three)
        }
        let ofMap = sum.channelMap.map { parameters.channelMap.summand($0, team: three) } ?? []
        try parameters.apply(
            channelMapGradient: ofMap.map { $0 / count }, classifierGradient: sum.classifier.map { $0 / count },
            biasGradient: sum.bias.map { $0.map { $0 / count } }, classSums: sum.classSums,
            channelMapLearningRate: learningRate, classifierLearningRate: learningRate, team: three)
        return sum.lossSum / Double(recorded.imageCount)
    }
}
