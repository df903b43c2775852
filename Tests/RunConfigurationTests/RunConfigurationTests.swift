import DisentangledHead
import Foundation
import RunConfiguration
import SystemPackage
import Testing

private let minimal = """
    run:
      directory: runs/birds
    dataset:
      root: data/birds
    cache:
      directory: cache/birds
    """

private func failure(of text: String, overrides: [String] = []) -> ConfigurationError? {
    do {
        _ = try RunConfiguration(yaml: text, source: "birds.yaml", overrides: overrides)
        return nil
    } catch {
        return error
    }
}

@Suite struct RunConfigurationTests {
    @Test func aMinimalFileTakesTheDefaults() throws {
        let configuration = try RunConfiguration(yaml: minimal, source: "birds.yaml")
        var expected = RunConfiguration()
        expected.run.directory = "runs/birds"
        expected.dataset.root = "data/birds"
        expected.cache.directory = "cache/birds"
        #expect(configuration == expected)
    }

    @Test func valuesOfEveryTypeAreRead() throws {
        let configuration = try RunConfiguration(
            yaml: minimal + """

                input: {preset: a1_in1k, crop: 128, interpolation: bicubic, mean: [0.5, 0.5, 0.5]}
                head:
                  channel_map: cayley
                  pooling: gumbel_soft
                  temperature: [2, 0.25]
                training:
                  learning_rate: 3e-3
                evaluation:
                  black_box: false
                """, source: "birds.yaml")
        #expect(configuration.input.preset == "a1_in1k")
        #expect(configuration.input.crop == 128)
        #expect(configuration.input.interpolation == .bicubic)
        #expect(configuration.input.mean == [0.5, 0.5, 0.5])
        #expect(configuration.head.channelMap == .cayley)
        #expect(configuration.head.pooling == .gumbelSoft)
        #expect(configuration.head.temperature == [2, 0.25])
        #expect(configuration.training.learningRate == 0.003)
        #expect(configuration.evaluation.blackBox == false)
    }

    @Test func keysWithoutEffectAreWrittenOnlyWhereTheyAreSet() throws {
        var configuration = try RunConfiguration(yaml: minimal, source: "birds.yaml")
        let plain = configuration.yaml
        for key in [
            "channels_per_class", "channels_per_image", "budget_score", "budget_begin", "budget_end", "budget_regrowth",
            "start", "start_digest", "map_rank", "mode", "prototypes_begin", "prototypes_end", "loss",
        ] { #expect(!plain.contains("  \(key):")) }
        configuration.head.mapRank = .channels(512)
        #expect(configuration.yaml == plain.replacing("  pooling", with: "  map_rank: 512\n  pooling"))
        configuration.head.mapRank = .automatic
        configuration.head.pooling = .argmax
        configuration.training.distillation.weight = nil
        let published = configuration.yaml
        for key in ["annealing", "sharpness", "temperature: 4", "teacher"] { #expect(!published.contains("  \(key)")) }
        #expect(published.contains("  distillation:\n    weight: none\n"))
        #expect(try RunConfiguration(yaml: published, source: "effective") == configuration)
        configuration.head.sharpness = 8
        #expect(configuration.yaml == published.replacing("  bias", with: "  sharpness: 8.0\n  bias"))
        configuration.head.pooling = .annealed
        configuration.head.channelsPerClass = 5
        configuration.training.distillation.weight = 0.5
        #expect(
            configuration.yaml.contains(
                "  channels_per_class: 5\n  budget_score: contrast\n  budget_begin: 0.05\n  budget_end: 0.4\n"
                    + "  budget_regrowth: 0.2\n"))
        #expect(
            configuration.yaml.contains(
                "  distillation:\n    weight: 0.5\n    temperature: 4.0\n    teacher: black_box\n"))
        #expect(configuration.yaml.contains("  annealing: 0.3\n  sharpness: 8.0\n  bias: true\n"))
        #expect(try RunConfiguration(yaml: configuration.yaml, source: "effective") == configuration)
    }

