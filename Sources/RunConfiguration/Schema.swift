import DurableFiles
import SystemPackage

/// One key of the configuration file: where it stands, what it takes, and the property it sets.
struct Field: Sendable {
    let section: String
    /// Keys of a section inside the section have its name and a dot in front.
    let key: String
    /// Whether a file that leaves the key out is complete; a required key has no sensible default.
    let isRequired: Bool
    /// Whether the value is a list in brackets.
    let isList: Bool
    /// All values it takes, if they are a few words; else none.
    let words: [String]
    /// Reads a value into the configuration; `where` names file, line and key for the error.
    let read: @Sendable (inout RunConfiguration, Scalars, _ where: ValueLocation) throws(ConfigurationError) -> Void
    /// The value as YAML, or nil for a value left to the backbone or to another key.
    let write: @Sendable (RunConfiguration) -> String?

    /// - Parameter onlyIf: says whether the key has an effect, with others as they are. Where it has none, its default is not
    ///   written, so that files and checkpoints of those who do not use it stay as they were before there was such a key.
    init<Value: ConfigurationValue>(
        _ section: String, _ key: String, _ path: WritableKeyPath<RunConfiguration, Value> & Sendable,
        required: Bool = false, onlyIf hasEffect: (@Sendable (RunConfiguration) -> Bool)? = nil,
        _ isAllowed: @escaping @Sendable (Value) -> Bool = { _ in true },
        expected: String? = nil
    ) {
        self.section = section
        self.key = key
        isRequired = required
        isList = Value.isList
        words = Value.words
        read = { configuration, scalars, location throws(ConfigurationError) in
            guard let value = Value(scalars), isAllowed(value) else {
                throw .badValue(location, found: scalars.text, expected: expected ?? Value.expected)
            }
            configuration[keyPath: path] = value
        }
        write = { configuration in
            let value = configuration[keyPath: path].yaml
            if let hasEffect, !hasEffect(configuration), value == RunConfiguration()[keyPath: path].yaml { return nil }
            return value
        }
    }

    /// A key whose value can also be `none`, which is written where that is not its default.
    init<Value: ConfigurationValue>(
        _ section: String, _ key: String, orNone path: WritableKeyPath<RunConfiguration, Value?> & Sendable,
        _ isAllowed: @escaping @Sendable (Value) -> Bool, expected: String
    ) {
        let field = Field(
            section, key, path, { $0.map(isAllowed) ?? true }, expected: "\(expected), or none")
        self.init(
            section: section, key: key, isRequired: false, isList: field.isList, words: [],
            read: { configuration, scalars, location throws(ConfigurationError) in
                guard scalars.text != "none" else {
                    configuration[keyPath: path] = nil
                    return
                }
                try field.read(&configuration, scalars, location)
            },
            write: { configuration in
                field.write(configuration) ?? (RunConfiguration()[keyPath: path] == nil ? nil : "none")
            })
    }

    private init(
        section: String, key: String, isRequired: Bool, isList: Bool, words: [String],
        read:
            @escaping @Sendable (inout RunConfiguration, Scalars, _ where: ValueLocation) throws(ConfigurationError)
            -> Void,
        write: @escaping @Sendable (RunConfiguration) -> String?
    ) {
        self.section = section
        self.key = key
        self.isRequired = isRequired
        self.isList = isList
        self.words = words
        self.read = read
        self.write = write
    }
}

