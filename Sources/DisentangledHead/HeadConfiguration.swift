/// How the D x D channel map U is kept orthogonal.
public enum ChannelMapKind: String, Codable, CaseIterable, Sendable {
    /// U = exp(W - W^T).
    case exponential
    /// U = (I + S)^-1 (I - S) with S = (W - W^T) / 2.
    case cayley
    /// U itself is the parameter; steps go along the group of rotations.
    case riemannian
    /// U = I, not trained.
    case identity
}

/// How the pixels of a channel become one number in training; evaluation always takes the deterministic maximum.
public enum Pooling: String, Codable, CaseIterable, Sendable {
    /// The deterministic maximum and minimum, with the sparse gradient.
    case argmax
    /// Gumbel-Softmax, straight-through: one pixel drawn in the forward pass, soft weights in the backward pass.
    case gumbel
    /// Gumbel-Softmax with soft weights in both passes.
    case gumbelSoft = "gumbel_soft"
    /// Mean of the `top_k` largest and of the `top_k` smallest (ablation).
    case topk
    /// tau (log mean exp(r / tau)) of ReLU(J) less that of ReLU(-J) (ablation).
    case logsumexp
    /// Mean over the pixels (ablation).
    case average
    /// Weights softmax(s ReLU(+-J) / sigma) over the pixels, whose sharpness s grows from 0, the mean, to the deterministic
    /// maximum (`AnnealingSchedule`).
    case annealed

    /// Whether the pooling has a temperature.
    public var hasTemperature: Bool {
        switch self {
        case .gumbel, .gumbelSoft, .logsumexp: true
        case .argmax, .topk, .average, .annealed: false
        }
    }
}

/// The temperature tau of the pooling, falling geometrically from `start` to `end` in `steps` steps, then constant.
public struct TemperatureSchedule: Codable, Equatable, Sendable {
    public var start: Double
    public var end: Double
    public var steps: Int

    public init(start: Double = 1, end: Double = 0.1, steps: Int = 1000) {
        self.start = start
        self.end = end
        self.steps = steps
    }

    /// tau at `step`, counted from 0; `end` is reached at `steps`.
    public func temperature(step: Int) -> Double {
        guard steps > 0, step < steps else { return end }
        return start * power(end / start, Double(max(step, 0)) / Double(steps))
    }
}

/// The sharpness s of `Pooling.annealed`, growing without bound in `steps` steps: s(t) = `sharpness` t / (1 - t), t = step /
/// `steps`.
public struct AnnealingSchedule: Codable, Equatable, Sendable {
    /// s half-way.
    public var sharpness: Double
    /// Steps until the pooling is the deterministic maximum; 0 for at once.
    public var steps: Double

    public init(sharpness: Double = 4, steps: Double = 1000) {
        self.sharpness = sharpness
        self.steps = steps
    }

    /// s at `step`, counted from 0; nil from the step on where the pooling is the deterministic maximum.
    public func sharpness(step: Int) -> Double? {
        let time = Double(max(step, 0))
        return time < steps ? sharpness * (time / (steps - time)) : nil
    }
}

/// The rule that turns gradients into steps, with PyTorch's names, defaults and formulas.
public struct OptimizerConfiguration: Codable, Equatable, Sendable {
    public enum Kind: String, Codable, CaseIterable, Sendable {
        case adam
        case sgd
    }

    public var kind: Kind
    /// Decay of Adam's first moment.
    public var beta1: Double
    /// Decay of Adam's second moment.
    public var beta2: Double
    /// Added to the root of Adam's second moment.
    public var epsilon: Double
    /// Decay of SGD's velocity; 0 is plain gradient descent.
    public var momentum: Double

    enum CodingKeys: String, CodingKey {
        case kind, beta1, beta2
        case epsilon = "eps"
        case momentum
    }

    public init(
        kind: Kind = .adam, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, momentum: Double = 0.9
    ) {
        self.kind = kind
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.momentum = momentum
    }
}

/// The learning rate as a function of the step: a linear warm-up, then constant or half a cosine down to 0.
public struct LearningRateSchedule: Codable, Equatable, Sendable {
    public enum Kind: String, Codable, CaseIterable, Sendable {
        case constant
        case cosine
    }

    public var kind: Kind
    public var warmupSteps: Int

    enum CodingKeys: String, CodingKey {
        case kind
        case warmupSteps = "warmup_steps"
    }

    public init(kind: Kind = .cosine, warmupSteps: Int = 0) {
        self.kind = kind
        self.warmupSteps = warmupSteps
    }

