import Attribution
import Datasets
import DisentangledHead
import ExplanationMetrics
import FeatureCache
import Inference
import MessagePassing
import Results
import RunControl
import Tensors

/// Measures the explanations of a trained model beside other ways to attribute, on the same images of a cache.
///
/// Several ranks share out the images. Every number is of one image, or a count, or from a list in a total order, and rank 0 adds
/// them up in the order of the dataset, so that the results are those of one rank, bit for bit.
public struct Scorecard {
    private let model: TrainedModel
    private let cache: FeatureCache
    private let options: ScorecardOptions
    private let team: WorkerTeam
    private let communicator: any Communicator
    private let progress: ProgressHandler

    public init(
        _ model: TrainedModel, cache: FeatureCache, options: ScorecardOptions, team: WorkerTeam,
        communicator: any Communicator = SingleProcess(), progress: @escaping ProgressHandler = { _ in }
    ) {
        self.model = model
        self.cache = cache
        self.options = options
        self.team = team
        self.communicator = communicator
        self.progress = progress
    }

    private var groups: Set<MetricGroup> { Set(options.groups) }

    /// Measures. Collective; rank 0 gets the result, the others nil.
    /// - Throws: `ScorecardError`, and the errors of images and annotations that are gone.
    public func run() throws -> ScorecardResult? {
        let all = cache.indices(of: options.split.rawValue)
        guard !all.isEmpty else { throw ScorecardError.noImages(split: options.split.rawValue) }
        communicator.activity.begin(step: 0, "preparing the ways to attribute")
        let (blackBox, name) = try Ways.classifier(of: model, cache: cache, team: team, communicator: communicator)
        let (ways, annotations) = try communicator.together {
            try communicator.activity.allowing(.seconds(600)) {
                (
                    try Ways(head: model.head, blackBox: blackBox, blackBoxName: name, seed: options.seed),
                    groups.isDisjoint(with: [.localisation, .misalignment])
                        ? nil : try PlaceAnnotations(model.experiment, split: options.split)
                )
            }
        }
        let (maps, totals) = try measureFeatures(all, ways, annotations)
        let interventions = try communicator.together {
            try communicator.activity.allowing(.seconds(600)) {
                try interventionSource().map { InterventionMeasurements(ways, model.experiment, $0) }
            }
        }
        let passes = try measurePasses(all, ways, annotations, interventions)
        return try communicator.together {
            guard communicator.rank == 0, let maps, let passes else { return nil }
            communicator.activity.begin(step: 0, "adding up the figures")
            return try communicator.activity.allowing(.seconds(3600)) {
                try result(
                    all, ways, annotations, maps, totals, passes, hasInterventions: interventions != nil)
            }
        }
    }

    /// `count` of `samples`, spread evenly.
    package static func spread(_ samples: [Int], _ count: Int) -> [Int] {
        guard samples.count > count else { return samples }
        return (0..<count).map { samples[(2 * $0 + 1) * samples.count / (2 * count)] }
    }

    // MARK: - From features

    private func measureFeatures(
        _ all: [Int], _ ways: Ways, _ annotations: PlaceAnnotations?
    ) throws -> (maps: RowTable?, totals: [ChannelTotals]) {
        communicator.activity.begin(step: 0, "measuring explanations")
        let rowGroups: Set<MetricGroup> = [.completeness, .sizes, .budget, .localisation, .sanity]
        let measurements = groups.isDisjoint(with: rowGroups) ? nil : MapMeasurements(ways: ways, groups: groups)
        var totals: [ChannelTotals] = []
        if groups.contains(.disentanglement) || measuresParts(annotations) {
            let (scored, mapped) = (
                Set(Self.spread(all, ScorecardOptions.scoredImageLimit)),
                Set(Self.spread(all, ScorecardOptions.mapImageLimit))
            )
            totals = ChannelBases(ways).bases.map { basis in
                ChannelTotals(
                    ChannelMeasurements(
                        basis: basis, partCount: annotations?.partNames.count ?? 0,
                        hasVariants: model.experiment.dataset.kind == DatasetKind.parts.rawValue,
                        scoredSamples: scored, mapSamples: groups.contains(.disentanglement) ? mapped : []))
            }
        }
        var (rows, columns): ([ImageRow], [Column]?) = ([], nil)
        try communicator.together {
            let share = cache.share(of: options.split.rawValue, on: communicator)
            var done = 0
            let channelMeasurements = totals.map(\.measurements)
            let (experiment, cache, activity) = (model.experiment, cache, communicator.activity)
            // Nothing may be asked for but what needs passes.
            guard measurements != nil || !channelMeasurements.isEmpty else { return }
            try cache.forEachBatch(of: share) { samples, features in
                let namesFirst = columns == nil
                let (samples, length) = (Array(samples), features.shape[1] * features.shape[2] * features.shape[3])
                let parts = try team.map(samples.count) {
                    _, index -> ((row: ImageRow, columns: [Column]?)?, [ChannelMeasurements.Part]) in
                    let sample = samples[index]
                    let own = Tensor(
                        shape: [1] + features.shape.dropFirst(),
                        values: Array(features.values[index * length..<(index + 1) * length]))
                    let label = cache.samples.label(of: sample)
                    let places = try annotations.flatMap {
                        try $0.places(
                            ofSample: sample, bytes: experiment.dataset.bytes(of: experiment.dataset[sample]))
                    }
                    let row = try measurements?.row(
                        sample: sample, label: label, features: own, places: places,
                        namingColumns: namesFirst && index == 0)
                    let channels = try channelMeasurements.map {
                        try $0.part(
                            sample: sample, label: label, features: own, places: places,
                            variants: annotations?.variants(ofSample: sample))
                    }
                    activity.progress()
                    return (row, channels)
                }
                for (row, channels) in parts {
                    if let row {
                        rows.append(row.row)
                        if let named = row.columns { columns = named }
                    }
                    for (index, part) in channels.enumerated() { totals[index].add(part) }
                }
                done += samples.count
                progress(
                    .init(
                        activity: "explanations", completed: all.count * done / max(share.count, 1), total: all.count,
                        unit: "images"))
            }
        }
        let table = try RowTable.gathered(rows, columns: columns, subject: "measurements", on: communicator)
        let gathered = try totals.map { try $0.gathered(on: communicator) }
        return (table ?? nil, gathered.compactMap { $0 })
    }