    @Test func whatAnEarlyCheckpointLeavesOutIsWhatItWasTrainedWith() throws {
        let early = try RunConfiguration(
            recorded: minimal + "\nhead:\n  pooling: argmax\ntraining:\n  learning_rate: 0.003\n", source: "state.json")
        #expect(!early.head.bias && early.head.classifierInit == .uniform)
        #expect(early.training.channelMapLearningRate == nil && early.training.distillation.weight == nil)
        // As it is recorded today, it says so.
        #expect(try RunConfiguration(yaml: early.yaml, source: "today") == early)
        #expect(try RunConfiguration(recorded: early.yaml, source: "today") == early)
        let plain = try RunConfiguration(yaml: minimal, source: "birds.yaml")
        #expect(try RunConfiguration(recorded: plain.yaml, source: "today") == plain)
    }

    @Test func noneLeavesOutWhatIsOtherwiseADefault() throws {
        let none = try RunConfiguration(
            yaml: minimal + "\nhead:\n  channels_per_class: 5\n", source: "birds.yaml",
            overrides: [
                "head.channels_per_class=none", "training.channel_map_learning_rate=none",
                "training.distillation.weight=none",
            ])
        #expect(none.head.channelsPerClass == nil && none.training.channelMapLearningRate == nil)
        #expect(none.headConfiguration(totalSteps: 10).distillation == nil)
        #expect(try RunConfiguration(yaml: none.yaml, source: "effective") == none)
        guard
            case .badValue(_, _, let expected) = failure(of: minimal, overrides: ["training.distillation.weight=some"])
        else {
            Issue.record("a word was accepted for a number")
            return
        }
        #expect(expected.hasSuffix("or none"))
    }

    @Test func purityIsWrittenWhereItIsAskedForAndNowhereElse() throws {
        let plain = try RunConfiguration(yaml: minimal, source: "birds.yaml")
        #expect(!plain.yaml.contains("purity") && plain.headConfiguration(totalSteps: 10).purity == nil)
        let off = try RunConfiguration(
            yaml: minimal + "\ntraining:\n  purity: {spatial_entropy: 0, decorrelation: 0}\n", source: "birds.yaml")
        #expect(off.yaml == plain.yaml)
        let pure = try RunConfiguration(
            yaml: minimal, source: "birds.yaml", overrides: ["training.purity.decorrelation=0.25"])
        #expect(pure.yaml.contains("  purity:\n    decorrelation: 0.25\n") && !pure.yaml.contains("spatial_entropy"))
        #expect(pure.headConfiguration(totalSteps: 10).purity == ChannelPurity(decorrelation: 0.25))
        #expect(try RunConfiguration(recorded: pure.yaml, source: "state.json") == pure)
        #expect(pure.differences(from: plain).count == 1)
    }

    @Test func aHeadThatIsTrainedAlreadyPoolsAndClassifiesAsItDid() throws {
        let start = try RunConfiguration(yaml: minimal, source: "birds.yaml", overrides: ["head.start=runs/all"])
        #expect(start.head.pooling == .argmax && start.head.classifierInit == .uniform)
        let annealed = try RunConfiguration(
            yaml: minimal, source: "birds.yaml", overrides: ["head.start=runs/all", "head.pooling=annealed"])
        #expect(annealed.head.pooling == .annealed)
    }

    @Test func signedStartsAndTheGaugeAreWordsOfTheirOwn() throws {
        var configuration = try RunConfiguration(yaml: minimal, source: "birds.yaml")
        let plain = configuration.yaml
        #expect(!plain.contains("gauge") && configuration.headConfiguration(totalSteps: 9).lastGaugeStep == nil)
        for (word, value) in [
            ("uniform", .uniform), ("backbone", .backbone), ("black_box", .blackBox),
            ("backbone_signed", .backboneSigned), ("black_box_signed", .blackBoxSigned),
        ] as [(String, RunConfiguration.Head.ClassifierInit)] {
            configuration = try RunConfiguration(
                yaml: minimal, source: "birds.yaml", overrides: ["head.classifier_init=\(word)", "head.gauge=true"])
            #expect(configuration.head.classifierInit == value)
            #expect(configuration.yaml.contains("  classifier_init: \(word)\n  gauge: true\n"))
            #expect(try RunConfiguration(yaml: configuration.yaml, source: "effective") == configuration)
            #expect(configuration.headConfiguration(totalSteps: 9).lastGaugeStep == 9)
        }
        guard
            case .badValue(let location, "signed", let expected) = failure(
                of: minimal, overrides: ["head.classifier_init=signed"])
        else {
            Issue.record("signed was accepted")
            return
        }
        #expect("\(location)".contains("head.classifier_init") && expected.contains("black_box_signed"))
        guard case .badValue = failure(of: minimal, overrides: ["head.gauge=column"]) else {
            Issue.record("column was accepted")
            return
        }
    }

