public import Datasets
public import DisentangledHead
public import FeatureCache
public import ImageCoding
public import SystemPackage
public import Tensors

/// The typed form of a configuration file: everything that decides what a run computes.
///
/// A file names only what differs from the defaults here. What only decides how a run is carried out (threads, ranks,
/// where progress is shown) is not configuration but a command-line option, because it never changes the result.
/// `Schema.swift` maps each property to its YAML key and says which values it takes. Choices and defaults are those of the
/// targets that are configured: each is defined once, where it is carried out.
public struct RunConfiguration: Equatable, Sendable {
    public var run = Run()
    public var backbone = Backbone()
    public var dataset = Dataset()
    public var input = Input()
    public var cache = Cache()
    public var head = Head()
    public var training = Training()
    public var checkpoint = Checkpoint()
    public var evaluation = Evaluation()

    public init() {}

    public struct Run: Equatable, Sendable {
        /// Where the configuration, the metrics log and the checkpoints of the run go.
        public var directory: FilePath = ""
        /// Seed of everything random in the run.
        public var seed = 0

        public init() {}
    }

    public struct Backbone: Equatable, Sendable {
        /// A name that `infodisent backbones` lists; nil for `demo` where the dataset is the one it was trained on, the part
        /// dataset.
        public var name: String?
        /// The weight file; nil for the weights that come with the program (`demo` only).
        public var weights: FilePath?
        /// What the names of the network's tensors begin with in the weight file; nil where it has one such network.
        public var prefix: String?
        /// Whether to take the moving average of the weights that the file has beside them or in their place.
        public var useEMA = false
        /// What the products of its layers are made of.
        public var compute = ComputePrecision.f32

        public init() {}
    }

    public struct Dataset: Equatable, Sendable {
        /// The layout of the data set.
        public var kind = DatasetOptions().kind
        public var root: FilePath = ""
        /// Where test images come from.
        public var split = DatasetOptions().split
        /// What part of each image is used; all of it if nil.
        public var crop: DatasetCrop?
        /// Names of the shards with test images, with * for any text, where the names do not say it (`webdataset`).
        public var testShards: String?
        /// Whether a list of images (`csv`) may name files that are not below its folder; it may not if nil.
        public var outsidePaths: Bool?
        /// Share of each class that becomes test images where the data set has no split of its own, or is not to use it.
        public var testFraction = DatasetOptions().testFraction
        /// Seed of that split. It is not the run's seed, so that runs with other seeds are tested on the same images.
        public var splitSeed = 0
        /// What is done about an image that cannot be decoded.
        public enum BadImages: String, CaseIterable, Sendable {
            /// It ends the extraction, with a message that names it.
            case error
            /// It is left out of everything, and listed in the log and in the cache's index.
            case skip
        }
        public var badImages = BadImages.error

        public init() {}
    }

    /// How images are prepared: a preset of the backbone, and what differs from it; nil keeps the preset's value.
    public struct Input: Equatable, Sendable {
        /// A preset that `infodisent backbones` lists for the backbone; nil for its default one.
        public var preset: String?
        /// Shorter side after resizing, in pixels.
        public var resize: Int?
        /// Whether both sides become `resize`, whatever the image's shape.
        public var squash: Bool?
        /// Side of the square cut from the centre, in pixels.
        public var crop: Int?
        public var interpolation: Interpolation?
        /// Mean of red, green and blue, of values in 0...1.
        public var mean: [Double]?
        /// Standard deviation of red, green and blue, of values in 0...1.
        public var standardDeviation: [Double]?
        /// Whether images are turned as their EXIF orientation says. Pretrained weights have not seen them so.
        public var exif: ExifOrientation.Policy?

        public init() {}
    }

    public struct Cache: Equatable, Sendable {
        public enum Location: String, CaseIterable, Sendable {
            /// One folder that all ranks see.
            case shared
            /// A folder of each node, which holds the features of the logical shards that the node's ranks host.
            case nodeLocal = "node_local"
        }
        public var directory: FilePath = ""
        public var location = Location.shared
        public var precision = CachePrecision.f16
        /// Images in one file of the cache; as many as make about 64 MiB if nil.
        public var samplesPerShard: Int?
        /// Views of each training image: the plain one and `views` - 1 augmented ones. Epochs go through them in turn.
        public var views = 1
        /// Seed of what is drawn for the views. It is not the run's seed, so that runs with other seeds share a cache.
        public var viewSeed = 0
        /// How augmented views are made; what is left at its default is not done.
        public var augmentation = Augmentation()

        public init() {}
    }

    public struct Head: Equatable, Sendable {
        /// Where the classifier starts.
        public enum ClassifierInit: String, CaseIterable, Sendable {
            case uniform
            /// At the positive part of the backbone's own last layer.
            case backbone
            /// At the positive part of the fitted linear classifier.
            case blackBox = "black_box"
            /// At the backbone's own last layer, taken over whole.
            case backboneSigned = "backbone_signed"
            /// At the fitted linear classifier, taken over whole.
            case blackBoxSigned = "black_box_signed"
        }

