import SystemPackage

/// The typed form of a configuration file: everything that decides what a run computes.
///
/// A file names only what differs from the defaults here. What only decides how a run is carried out (threads, ranks,
/// where progress is shown) is not configuration but a command-line option, because it never changes the result.
/// `Schema.swift` maps each property to its YAML key and says which values it takes.
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
        /// A name that `infodisent backbones` lists.
        public var name = "demo"
        /// The weight file; nil for the weights that come with the program (`demo` only).
        public var weights: FilePath?

        public init() {}
    }

    public struct Dataset: Equatable, Sendable {
        /// The layout of the data set.
        public enum Kind: String, CaseIterable, Sendable {
            /// It is recognised by its files.
            case auto
            case classFolders = "class_folders"
            case parts
            case imagenet
            case cub
            case cars
            case dogs
            case csv
            case webdataset
        }
        /// Where test images come from.
        public enum Split: String, CaseIterable, Sendable {
            /// The data set's own split; class by class where it has none.
            case official
            /// A share of the training images; the official test images are left out.
            case validation
        }
        /// What part of each image is used.
        public enum Crop: String, CaseIterable, Sendable {
            /// What the image's bounding boxes enclose.
            case box
        }
        public var kind = Kind.auto
        public var root: FilePath = ""
        public var split = Split.official
        /// All of each image if nil.
        public var crop: Crop?
        /// Names of the shards with test images, with * for any text, where the names do not say it (`webdataset`).
        public var testShards: String?
        /// Share of each class that becomes test images where the data set has no split of its own, or is not to use it.
        public var testFraction = 0.25
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

    /// What differs from the backbone's own input preset; nil keeps the preset's value.
    public struct Input: Equatable, Sendable {
        public enum Interpolation: String, CaseIterable, Sendable { case bilinear, bicubic }
        public enum Exif: String, CaseIterable, Sendable { case ignore, apply }
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
        public var exif: Exif?

        public init() {}
    }

    public struct Cache: Equatable, Sendable {
        public enum Precision: String, CaseIterable, Sendable { case f16, f32 }
        public enum Location: String, CaseIterable, Sendable {
            /// One folder that all ranks see.
            case shared
            /// A folder of each node, which holds the features of the logical shards that the node's ranks host.
            case nodeLocal = "node_local"
        }
        public var directory: FilePath = ""
        public var location = Location.shared
        public var precision = Precision.f16
        /// Images in one file of the cache; as many as make about 64 MiB if nil.
        public var samplesPerShard: Int?
        /// Views of each training image: the plain one and `views` - 1 augmented ones. Epochs go through them in turn.
        public var views = 1
        /// Seed of what is drawn for the views. It is not the run's seed, so that runs with other seeds share a cache.
        public var viewSeed = 0
        public var augmentation = Augmentation()

        public init() {}
    }

    /// How augmented views are made; what is left at its default is not done. ImageCoding's `Augmentation` says what
    /// the values mean.
    public struct Augmentation: Equatable, Sendable {
        /// Probability of the mirror image.
        public var flip = 0.0
        /// Smallest and largest share of the image's area that a random crop keeps; nil for the plain crop.
        public var cropScale: [Double]?
        /// Smallest and largest ratio of width to height of a random crop.
        public var cropRatio = [0.75, 4.0 / 3]
        /// Largest angle of a turn to each side, in degrees.
        public var degrees = 0.0
        /// Largest angle of a shear to each side, in degrees.
        public var shear = 0.0
        /// Largest change of brightness, contrast and saturation, as a share.
        public var brightness = 0.0
        public var contrast = 0.0
        public var saturation = 0.0
        /// Largest turn of hues to each side, as a part of the circle.
        public var hue = 0.0

        public init() {}

        /// Whether every view would be the plain one.
        public var isEmpty: Bool {
            cropScale == nil && [flip, degrees, shear, brightness, contrast, saturation, hue].allSatisfy { $0 == 0 }
        }
    }

    public struct Head: Equatable, Sendable {
        public enum ChannelMap: String, CaseIterable, Sendable { case exponential, cayley, riemannian, identity }
        public enum Pooling: String, CaseIterable, Sendable {
            case argmax
            case gumbel
            case gumbelSoft = "gumbel_soft"
            case topk
            case logsumexp
            case average
        }
        public enum ClassifierInit: String, CaseIterable, Sendable { case uniform, backbone }
        public var channelMap = ChannelMap.riemannian
        public var pooling = Pooling.argmax
        /// Temperature of the Gumbel and `logsumexp` poolings at the first and at the last step; geometric in between.
        public var temperature = [1.0, 0.1]
        /// Pixels that `topk` pooling averages.
        public var topK = 3
        /// Strength of the L1 shrinkage of the classifier.
        public var classifierL1 = 0.0
        public var classifierInit = ClassifierInit.uniform

        public init() {}
    }

    public struct Training: Equatable, Sendable {
        public enum Optimizer: String, CaseIterable, Sendable { case adam, sgd }
        public enum Schedule: String, CaseIterable, Sendable { case constant, cosine }
        public var epochs = 30
        /// Samples of a step, over all logical shards.
        public var batchSize = 64
        /// Parts the training samples are cut into; the largest number of ranks a run can use.
        public var logicalShards = 8
        public var optimizer = Optimizer.adam
        /// Momentum of `sgd`.
        public var momentum = 0.9
        /// Learning rate of the classifier after warm-up.
        public var learningRate = 0.003
        /// Learning rate of the channel map after warm-up; that of the classifier if nil.
        public var channelMapLearningRate: Double?
        public var schedule = Schedule.cosine
        /// Steps over which the learning rate rises linearly from zero.
        public var warmupSteps = 0

        public init() {}
    }

    public struct Checkpoint: Equatable, Sendable {
        /// Steps between checkpoints; the last step always writes one.
        public var every = 200
        /// Checkpoints kept, newest first.
        public var keep = 3

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