    @Test func theSidesOfChannelsAreWrittenWhereTheyAreNotTied() throws {
        let plain = try RunConfiguration(yaml: minimal, source: "birds.yaml")
        #expect(!plain.yaml.contains("signs") && plain.headConfiguration(totalSteps: 9).sides == .tied)
        for sides in ChannelSides.allCases {
            let configuration = try RunConfiguration(
                yaml: minimal, source: "birds.yaml", overrides: ["head.signs=\(sides.rawValue)"])
            #expect(configuration.headConfiguration(totalSteps: 9).sides == sides)
            #expect(configuration.yaml.contains("  signs: \(sides.rawValue)\n") == (sides != .tied))
            #expect(try RunConfiguration(yaml: configuration.yaml, source: "effective") == configuration)
            #expect(configuration.differences(from: plain).count == (sides == .tied ? 0 : 1))
        }
        guard case .badValue(_, "negative", _) = failure(of: minimal, overrides: ["head.signs=negative"]) else {
            Issue.record("negative was accepted")
            return
        }
    }

    @Test func theHeadToStartFromIsAPlaceAndItsDigestIsNot() throws {
        let digest = String(repeating: "a", count: 64)
        let configuration = try RunConfiguration(
            yaml: minimal, source: "birds.yaml",
            overrides: [
                "head.start=runs/all", "head.start_digest=\(digest)", "training.distillation.weight=0.5",
                "training.distillation.teacher=start",
            ])
        #expect(configuration.yaml.contains("  start: runs/all\n  start_digest: \(digest)\n"))
        let recorded = configuration.yaml(leavingOut: RunConfiguration.unrecordedKeys)
        #expect(!recorded.contains("  start:") && recorded.contains("  start_digest: \(digest)\n"))
        // What a checkpoint records can be read without the head, and with another place of it.
        let read = try RunConfiguration(yaml: recorded, source: "state.json", overrides: configuration.locations)
        #expect(read.head.start == nil && read.differences(from: configuration).isEmpty)
        #expect(read.headConfiguration(totalSteps: 10) == configuration.headConfiguration(totalSteps: 10))
        #expect(read.headConfiguration(totalSteps: 10).startsFromHead)
    }

    @Test func theRankOfTheMapIsANumberOfChannelsOrAWord() throws {
        for (text, rank) in [("auto", MapRank.automatic), ("all", .all), ("2", .channels(2)), ("300", .channels(300))] {
            let configuration = try RunConfiguration(
                yaml: minimal, source: "birds.yaml", overrides: ["head.map_rank=\(text)"])
            #expect(configuration.head.mapRank == rank)
            #expect(try RunConfiguration(yaml: configuration.yaml, source: "effective") == configuration)
        }
        #expect(try RunConfiguration(yaml: minimal, source: "birds.yaml").head.mapRank == .automatic)
    }