    // MARK: - From passes

    private var passSamples: [Int] {
        Self.spread(cache.indices(of: options.split.rawValue), options.passImageLimit)
    }

    /// Who takes parts away from this dataset's images; nil if that is not asked for, or nobody does.
    private func interventionSource() throws -> (any InterventionSource)? {
        guard groups.contains(.interventions) else { return nil }
        switch DatasetKind(rawValue: model.experiment.dataset.kind) {
        case .parts: return try DrawnInterventions(model.experiment)
        case .funnybirds: return try FunnyBirdsInterventions(model.experiment, split: options.split)
        default: return nil
        }
    }

    /// Whether channels are looked at as detectors of parts.
    private func measuresParts(_ annotations: PlaceAnnotations?) -> Bool {
        groups.contains(.localisation) && annotations?.hasParts == true
    }

    private func passMeasurements(
        _ ways: Ways, _ annotations: PlaceAnnotations?, _ interventions: InterventionMeasurements?
    ) -> PassMeasurements? {
        let channels = measuresParts(annotations) ? ChannelBases(ways) : nil
        let misalignment =
            groups.contains(.misalignment) ? MisalignmentMeasurements(ways, model.experiment) : nil
        guard groups.contains(.fidelity) || channels != nil || interventions != nil || misalignment != nil,
            options.passImageLimit > 0
        else { return nil }
        return PassMeasurements(
            ways: ways, experiment: model.experiment, hasFidelity: groups.contains(.fidelity), channels: channels,
            interventions: interventions, misalignment: misalignment)
    }

    private func measurePasses(
        _ all: [Int], _ ways: Ways, _ annotations: PlaceAnnotations?, _ interventions: InterventionMeasurements?
    ) throws -> RowTable? {
        guard let measurements = passMeasurements(ways, annotations, interventions) else {
            return communicator.rank == 0 ? RowTable(columns: [], rows: []) : nil
        }
        communicator.activity.begin(step: 0, "passing changed images through the backbone")
        let columns = measurements.columns
        let samples = passSamples
        let log = try PassLog(
            of: model, identity: identity(ways) + columns.map { "\($0.key)" }, width: columns.count, on: communicator)
        let wanted = Set(samples)
        let own = cache.share(of: options.split.rawValue, on: communicator).filter(wanted.contains)
        let rows = try communicator.together {
            try self.rows(of: own.filter { log.rows[$0] == nil }, measurements, annotations, log)
        }
        // What was done before is added by whoever has the image now.
        let earlier = own.compactMap { log.rows[$0] }
        let table = try RowTable.gathered(
            earlier + rows, columns: columns, subject: "measurements by passes", on: communicator)
        if communicator.rank == 0 { log.remove() }
        return table
    }