extension RunConfiguration {
    /// Every key there is, in the order in which the effective configuration is written.
    static let schema: [Field] = [
        Field("run", "directory", \.run.directory, required: true, { !$0.isEmpty }),
        Field("run", "seed", \.run.seed, { $0 >= 0 }, expected: "an integer, 0 or more"),

        Field("backbone", "name", \.backbone.name, { $0?.isEmpty != true }),
        Field("backbone", "weights", \.backbone.weights, { $0?.isEmpty != true }),
        Field("backbone", "prefix", \.backbone.prefix),
        Field("backbone", "use_ema", \.backbone.useEMA),
        Field("backbone", "compute", \.backbone.compute, onlyIf: { $0.backbone.compute != .f32 }),

        Field("dataset", "kind", \.dataset.kind),
        Field("dataset", "root", \.dataset.root, required: true, { !$0.isEmpty }),
        Field("dataset", "split", \.dataset.split),
        Field("dataset", "crop", \.dataset.crop),
        Field("dataset", "test_shards", \.dataset.testShards, { $0?.isEmpty != true }),
        Field("dataset", "outside_paths", \.dataset.outsidePaths),
        Field(
            "dataset", "test_fraction", \.dataset.testFraction, { $0 > 0 && $0 < 1 },
            expected: "a number between 0 and 1"),
        Field("dataset", "split_seed", \.dataset.splitSeed, { $0 >= 0 }, expected: "an integer, 0 or more"),
        Field("dataset", "bad_images", \.dataset.badImages),

        Field("input", "preset", \.input.preset, { $0?.isEmpty != true }),
        Field("input", "resize", \.input.resize, isPixelCount, expected: pixelCount),
        Field("input", "squash", \.input.squash),
        Field("input", "crop", \.input.crop, isPixelCount, expected: pixelCount),
        Field("input", "interpolation", \.input.interpolation),
        Field("input", "mean", \.input.mean, { $0?.count ?? 3 == 3 }, expected: "three numbers: [red, green, blue]"),
        Field(
            "input", "std", \.input.standardDeviation, { $0?.count ?? 3 == 3 && $0?.allSatisfy { $0 > 0 } ?? true },
            expected: "three positive numbers: [red, green, blue]"),
        Field("input", "exif", \.input.exif),

        Field("cache", "directory", \.cache.directory, required: true, { !$0.isEmpty }),
        Field("cache", "location", \.cache.location),
        Field("cache", "precision", \.cache.precision),
        Field("cache", "samples_per_shard", \.cache.samplesPerShard, { $0 ?? 1 > 0 }, expected: positiveInteger),
        Field("cache", "views", \.cache.views, { (1...1000).contains($0) }, expected: "an integer from 1 to 1000"),
        Field("cache", "view_seed", \.cache.viewSeed, { $0 >= 0 }, expected: "an integer, 0 or more"),
        Field(
            "cache", "augmentation.flip", \.cache.augmentation.flip, { (0...1).contains($0) },
            expected: "a probability, 0 to 1"),
        Field(
            "cache", "augmentation.crop_scale", \.cache.augmentation.cropScale,
            { $0.map { (0.0001...1).contains($0) } ?? true },
            expected: "two shares of the area: [smallest, largest], 0.0001 to 1"),
        Field(
            "cache", "augmentation.crop_ratio", \.cache.augmentation.cropRatio, { (0.01...100).contains($0) },
            expected: "two ratios of width to height: [smallest, largest], 0.01 to 100"),
        Field(
            "cache", "augmentation.degrees", \.cache.augmentation.degrees, { (0...180).contains($0) },
            expected: "an angle, 0 to 180 degrees"),
        Field(
            "cache", "augmentation.shear", \.cache.augmentation.shear, { (0...80).contains($0) },
            expected: "an angle, 0 to 80 degrees"),
        Field("cache", "augmentation.brightness", \.cache.augmentation.brightness, isStrength, expected: strength),
        Field("cache", "augmentation.contrast", \.cache.augmentation.contrast, isStrength, expected: strength),
        Field("cache", "augmentation.saturation", \.cache.augmentation.saturation, isStrength, expected: strength),
        Field(
            "cache", "augmentation.hue", \.cache.augmentation.hue, { (0...0.5).contains($0) },
            expected: "a part of the circle, 0 to 0.5"),

        Field("head", "mode", \.head.mode, onlyIf: { $0.head.mode != .infodisent }),
        Field(
            "head", "prototypes_begin", \.head.prototypesBegin, onlyIf: { $0.head.mode == .posthoc },
            { (1...10_000).contains($0) }, expected: "an integer from 1 to 10000"),
        Field(
            "head", "prototypes_end", \.head.prototypesEnd, onlyIf: { $0.head.mode == .posthoc },
            { (1...10_000).contains($0) }, expected: "an integer from 1 to 10000"),
        Field("head", "channel_map", \.head.channelMap),
        // A run records how many, unless these are all.
        Field("head", "map_rank", \.head.mapRank, onlyIf: { _ in false }),
        Field("head", "pooling", \.head.pooling, onlyIf: trainsClassifier),
        Field(
            "head", "temperature", \.head.temperature, onlyIf: trainsClassifier,
            { $0.count == 2 && $0.allSatisfy { $0 > 0 } },
            expected: "two positive numbers: [first step, last step]"),
        Field("head", "top_k", \.head.topK, onlyIf: trainsClassifier, { $0 > 0 }, expected: positiveInteger),
        Field(
            "head", "annealing", \.head.annealing, onlyIf: isAnnealed, { (0...1).contains($0) },
            expected: "a share of the steps, 0 to 1"),
        Field(
            "head", "sharpness", \.head.sharpness, onlyIf: isAnnealed, { $0 > 0 },
            expected: "a positive number"),
        Field("head", "bias", \.head.bias, onlyIf: { $0.head.bias && trainsClassifier($0) }),
        Field("head", "signs", \.head.signs, onlyIf: { $0.head.signs != .tied }),
        Field("head", "channels_per_class", orNone: \.head.channelsPerClass, { $0 > 0 }, expected: positiveInteger),
        Field("head", "channels_per_image", orNone: \.head.channelsPerImage, { $0 > 0 }, expected: positiveInteger),
        Field("head", "budget_score", \.head.budgetScore, onlyIf: hasBudget),
        Field(
            "head", "budget_begin", \.head.budgetBegin, onlyIf: hasBudget, { (0...1).contains($0) },
            expected: "a share of the steps, 0 to 1"),
        Field(
            "head", "budget_end", \.head.budgetEnd, onlyIf: hasBudget, { $0 > 0 && $0 <= 1 },
            expected: "a share of the steps, more than 0 and at most 1"),
        Field(
            "head", "budget_regrowth", \.head.budgetRegrowth, onlyIf: hasBudget, { (0...0.5).contains($0) },
            expected: "a share of a class's channels, 0 to 0.5"),
        Field("head", "loss", \.head.loss, onlyIf: { $0.head.loss != .crossEntropy }),
        Field(
            "head", "classifier_l1", \.head.classifierL1, onlyIf: trainsClassifier, { $0 >= 0 },
            expected: "a number, 0 or more"),
        Field("head", "classifier_init", \.head.classifierInit),
        Field("head", "gauge", \.head.gauge, onlyIf: { $0.head.gauge }),
        Field("head", "start", \.head.start, { $0?.isEmpty != true }),
        Field(
            "head", "start_digest", \.head.startDigest, isDigest,
            expected: "the SHA-256 of a head: 64 digits 0-9 and a-f"),

        Field("training", "epochs", \.training.epochs, isCount, expected: count),
        Field("training", "batch_size", \.training.batchSize, isCount, expected: count),
        Field(
            "training", "logical_shards", \.training.logicalShards, { (1...4096).contains($0) },
            expected: "an integer from 1 to 4096"),
        Field("training", "optimizer", \.training.optimizer),
        Field(
            "training", "momentum", \.training.momentum, { $0 >= 0 && $0 < 1 },
            expected: "a number, at least 0 and less than 1"),
        Field("training", "learning_rate", \.training.learningRate, { $0 > 0 }, expected: "a positive number"),
        Field(
            "training", "channel_map_learning_rate", orNone: \.training.channelMapLearningRate, { $0 >= 0 },
            expected: "a number, 0 or more"),
        Field("training", "schedule", \.training.schedule),
        Field("training", "warmup_steps", \.training.warmupSteps, { $0 >= 0 }, expected: "an integer, 0 or more"),

        Field(
            "training", "distillation.weight", orNone: \.training.distillation.weight, { $0 > 0 && $0 <= 1 },
            expected: "a share of the loss, more than 0 and at most 1"),
        Field(
            "training", "distillation.temperature", \.training.distillation.temperature, onlyIf: isDistilled,
            { $0 > 0 },
            expected: "a positive number"),
        Field("training", "distillation.teacher", \.training.distillation.teacher, onlyIf: isDistilled),

        Field(
            "training", "purity.spatial_entropy", \.training.purity.spatialEntropy,
            onlyIf: { $0.training.purity.spatialEntropy > 0 }, { $0 >= 0 }, expected: "a number, 0 or more"),
        Field(
            "training", "purity.decorrelation", \.training.purity.decorrelation,
            onlyIf: { $0.training.purity.decorrelation > 0 }, { $0 >= 0 }, expected: "a number, 0 or more"),

        Field("checkpoint", "every", \.checkpoint.every, { $0 > 0 }, expected: positiveInteger),
        Field("checkpoint", "keep", \.checkpoint.keep, { $0 > 0 }, expected: positiveInteger),
        Field("checkpoint", "best", \.checkpoint.best),

        Field("evaluation", "every", \.evaluation.every, { $0 > 0 }, expected: positiveInteger),
        Field("evaluation", "black_box", \.evaluation.blackBox),
    ]
}