    @Test func manyImagesOrFewChannelsTurnAllOfThem() {
        func turned(_ rank: MapRank, _ channels: Int, _ images: Int) -> Int? {
            rank.turnedCount(channelCount: channels, trainingImageCount: images)
        }
        // CUB, Cars, Dogs and ImageNet on their backbones; CIFAR-100; the drawn birds.
        for (channels, images) in [
            (2048, 5994), (512, 8144), (1024, 12000), (2048, 1_281_167), (256, 7500), (256, 50), (192, 3000), (192, 9),
            (2048, 513), (1023, 1), (2048, .max), (1024, 257),
        ] { #expect(turned(.automatic, channels, images) == nil, "\(channels) channels, \(images) images") }
        #expect(turned(.automatic, 2048, 55) == 1024)
        #expect(turned(.automatic, 2048, 512) == 1024)
        #expect(turned(.automatic, 1024, 256) == 512)
        #expect(turned(.all, 2048, 55) == nil)
        #expect(turned(.channels(2047), 2048, 9999) == 2047)
        #expect(turned(.channels(2048), 2048, 9999) == nil)
    }

    @Test func sharesOfTheStepsBecomeSteps() throws {
        var configuration = try RunConfiguration(yaml: minimal, source: "birds.yaml")
        #expect(
            configuration.headConfiguration(totalSteps: 100)
                == HeadConfiguration(
                    pooling: .annealed, temperature: TemperatureSchedule(steps: 100),
                    annealing: AnnealingSchedule(sharpness: 4, steps: 30), hasBias: true,
                    distillation: Distillation(weight: 0.5, temperature: 4)))
        configuration.head.channelsPerClass = 5
        configuration.head.budgetEnd = 0.75
        let budget = try #require(configuration.headConfiguration(totalSteps: 1000).budget)
        #expect(budget == ChannelBudget(channelsPerClass: 5, begin: 50, end: 750, interval: 20, regrowth: 0.2))
        #expect(configuration.headConfiguration(totalSteps: 0).budget?.end == 1)
        configuration.head.channelsPerImage = 8
        #expect(
            configuration.headConfiguration(totalSteps: 1000).imageBudget
                == ImageBudget(channelsPerImage: 8, begin: 50, end: 750))
        for total in [1, 7, 999_999] { try configuration.headConfiguration(totalSteps: total).validate() }
    }

    @Test func theEffectiveConfigurationReadsBackAsTheSame() throws {
        var configuration = try RunConfiguration(yaml: minimal, source: "birds.yaml")
        configuration.run.directory = "with \"quotes\" and: colons/-1"
        configuration.dataset.root = "1.5"
        configuration.backbone = .init()
        configuration.backbone.name = "resnet50"
        configuration.backbone.weights = "weights/resnet50.safetensors"
        configuration.backbone.useEMA = true
        configuration.backbone.compute = .bf16
        configuration.input.preset = "torchvision-v2"
        configuration.input.standardDeviation = [0.229, 0.224, 0.225]
        configuration.training.learningRate = 0.1 + 0.2
        configuration.training.channelMapLearningRate = 1e-5
        #expect(try RunConfiguration(yaml: configuration.yaml, source: "effective") == configuration)
    }

    @Test func overridesWinOverTheFileAndTheLastOneWins() throws {
        let configuration = try RunConfiguration(
            yaml: minimal, source: "birds.yaml",
            overrides: [
                "training.epochs=5", "training.epochs=7", "head.temperature=[1, 0.5]", "run.directory=elsewhere",
            ])
        #expect(configuration.training.epochs == 7)
        #expect(configuration.head.temperature == [1, 0.5])
        #expect(configuration.run.directory == "elsewhere")
    }

    @Test func textAfterTheEqualsSignIsTakenAsItIs() throws {
        let configuration = try RunConfiguration(
            yaml: minimal, source: "birds.yaml", overrides: ["dataset.root=/data/a: {b} #c=d"])
        #expect(configuration.dataset.root == "/data/a: {b} #c=d")
        let brackets = try RunConfiguration(yaml: minimal, source: "birds.yaml", overrides: ["dataset.root=[a, b]"])
        #expect(brackets.dataset.root == "[a, b]")
    }

    @Test func theHomeFolderIsKnownAndURLsAreNamed() throws {
        let home = try #require(ProcessInfo.processInfo.environment["HOME"])
        for text in ["~/photos", "~"] {
            let configuration = try RunConfiguration(
                yaml: minimal, source: "birds.yaml", overrides: ["dataset.root=\(text)"])
            #expect(configuration.dataset.root == FilePath(home).pushing(FilePath(String(text.dropFirst(2)))))
        }
        for text in ["https://example.org/birds.zip", "s3://bucket/birds", "~other/photos"] {
            guard case .badValue(_, text, let expected) = failure(of: minimal, overrides: ["dataset.root=\(text)"])
            else {
                Issue.record("\(text) was accepted")
                continue
            }
            #expect(expected.contains("URLs are not opened"))
        }
    }

    @Test func anOverrideCanSupplyARequiredKey() throws {
        let configuration = try RunConfiguration(
            yaml: "", source: "empty", overrides: ["run.directory=a", "dataset.root=b", "cache.directory=c"])
        #expect(configuration.dataset.root == "b")
    }

    @Test func anUnknownKeyIsAnErrorThatNamesLineAndNearestKey() {
        #expect(
            failure(of: minimal + "\ntraining:\n  epoch: 3\n")
                == .unknownKey(
                    ValueLocation(source: "birds.yaml", line: 8, key: "training.epoch"),
                    suggestion: "Did you mean training.epochs?"))
        #expect(
            failure(of: minimal + "\ntrainning:\n  epochs: 3\n")
                == .unknownKey(
                    ValueLocation(source: "birds.yaml", line: 7, key: "trainning"),
                    suggestion: "Did you mean training?"))
        #expect(
            failure(of: minimal, overrides: ["head.channelmap=cayley"])
                == .unknownKey(
                    ValueLocation(source: "--set", line: nil, key: "head.channelmap"),
                    suggestion: "Did you mean head.channel_map?"))
        #expect(
            failure(of: minimal, overrides: ["checkpoint.number_of_epochs=3"])?.description.contains(
                "There are checkpoint.every")
                == true, "nothing is near, so the section's keys are listed")
    }

    @Test(arguments: [
        ("training.epochs", "0"), ("training.epochs", "many"), ("training.epochs", "[1, 2]"), ("run.seed", "-1"),
        ("dataset.test_fraction", "1"), ("dataset.kind", "folders"), ("dataset.crop", "centre"),
        ("dataset.split", "half"), ("dataset.test_shards", ""), ("input.mean", "[0.5]"), ("input.mean", "0.5"),
        ("input.std", "[1, 1, 0]"), ("input.mean", "[0.5"), ("training.epochs", "9223372036854775807"),
        ("backbone.weights", ""), ("backbone.use_ema", "ema"), ("backbone.compute", "f16"), ("input.crop", "0"),
        ("input.preset", ""),
        ("cache.precision", "f8"),
        ("head.temperature", "[1, 0]"), ("head.annealing", "1.5"), ("head.map_rank", "0"),
        ("head.map_rank", "1"), ("head.map_rank", "-5"), ("head.map_rank", "some"), ("head.map_rank", "0.5"),
        ("head.map_rank", "[2]"), ("head.sharpness", "0"), ("head.bias", "some"),
        ("head.channels_per_class", "0"), ("head.budget_score", "size"), ("head.budget_begin", "-0.1"),
        ("head.budget_end", "0"), ("head.budget_regrowth", "0.6"), ("training.distillation.weight", "0"),
        ("training.distillation.weight", "1.1"), ("training.distillation.temperature", "0"),
        ("training.distillation.teacher", "oracle"),
        ("training.purity.spatial_entropy", "-0.1"), ("training.purity.spatial_entropy", "nan"),
        ("training.purity.decorrelation", "-1"), ("training.purity.decorrelation", "inf"), ("head.start", ""),
        ("head.start_digest", "12"),
        ("head.start_digest", String(repeating: "A", count: 64)),
        ("training.learning_rate", "nan"), ("training.learning_rate", "-1"), ("training.momentum", "1"),
        ("evaluation.black_box", "maybe"), ("run.directory", ""), ("head.channel_map", "{a: b}"),
        ("input.exif", "turn"), ("input.squash", "2"), ("dataset.bad_images", "drop"), ("cache.views", "0"),
        ("cache.views", "1001"), ("cache.view_seed", "-1"), ("cache.augmentation.flip", "1.5"),
        ("cache.augmentation.flip", "nan"), ("cache.augmentation.crop_scale", "[0.5]"),
        ("cache.augmentation.crop_scale", "[0.9, 0.1]"), ("cache.augmentation.crop_scale", "0.5"),
        ("cache.augmentation.crop_ratio", "[0, 1]"), ("cache.augmentation.degrees", "-25"),
        ("cache.augmentation.shear", "90"), ("cache.augmentation.brightness", "-0.1"),
        ("cache.augmentation.hue", "0.51"), ("cache.augmentation.saturation", "inf"),
    ])
    func aValueOutOfRangeIsAnErrorThatSaysWhatIsExpected(key: String, value: String) throws {
        let found = try #require(failure(of: minimal, overrides: ["\(key)=\(value)"]))
        guard case .badValue(let location, _, let expected) = found else {
            Issue.record("\(found)")
            return
        }
        #expect(location.key == key)
        #expect(!expected.isEmpty)
    }

    @Test func aMissingRequiredKeyIsNamed() {
        #expect(failure(of: "run: {directory: a}") == .missingKey(source: "birds.yaml", key: "dataset.root"))
        #expect(failure(of: "") == .missingKey(source: "birds.yaml", key: "run.directory"))
    }

    @Test func aFileThatIsNotAConfigurationIsRefused() {
        for text in ["- a\n- b", "just text", "run: [a", "run:\n\tdirectory: x"] {
            guard case .notYAML = failure(of: text) else {
                Issue.record("\(text): \(String(describing: failure(of: text)))")
                continue
            }
        }
        #expect(
            failure(of: "run: text") == .notASection(ValueLocation(source: "birds.yaml", line: 1, key: "run")))
    }

    @Test func aTabIsSaidToBeOne() {
        guard case .notYAML(_, let reason) = failure(of: "run:\n  directory: a\ndataset:\n\troot: b") else {
            Issue.record("a tab was accepted")
            return
        }
        #expect(reason.hasPrefix("line 4 is indented with a tab"))
        // Elsewhere a tab is text.
        #expect(failure(of: "run: {directory: \"a\tb\"") != nil)
    }

    @Test func aKeyGivenTwiceIsAnError() {
        #expect(failure(of: minimal + "\nhead:\n  pooling: argmax\n  pooling: gumbel\n") != nil)
    }

    @Test func aFileThatIsNotThereIsNamed() {
        #expect(throws: ConfigurationError.missingFile(path: "/nowhere/x.yaml")) {
            try RunConfiguration(contentsOf: "/nowhere/x.yaml")
        }
        #expect(throws: ConfigurationError.isFolder(path: "/tmp")) { try RunConfiguration(contentsOf: "/tmp") }
    }

    @Test func aSectionInsideASectionIsReadAndWritten() throws {
        let text =
            minimal + """

                  views: 3
                  augmentation:
                    flip: 0.5
                    crop_scale: [0.35, 1]
                    degrees: 25
                input: {exif: apply, squash: true}
                """
        let configuration = try RunConfiguration(
            yaml: text, source: "birds.yaml", overrides: ["cache.augmentation.degrees=20"])
        #expect(configuration.cache.views == 3)
        #expect(configuration.cache.augmentation.flip == 0.5)
        #expect(configuration.cache.augmentation.cropScale == 0.35...1)
        #expect(configuration.cache.augmentation.degrees == 20)
        #expect(configuration.input.exif == .apply && configuration.input.squash == true)
        #expect(configuration.yaml.contains("  augmentation:\n    flip: 0.5\n    crop_scale: [0.35, 1.0]\n"))
        #expect(try RunConfiguration(yaml: configuration.yaml, source: "effective") == configuration)
        #expect(configuration.differences(from: try RunConfiguration(yaml: minimal, source: "x")).count > 4)
    }

    @Test func howADatasetIsReadIsNoDifferenceButWhatIsReadIs() throws {
        let plain = try RunConfiguration(yaml: minimal, source: "x")
        #expect(plain.dataset.kind == .auto && plain.dataset.crop == nil && plain.dataset.split == .official)
        #expect(!plain.yaml.contains("crop: box") && !plain.yaml.contains("test_shards"))
        // The fingerprint tells whether the data are the same.
        let named = try RunConfiguration(yaml: minimal, source: "x", overrides: ["dataset.kind=class_folders"])
        #expect(named.differences(from: plain).isEmpty)
        for change in ["dataset.crop=box", "dataset.split=validation", "dataset.test_shards=val-*.tar"] {
            let changed = try RunConfiguration(yaml: minimal, source: "x", overrides: [change])
            #expect(changed.differences(from: plain).count == 1)
            #expect(try RunConfiguration(yaml: changed.yaml, source: "effective") == changed)
        }
    }

    @Test func mistakesInASectionInsideASectionAreNamed() {
        #expect(
            failure(of: minimal + "\n  augmentation:\n    flipp: 0.5\n")
                == .unknownKey(
                    ValueLocation(source: "birds.yaml", line: 8, key: "cache.augmentation.flipp"),
                    suggestion: "Did you mean cache.augmentation.flip?"))
        #expect(
            failure(of: minimal + "\n  augmentation: strong\n")
                == .notASection(ValueLocation(source: "birds.yaml", line: 7, key: "cache.augmentation")))
        guard case .unknownKey = failure(of: minimal, overrides: ["cache.augmentation=strong"]) else {
            Issue.record("a section was set to a value")
            return
        }
    }

    @Test func rulesBetweenKeysAreChecked() {
        for overrides in [
            ["training.batch_size=30"], ["backbone.name=resnet50"], ["cache.views=2"],
            ["cache.views=2", "cache.augmentation.crop_ratio=[1, 1]"],
            ["head.budget_begin=0.8"], ["head.channel_map=identity", "head.map_rank=24"],
            ["head.start=run", "head.classifier_init=black_box"],
            ["training.distillation.weight=0.5", "training.distillation.teacher=start"],
            ["head.channel_map=identity", "training.purity.spatial_entropy=0.1"],
            ["head.loss=binary_cross_entropy", "head.gauge=true"],
            ["head.mode=posthoc", "head.channels_per_class=5"], ["head.mode=posthoc", "head.classifier_init=uniform"],
            ["head.mode=posthoc", "head.loss=binary_cross_entropy"], ["head.mode=posthoc", "head.map_rank=24"],
            ["head.mode=posthoc", "head.prototypes_begin=4"], ["head.mode=posthoc", "head.start=run"],
            ["head.mode=posthoc", "head.classifier_l1=0.1"],
        ] {
            guard case .inconsistent = failure(of: minimal, overrides: overrides) else {
                Issue.record("\(overrides) was accepted")
                continue
            }
        }
    }

    @Test func anOverrideWithoutASectionOrValueIsRefused() {
        #expect(failure(of: minimal, overrides: ["epochs=3"]) == .badOverride("epochs=3"))
        #expect(failure(of: minimal, overrides: ["training.epochs"]) == .badOverride("training.epochs"))
    }

    @Test(arguments: [
        "a\u{1B}[31mb", "a\rb", "\u{0}x", "\u{85}", "a\u{2028}b", "\u{9F} \"q\\ ", "- x: #y", "Zürich 東京",
    ])
    func anyTextIsReadBackAsItWasWritten(text: String) throws {
        var configuration = try RunConfiguration(yaml: minimal, source: "birds.yaml")
        configuration.input.preset = text
        #expect(try RunConfiguration(yaml: configuration.yaml, source: "effective").input.preset == text)
        #expect(!configuration.yaml.unicodeScalars.contains { $0.value < 32 && $0 != "\n" })
    }

    @Test func theKeysThatTakeOneOfAFewWordsSaySo() {
        let keys = Dictionary(uniqueKeysWithValues: RunConfiguration.keys.map { ($0.path, $0.words) })
        #expect(keys["cache.precision"] == ["f16", "f32", "int8"])
        #expect(keys["input.squash"] == ["true", "false"])
        #expect(keys["training.epochs"] == [])
    }
}