    private func rows(
        of samples: [Int], _ measurements: PassMeasurements, _ annotations: PlaceAnnotations?, _ log: PassLog
    ) throws -> [ImageRow] {
        let workspaces = WorkerLocal(team) { model.experiment.backbone.makeWorkspace(expectsSimilarImages: true) }
        var rows: [ImageRow] = []
        let (experiment, cache, activity) = (model.experiment, cache, communicator.activity)
        let map = cache.identity.featureMap
        // A few at a time, so that what is done is written down; not so few that threads often wait for the last of them.
        let length = 32 * team.workerCount
        for start in stride(from: 0, to: samples.count, by: length) {
            let part = Array(samples[start..<min(samples.count, start + length)])
            let features = try cache.features(of: part)
            let done = try team.map(part.count) { worker, index -> ImageRow in
                let sample = part[index]
                let bytes = try experiment.dataset.bytes(of: experiment.dataset[sample])
                let pixels = try experiment.pixels(ofSample: sample, bytes: bytes, view: 0)
                let values = try measurements.values(
                    sample: sample, label: cache.samples.label(of: sample),
                    features: Tensor(
                        shape: [1, map.height, map.width, map.channelCount],
                        values: Array(features[index * map.elementCount..<(index + 1) * map.elementCount])),
                    pixels: experiment.input.normalised(pixels),
                    places: try annotations?.places(ofSample: sample, bytes: bytes), workspace: workspaces[worker])
                activity.progress()
                return ImageRow(sample: sample, values: values)
            }
            for row in done { log.append(row) }
            rows += done
            progress(
                .init(
                    activity: "passes", completed: rows.count, total: samples.count, unit: "images"))
        }
        return rows
    }

    /// What the rows of passes depend on.
    private func identity(_ ways: Ways) -> [String] {
        [
            "version 2", "\(model.headDigest)", "\(cache.identity)", "\(options.seed)", options.split.rawValue,
            ways.blackBoxName,
        ]
    }

    // MARK: - The result

    private func result(
        _ all: [Int], _ ways: Ways, _ annotations: PlaceAnnotations?, _ maps: RowTable, _ totals: [ChannelTotals],
        _ passes: RowTable, hasInterventions: Bool
    ) throws -> ScorecardResult {
        let samples = cache.samples
        var found = maps.figures { samples.label(of: $0) } + passes.figures { samples.label(of: $0) }
        var missing = ways.refused
        for total in totals {
            let part = try total.figures(groups, classCount: model.head.classCount, team: team)
            found += part.figures
            missing += part.missing
        }
        found += globalSizes
        missing += absent(annotations, found.map(\.key), hasInterventions: hasInterventions)
        let baselines = Dictionary(
            found.filter { $0.key.way == Ways.randomName }.map { ($0.key, $0.value) }
        ) { first, _ in first }
        let figures = found.map { figure in
            figure.key.way == Ways.randomName
                ? figure : figure.beside(baseline: baselines[figure.key.of(way: Ways.randomName)])
        }
        let (experiment, input) = (model.experiment, model.experiment.input)
        return ScorecardResult(
            checkpoint: model.checkpointName, backbone: experiment.backbone.name, dataset: experiment.dataset.kind,
            split: options.split.rawValue, crop: experiment.dataset.crop?.rawValue ?? "full",
            input: "\(input.squash ? "squashed" : "resized") to \(input.resize), middle \(input.crop) x \(input.crop)",
            mapHeight: cache.identity.featureMap.height, mapWidth: cache.identity.featureMap.width,
            seed: Int(options.seed), blackBox: ways.blackBoxName, imageCount: all.count,
            passImageCount: passes.rows.count, ways: ways.ways.map(\.name),
            figures: figures.sorted { $0.key.precedes($1.key) }, notMeasured: missing)
    }

    /// What the classifier itself says of the size of explanations.
    private var globalSizes: [ScorecardFigure] {
        guard groups.contains(.sizes) else { return [] }
        let classifier = model.head.classifier
        func key(_ metric: String, _ formula: String, threshold: Double? = nil, _ better: ScorecardFigure.Key.Direction)
            -> ScorecardFigure.Key
        {
            .init("sizes", metric, formula, way: "head", threshold: threshold, better: better)
        }
        let limit = Double(String(Sparsity.absoluteThreshold))
        let used = (0..<classifier.channelCount).count { channel in
            (0..<classifier.classCount).contains {
                abs(classifier.weight(of: channel, for: $0)) > Sparsity.absoluteThreshold
            }
        }
        return [
            (
                key("channels-of-a-class", EffectiveConcepts.formula, .lower),
                EffectiveConcepts.count(in: classifier.weights, classCount: classifier.classCount)
            ),
            (key("channels-of-all-classes", "pipnet:any-weight-above", threshold: limit, .lower), Double(used)),
            (
                key("small-weights", Sparsity.weightFormula, threshold: limit, .higher),
                Sparsity.share(of: classifier.weights)
            ),
        ].map { ScorecardFigure(key: $0, value: $1, imageCount: 0) }
    }

