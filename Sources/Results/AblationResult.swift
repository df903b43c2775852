/// What changes of a configuration do, over seeds.
public struct AblationResult: Codable, Equatable, Sendable {
    /// A run and what came of it.
    public struct Run: Codable, Equatable, Sendable {
        public let seed: Int
        /// Its folder in that of the ablation.
        public let folder: String
        public let checkpoint: String
        /// By figure.
        public let values: [String: Double]

        public init(seed: Int, folder: String, checkpoint: String, values: [String: Double]) {
            self.seed = seed
            self.folder = folder
            self.checkpoint = checkpoint
            self.values = values
        }
    }

    /// A mean over seeds.
    public struct Estimate: Codable, Equatable, Sendable {
        public let mean: Double
        /// Half the width of the 95 % interval of Student's distribution; nil for one seed.
        public let interval95: Double?
        /// Mean difference to the first configuration, seed by seed; nil for the first itself.
        public let difference: Double?
        /// Half the width of the interval of that difference; nil for one seed.
        public let differenceInterval95: Double?

        public init(mean: Double, interval95: Double?, difference: Double?, differenceInterval95: Double?) {
            self.mean = mean
            self.interval95 = interval95
            self.difference = difference
            self.differenceInterval95 = differenceInterval95
        }
    }

    public struct Cell: Codable, Equatable, Sendable {
        public let label: String
        /// What is set otherwise than in the configuration.
        public let settings: [String]
        public let runs: [Run]
        /// By figure.
        public let estimates: [String: Estimate]

        public init(label: String, settings: [String], runs: [Run], estimates: [String: Estimate]) {
            self.label = label
            self.settings = settings
            self.runs = runs
            self.estimates = estimates
        }
    }

    public let backbone: String
    public let testImageCount: Int
    public let seeds: [Int]
    /// The figures, in the order of tables.
    public let figures: [String]
    public let cells: [Cell]

    public init(backbone: String, testImageCount: Int, seeds: [Int], figures: [String], cells: [Cell]) {
        self.backbone = backbone
        self.testImageCount = testImageCount
        self.seeds = seeds
        self.figures = figures
        self.cells = cells
    }
}

/// What an ablation will cost.
public struct AblationPlan: Codable, Equatable, Sendable {
    public let configurationCount: Int
    public let runCount: Int
    /// Runs that have been begun before; they go on where they are, and cost nothing if they are finished.
    public let begunCount: Int
    /// Of all runs together.
    public let stepCount: Int
    /// Of those that have been begun, from their records; nil without any.
    public let secondsPerStep: Double?

    public init(configurationCount: Int, runCount: Int, begunCount: Int, stepCount: Int, secondsPerStep: Double?) {
        self.configurationCount = configurationCount
        self.runCount = runCount
        self.begunCount = begunCount
        self.stepCount = stepCount
        self.secondsPerStep = secondsPerStep
    }
}