    /// The learning rate at `step` (counted from 0) of `totalSteps` when the peak is `base`.
    ///
    /// Warm-up: base (step + 1) / warmupSteps. Cosine: base (1 + cos(pi t)) / 2, where t goes from 0 to 1 in the steps
    /// after the warm-up.
    public func learningRate(base: Double, step: Int, totalSteps: Int) -> Double {
        if step < warmupSteps { return base * Double(step + 1) / Double(warmupSteps) }
        switch kind {
        case .constant:
            return base
        case .cosine:
            let length = max(totalSteps - warmupSteps, 1)
            let progress = min(Double(step - warmupSteps) / Double(length), 1)
            return base * 0.5 * (1 + cosine(.pi * progress))
        }
    }
}

/// Where the classifier A starts.
public enum ClassifierInitialisation: Sendable {
    /// Uniform in [0, 2 / sqrt(D)): rows of norm about 1, so the first logits have the size of a pooled feature. Where each side
    /// of a channel has a weight of its own (`ChannelSides.untied`), each is drawn; the other starts have both the same.
    case uniform
    /// The positive part of a [C, D] matrix, row-major; such as the backbone's own classifier for the same classes. A head with
    /// a bias starts from `bias` [C] too, or from 0.
    case positivePart(of: [Float], bias: [Float]? = nil)
    /// A [C, D] matrix of any signs, row-major, taken over whole: each column less its minimum, which changes no probability
    /// (`Classifier.broughtToColumnMinimum()`). A head with a bias starts from `bias` [C] too, or from 0.
    ///
    /// With `Pooling.annealed`, whose first step pools by the mean, the logits before that step are then those of the
    /// linear classifier W mean(x) + bias, up to one number per image that is the same for all classes. (With
    /// `ChannelSides.positive` only where no feature is negative.)
    case signed([Float], bias: [Float]? = nil)
}

/// What the head is and how it is trained, apart from the data.
public struct HeadConfiguration: Codable, Equatable, Sendable {
    public var channelMap: ChannelMapKind
    public var pooling: Pooling
    /// Used by the Gumbel poolings and `logsumexp`.
    public var temperature: TemperatureSchedule
    /// Used by `topk`.
    public var topK: Int
    /// Used by `annealed`.
    public var annealing: AnnealingSchedule
    /// Whether the classifier has a bias b [C].
    public var hasBias: Bool
    /// What a class makes of the two sides of a channel.
    public var sides: ChannelSides
    /// How much of the loss is about being like a teacher; nil for none of it.
    public var distillation: Distillation?
    /// What of the loss wants a channel to be one thing in one place; nil for nothing.
    public var purity: ChannelPurity?
    /// If only the channel map is trained, for pure prototypes, and the classifier is kept; nil for InfoDisent's training.
    public var prototypePurity: PrototypePurity?
    /// What is minimised where the classifier is trained.
    public var loss: ClassificationLoss
    /// How many channels a class may use; nil for all.
    public var budget: ChannelBudget?
    /// How many channels of an image count; all if nil.
    public var imageBudget: ImageBudget?
    /// Whether the training begins with another head, whose mask it keeps if there is no budget.
    public var startsFromHead: Bool
    /// Strength of the L1 shrinkage of the classifier, at least 0.
    public var classifierL1: Double
    /// The number of the last step, if the classifier is brought to its column minimum after it and before each event of the
    /// budget (`Classifier.broughtToColumnMinimum()`); nil if it never is.
    ///
    /// No probability changes, and the optimizer's memory stays. Where the mask leaves a class out of a channel, the minimum is 0
    /// already: the first events do nearly all of it, and each the channels that all classes still have.
    public var lastGaugeStep: Int?
    public var optimizer: OptimizerConfiguration

    enum CodingKeys: String, CodingKey {
        case channelMap = "channel_map"
        case pooling, temperature
        case topK = "top_k"
        case annealing
        case hasBias = "bias"
        case sides = "signs"
        case distillation, purity
        case prototypePurity = "prototype_purity"
        case loss, budget
        case imageBudget = "image_budget"
        case startsFromHead = "starts_from_head"
        case classifierL1 = "classifier_l1"
        case lastGaugeStep = "last_gauge_step"
        case optimizer
    }

    public init(
        channelMap: ChannelMapKind = .riemannian, pooling: Pooling = .argmax,
        temperature: TemperatureSchedule = TemperatureSchedule(), topK: Int = 3,
        annealing: AnnealingSchedule = AnnealingSchedule(), hasBias: Bool = false,
        sides: ChannelSides = .tied, distillation: Distillation? = nil, purity: ChannelPurity? = nil,
        prototypePurity: PrototypePurity? = nil, loss: ClassificationLoss = .crossEntropy,
        budget: ChannelBudget? = nil, imageBudget: ImageBudget? = nil,
        startsFromHead: Bool = false, classifierL1: Double = 0, lastGaugeStep: Int? = nil,
        optimizer: OptimizerConfiguration = OptimizerConfiguration()
    ) {
        self.channelMap = channelMap
        self.pooling = pooling
        self.temperature = temperature
        self.topK = topK
        self.annealing = annealing
        self.hasBias = hasBias
        self.sides = sides
        self.distillation = distillation
        self.purity = purity
        self.prototypePurity = prototypePurity
        self.loss = loss
        self.budget = budget
        self.imageBudget = imageBudget
        self.startsFromHead = startsFromHead
        self.classifierL1 = classifierL1
        self.lastGaugeStep = lastGaugeStep
        self.optimizer = optimizer
    }