    /// What was asked for and cannot be had of this dataset.
    private func absent(
        _ annotations: PlaceAnnotations?, _ keys: [ScorecardFigure.Key], hasInterventions: Bool
    ) -> [UnmeasuredMetric] {
        var missing: [UnmeasuredMetric] = []
        if groups.contains(.localisation) {
            if !keys.contains(where: { $0.metric == "pointing-at-object" }) {
                missing.append(
                    UnmeasuredMetric(metric: "localisation of objects", reason: "the dataset has no boxes"))
            }
            if annotations?.hasParts != true {
                missing.append(
                    UnmeasuredMetric(
                        metric: "part-purity, consistency, stability, part-retrieval",
                        reason: "the dataset does not say where parts are"))
            }
        }
        if groups.contains(.misalignment), options.passImageLimit > 0,
            !keys.contains(where: { $0.group == "misalignment" && $0.formula.hasSuffix("outside-object") })
        {
            missing.append(
                UnmeasuredMetric(metric: "misalignment outside objects", reason: "the dataset has no boxes"))
        }
        if groups.contains(.interventions), !hasInterventions {
            missing.append(
                UnmeasuredMetric(metric: "interventions", reason: "there are no pictures of this dataset without parts")
            )
        }
        for group in [MetricGroup.fidelity, .interventions, .misalignment]
        where groups.contains(group) && options.passImageLimit == 0 {
            missing.append(
                UnmeasuredMetric(metric: group.rawValue, reason: "no images were to be passed (--pass-images 0)"))
        }
        return missing
    }

    // MARK: - Cost

    /// The most passes that an image takes, with all ways to attribute.
    private func largestPassCount() throws -> Int {
        let hasParts =
            groups.contains(.localisation)
            ? try PlaceAnnotations(model.experiment, split: options.split).hasParts : false
        return (groups.contains(.fidelity) ? PassMeasurements.fidelityPassCount(wayCount: 7) : 0)
            + (hasParts ? 1 : 0) + (try interventionSource()?.largestPassCount ?? 0)
            + (groups.contains(.misalignment) ? MisalignmentMeasurements.passCount(basisCount: 2) : 0)
    }

    /// How long the passes of this scorecard will take at most, from a few of them. Collective; nothing is measured beside.
    public func cost() throws -> ScorecardCost {
        let all = cache.indices(of: options.split.rawValue)
        guard !all.isEmpty else { throw ScorecardError.noImages(split: options.split.rawValue) }
        let passes = try communicator.together { try largestPassCount() }
        let imageCount = passes == 0 ? 0 : min(all.count, options.passImageLimit)
        let side = model.experiment.input.crop
        let length = Passes.length
        let workspaces = WorkerLocal(team) { model.experiment.backbone.makeWorkspace() }
        let (experiment, activity) = (model.experiment, communicator.activity)
        communicator.activity.begin(step: 0, "timing the backbone")
        let seconds = try communicator.together {
            let images = Tensor(zeros: [length, side, side, 3])
            // The first time, memory is made.
            var seconds = 0.0
            for _ in 0..<2 {
                let start = ContinuousClock.now
                team.forEach(team.workerCount) { worker, _ in
                    _ = experiment.features(ofNormalised: images, workspace: workspaces[worker])
                    activity.progress()
                }
                seconds = (ContinuousClock.now - start) / .seconds(1)
            }
            return seconds
        }
        let perPass = seconds / Double(length * team.workerCount * communicator.size)
        return ScorecardCost(
            imageCount: all.count, passImageCount: imageCount, passesPerImage: passes,
            passCount: imageCount * passes, secondsOfPasses: Double(imageCount * passes) * perPass)
    }
}

/// What a scorecard costs before it is made.
public struct ScorecardCost: Codable, Equatable, Sendable {
    public let imageCount: Int
    public let passImageCount: Int
    /// The most: a copy that several ways to attribute ask for passes once.
    public let passesPerImage: Int
    public let passCount: Int
    /// On the ranks and threads at hand; what comes from the cached features takes a few milliseconds an image beside.
    public let secondsOfPasses: Double
}

extension ScorecardFigure.Key {
    func of(way: String) -> Self {
        Self(group, metric, formula, way: way, model: model, fill: fill, k: k, threshold: threshold, better: better)
    }

    /// Group by group as `MetricGroup` has them; what is compared stands together, in the order it was measured in.
    func precedes(_ other: Self) -> Bool {
        func place(_ key: Self) -> (Int, String, String) {
            let group = MetricGroup.allCases.firstIndex { $0.rawValue == key.group } ?? 0
            return (group, key.metric, key.formula)
        }
        let (own, others) = (place(self), place(other))
        if own != others { return own < others }
        let (numbers, otherNumbers) = ((k ?? -1, threshold ?? -1), (other.k ?? -1, other.threshold ?? -1))
        if numbers != otherNumbers { return numbers < otherNumbers }
        return (model ?? "", fill ?? "", way) < (other.model ?? "", other.fill ?? "", other.way)
    }
}