        public enum Mode: String, CaseIterable, Sendable {
            /// Channel map and classifier are trained together, with sparse pooling.
            case infodisent
            /// A linear classifier on the mean of the feature map is kept, and the channel map trained for pure prototypes
            /// (`PrototypePurity`).
            case posthoc
        }

        private static let defaults = HeadConfiguration()
        public var mode = Mode.infodisent
        /// Prototypes of a channel that a `posthoc` head is trained on, in the first stage.
        public var prototypesBegin = PrototypePurity().firstCount
        /// And in the last stage.
        public var prototypesEnd = PrototypePurity().lastCount
        public var channelMap = defaults.channelMap
        /// How many channels the channel map turns.
        public var mapRank = MapRank.automatic
        public var pooling = Pooling.annealed
        /// Temperature of the Gumbel and `logsumexp` poolings at the first and at the last step; geometric in between.
        public var temperature = [defaults.temperature.start, defaults.temperature.end]
        /// Pixels that `topk` pooling averages.
        public var topK = defaults.topK
        /// Share of the steps in which `annealed` pooling goes from the mean to the maximum.
        public var annealing = 0.3
        /// Sharpness of `annealed` pooling half-way.
        public var sharpness = defaults.annealing.sharpness
        /// Whether the classifier has a bias.
        public var bias = true
        /// What a class makes of the two sides of a channel.
        public var signs = defaults.sides
        /// Channels that a class may use; all if nil.
        public var channelsPerClass: Int?
        /// Channels of an image that count; all if nil.
        public var channelsPerImage: Int?
        /// By what the channels of a class are compared where not all are kept.
        public var budgetScore = ChannelBudget.Score.contrast
        /// Share of the steps before channels are left out, of classes or images.
        public var budgetBegin = 0.05
        /// Share of the steps after which each class, or image, has its channels.
        public var budgetEnd = 0.4
        /// Share of a class's channels that are exchanged each time until then.
        public var budgetRegrowth = 0.2
        /// What the training minimises; how logits become probabilities.
        public var loss = defaults.loss
        /// Strength of the L1 shrinkage of the classifier.
        public var classifierL1 = defaults.classifierL1
        public var classifierInit = ClassifierInit.blackBox
        /// Whether the classifier is brought to its column minimum, which changes no probability, before channels are left out
        /// and after the last step.
        public var gauge = false
        /// The run directory or checkpoint whose head the training begins with; nil for none.
        public var start: FilePath?
        /// SHA-256 of that head's file, in hexadecimal digits. The program finds it; who gives it makes sure of the head.
        public var startDigest: String?

        public init() {}
    }

    public struct Training: Equatable, Sendable {
        /// Learning from a linear classifier on the mean of the feature map, or from a head.
        public struct Distillation: Equatable, Sendable {
            public enum Teacher: String, CaseIterable, Sendable {
                /// The fitted linear classifier.
                case blackBox = "black_box"
                /// The backbone's own last layer.
                case backbone
                /// The head that the training begins with.
                case start
            }
            /// Share of the loss that is about the teacher; nil for none.
            public var weight: Double? = 0.5
            public var temperature = 4.0
            public var teacher = Teacher.blackBox

            public init() {}
        }

        /// Strengths of the terms of the loss that want a channel to be one thing in one place; 0 for none.
        public struct Purity: Equatable, Sendable {
            public var spatialEntropy = 0.0
            public var decorrelation = 0.0

            public init() {}
        }

        private static let defaultOptimizer = OptimizerConfiguration()
        public var epochs = 30
        /// Samples of a step, over all logical shards.
        public var batchSize = 64
        /// Parts the training samples are cut into; the largest number of ranks a run can use.
        public var logicalShards = 8
        public var optimizer = defaultOptimizer.kind
        /// Momentum of `sgd`.
        public var momentum = defaultOptimizer.momentum
        /// Learning rate of the classifier after warm-up.
        public var learningRate = 0.006
        /// Learning rate of the channel map after warm-up; that of the classifier if nil.
        public var channelMapLearningRate: Double? = 0.02
        public var schedule = LearningRateSchedule().kind
        /// Steps over which the learning rate rises linearly from zero.
        public var warmupSteps = LearningRateSchedule().warmupSteps
        public var distillation = Distillation()
        public var purity = Purity()

        public init() {}
    }

    public struct Checkpoint: Equatable, Sendable {
        /// Steps between checkpoints; the last step always writes one.
        public var every = 200
        /// Checkpoints kept, newest first.
        public var keep = 3
        /// Whether the checkpoint that was best on the test images is kept too. It is then chosen by test images, so its
        /// accuracy on them is no unbiased figure.
        public var best = false

        public init() {}
    }

    public struct Evaluation: Equatable, Sendable {
        /// Epochs between evaluations on the test images; the last epoch is always evaluated.
        public var every = 1
        /// Whether `evaluate` also fits the plain linear classifier on the same features.
        public var blackBox = true

        public init() {}
    }
}