    /// Whether the classifier is brought to its column minimum after a step, before any event of the budget.
    func changesGauge(afterStep step: Int) -> Bool {
        guard let lastGaugeStep else { return false }
        return step == lastGaugeStep || budget?.hasEvent(afterStep: step) ?? false
    }

    /// Checks every setting's range.
    /// - Throws: `HeadError.invalidSetting` naming the first that is wrong.
    public func validate() throws {
        func require(_ holds: Bool, _ key: String, _ value: some Any, _ expected: String) throws {
            if !holds { throw HeadError.invalidSetting(key: key, value: "\(value)", expected: expected) }
        }
        func isPositive(_ number: Double) -> Bool { number > 0 && number.isFinite }
        try require(isPositive(temperature.start), "temperature.start", temperature.start, "a positive number")
        try require(isPositive(temperature.end), "temperature.end", temperature.end, "a positive number")
        try require(temperature.steps >= 0, "temperature.steps", temperature.steps, "0 or more")
        try require(topK >= 1, "top_k", topK, "1 or more")
        try require(
            annealing.sharpness >= 0 && annealing.sharpness.isFinite, "annealing.sharpness", annealing.sharpness,
            "0 or a positive number")
        try require(
            annealing.steps >= 0 && annealing.steps.isFinite, "annealing.steps", annealing.steps,
            "0 or a positive number")
        try require(
            classifierL1 >= 0 && classifierL1.isFinite, "classifier_l1", classifierL1, "0 or a positive number")
        if let lastGaugeStep { try require(lastGaugeStep >= 0, "last_gauge_step", lastGaugeStep, "0 or more") }
        if let distillation {
            let (weight, temperature) = (distillation.weight, distillation.temperature)
            try require(weight > 0 && weight <= 1, "distillation.weight", weight, "in (0, 1]")
            try require(isPositive(temperature), "distillation.temperature", temperature, "a positive number")
        }
        if let purity {
            for (key, strength) in [
                ("spatial_entropy", purity.spatialEntropy), ("decorrelation", purity.decorrelation),
            ] { try require(strength >= 0 && strength.isFinite, "purity.\(key)", strength, "0 or a positive number") }
            try require(
                channelMap != .identity, "purity", "asked for", "left out where the channel map is not trained")
        }
        try require(
            loss == .crossEntropy || lastGaugeStep == nil, "loss", loss.rawValue,
            "cross_entropy where the classifier is brought to its column minimum: the probabilities of the other change with it"
        )
        if let prototypePurity {
            let (first, last) = (prototypePurity.firstCount, prototypePurity.lastCount)
            try require(last >= 1, "prototype_purity.last_count", last, "1 or more")
            try require(first >= last, "prototype_purity.first_count", first, "last_count or more")
            try require(
                prototypePurity.stageCount >= 1, "prototype_purity.stage_count", prototypePurity.stageCount, "1 or more"
            )
            try require(
                self
                    == HeadConfiguration(
                        channelMap: channelMap, temperature: temperature, topK: topK, annealing: annealing,
                        prototypePurity: prototypePurity, optimizer: optimizer),
                "prototype_purity", "asked for", "left out where a classifier is trained")
        }
        if let budget {
            try require(budget.channelsPerClass >= 1, "channels_per_class", budget.channelsPerClass, "1 or more")
            try require(budget.begin >= 0, "budget.begin", budget.begin, "0 or more")
            try require(
                budget.end >= max(1, budget.begin), "budget.end", budget.end, "1 or more and not before the begin")
            try require(budget.interval >= 1, "budget.interval", budget.interval, "1 or more")
            try require((0...0.5).contains(budget.regrowth), "budget.regrowth", budget.regrowth, "in [0, 0.5]")
        }
        if let imageBudget {
            let (count, schedule) = (imageBudget.channelsPerImage, imageBudget.schedule)
            try require(count >= 1, "channels_per_image", count, "1 or more")
            try require(schedule.begin >= 0, "image_budget.begin", schedule.begin, "0 or more")
            try require(
                schedule.end >= schedule.begin, "image_budget.end", schedule.end, "not before the begin")
        }
        try require((0..<1).contains(optimizer.beta1), "optimizer.beta1", optimizer.beta1, "in [0, 1)")
        try require((0..<1).contains(optimizer.beta2), "optimizer.beta2", optimizer.beta2, "in [0, 1)")
        try require(isPositive(optimizer.epsilon), "optimizer.eps", optimizer.epsilon, "a positive number")
        try require((0..<1).contains(optimizer.momentum), "optimizer.momentum", optimizer.momentum, "in [0, 1)")
    }
}