/// Whether the keys about a budget of channels have an effect.
@Sendable private func hasBudget(_ configuration: RunConfiguration) -> Bool {
    configuration.head.channelsPerClass != nil || configuration.head.channelsPerImage != nil
}

/// Whether the keys about how a classifier is trained have an effect.
@Sendable private func trainsClassifier(_ configuration: RunConfiguration) -> Bool {
    configuration.head.mode == .infodisent
}

/// Whether the keys about an annealed pooling have an effect.
@Sendable private func isAnnealed(_ configuration: RunConfiguration) -> Bool {
    trainsClassifier(configuration) && configuration.head.pooling == .annealed
}

/// Whether the keys about a teacher have an effect.
@Sendable private func isDistilled(_ configuration: RunConfiguration) -> Bool {
    trainsClassifier(configuration) && configuration.training.distillation.weight != nil
}

private let positiveInteger = "an integer, 1 or more"
private let count = "an integer from 1 to 1000000"
private let pixelCount = "an integer from 1 to 4096 (pixels)"

/// Counts that are multiplied with others: their products must stay far from the largest integer.
private func isCount(_ value: Int) -> Bool { (1...1_000_000).contains(value) }

private let strength = "a number, 0 to 10"

private func isStrength(_ value: Double) -> Bool { (0...10).contains(value) }

private func isDigest(_ value: String?) -> Bool { value.map { ContentDigest(hexadecimal: $0) != nil } ?? true }

private func isPixelCount(_ value: Int?) -> Bool { value.map { (1...4096).contains($0) } ?? true }
