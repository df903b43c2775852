import DurableFiles
public import SystemPackage
import WeightFiles

/// The checkpoints of a run.
///
///     let store = CheckpointStore(runDirectory: run)
///     if let latest = try store.latest() { resume(from: latest.checkpoint) }
///     try store.save(state, channelMap: map, classifier: classifier, optimizer: moments)
///     try store.prune(keeping: 3)
public struct CheckpointStore: Sendable {
    /// RUN/checkpoints.
    public let directory: FilePath

    public init(runDirectory: FilePath) {
        directory = runDirectory.appending("checkpoints")
    }

    init(directory: FilePath) {
        self.directory = directory
    }

    /// A checkpoint to go on from, and what was wrong with newer ones.
    public struct Latest: Sendable {
        public let checkpoint: Checkpoint
        /// A sentence for each checkpoint that was passed over; to be shown to the user.
        public let warnings: [String]
    }

    private static let latestName = "latest"
    private static let bestName = "best"
    private static let stepPrefix = "step-"

    // MARK: Writing

    /// Writes the checkpoint of `state.step`, all or nothing, then makes it the latest. One of the same step is replaced.
    ///
    /// `channelMap` is U [D, D], `classifier` A [C, D] or [C, 2 D], with `bias` b [C], `mask` of A's shape and `epsilon` if the
    /// head has them, and C classes as in the state; the optimizer's tensors are
    /// written sorted by name. Returns the folder. Throws `CheckpointError.notFinite`, `.metricNotFinite` or `.hasDrifted` when
    /// the training has gone wrong, `DurableFileError`.
    @discardableResult
    public func save(
        _ state: CheckpointState, channelMap: [Float], classifier: [Float], bias: [Float]? = nil, mask: [Bool]? = nil,
        epsilon: Float? = nil, optimizer: [OptimizerTensor]
    ) throws -> FilePath {
        let channelCount = Int(Double(channelMap.count).squareRoot())
        precondition(channelCount * channelCount == channelMap.count, "a channel map is square")
        let isSplit = !classifier.isEmpty && classifier.count == state.classNames.count * 2 * channelCount
        let shape = [state.classNames.count, isSplit ? 2 * channelCount : channelCount]
        precondition(
            classifier.count == shape[0] * shape[1],
            "\(classifier.count) weights for \(state.classNames.count) classes and \(channelCount) channels")
        precondition(bias?.count ?? state.classNames.count == state.classNames.count, "the bias has one number a class")
        precondition(mask?.count ?? classifier.count == classifier.count, "the mask has one element a weight")
        precondition(state.channelNames.keys.allSatisfy { $0 < channelCount }, "a name belongs to a channel")
        let path = directory.appending(Self.name(ofStep: state.step))
        let head = path.appending(Checkpoint.headName)
        try Checkpoint.checkFinite(channelMap, "channel_map", head)
        try Checkpoint.checkFinite(classifier, "classifier", head)
        try Checkpoint.checkFinite(bias ?? [], "classifier_bias", head)
        let deviation = ColumnProducts.orthogonalityError(of: channelMap, side: channelCount)
        guard deviation <= Checkpoint.orthogonalityLimit else {
            // A checkpoint that cannot be read must not push out those that can.
            throw CheckpointError.hasDrifted(
                step: state.step, deviation: deviation, limit: Checkpoint.orthogonalityLimit)
        }
        if let name = state.metrics.filter({ !$0.value.isFinite }).keys.sorted().first {
            throw CheckpointError.metricNotFinite(name: name)
        }
        let moments = optimizer.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        for tensor in moments {
            try Checkpoint.checkFinite(tensor.elements, tensor.name, path.appending(Checkpoint.optimizerName))
        }
        try DurableFile.createDirectory(directory)
        try DurableFile.removeStaleTemporaries(in: directory)
        try DurableDirectory.write(to: path, replacing: true) { staging in
            var state = state
            state.files[Checkpoint.headName] = try SafetensorsWriter.write(
                [
                    .floats("channel_map", [channelCount, channelCount], channelMap),
                    .floats("classifier", shape, classifier),
                ] + (bias.map { [.floats("classifier_bias", [state.classNames.count], $0)] } ?? [])
                    + (mask.map { [.mask("classifier_mask", shape, $0)] } ?? [])
                    + (epsilon.map { [.floats(Checkpoint.epsilonName, [1], [$0])] } ?? []),
                to: staging.appending(Checkpoint.headName))
            state.files[Checkpoint.optimizerName] = try SafetensorsWriter.write(
                moments.map { .floats($0.name, $0.shape, $0.elements) },
                to: staging.appending(Checkpoint.optimizerName))
            try DurableFile.write(state.fileText, to: staging.appending(Checkpoint.stateName))
        }
        try DurableFile.write(Self.name(ofStep: state.step) + "\n", to: directory.appending(Self.latestName))
        return path
    }

    /// Makes the checkpoint of a step the best one, which is never pruned.
    public func markBest(step: Int) throws {
        try DurableFile.write(Self.name(ofStep: step) + "\n", to: directory.appending(Self.bestName))
    }

    /// Removes all but the newest `count` checkpoints; never those that `latest` and `best` name. Returns what was removed.
    @discardableResult
    public func prune(keeping count: Int) throws -> [FilePath] {
        precondition(count > 0, "at least one checkpoint must be kept")
        let named = try [path(namedBy: Self.latestName), path(namedBy: Self.bestName)]
        let removed = try list().dropLast(count).filter { !named.contains($0) }
        for path in removed { try DurableDirectory.remove(path) }
        return removed
    }

    // MARK: Reading

    /// The folders of all steps, oldest first; none when the folder is not there.
    public func list() throws -> [FilePath] {
        let names: [String]
        do {
            names = try DurableDirectory.names(in: directory)
        } catch DurableFileError.missing {
            return []
        }
        let steps = names.compactMap { Self.step(ofName: $0) }.sorted()
        return steps.map { directory.appending(Self.name(ofStep: $0)) }.filter { DurableDirectory.exists($0) }
    }

    /// The checkpoint that `latest` names or, when it is not there or damaged, the newest sound one, with warnings; nil
    /// when there is none at all. Throws `CheckpointError.noneUsable` when there are some and all are damaged.
    public func latest() throws -> Latest? {
        var candidates = try Array(list().reversed())
        var warnings: [String] = []
        let pointer = directory.appending(Self.latestName)
        if let named = try path(namedBy: Self.latestName) {
            candidates.removeAll { $0 == named }
            if DurableDirectory.exists(named) {
                candidates.insert(named, at: 0)
            } else {
                warnings.append("\(pointer) names \(named), which is not there; the newest sound checkpoint is used.")
            }
        } else if !candidates.isEmpty {
            warnings.append("\(pointer) does not name a checkpoint; the newest sound one is used.")
        }
        for candidate in candidates {
            do {
                return Latest(checkpoint: try Checkpoint(reading: candidate), warnings: warnings)
            } catch let error as CheckpointError {
                warnings.append(error.description)
            }
        }
        if warnings.isEmpty { return nil }
        throw CheckpointError.noneUsable(directory: directory, problems: warnings)
    }

    /// The folder of the checkpoint that `markBest` named; nil if there is none.
    public func best() throws -> FilePath? {
        try path(namedBy: Self.bestName).flatMap { DurableDirectory.exists($0) ? $0 : nil }
    }

    /// The folder of a checkpoint, given that folder, a run directory, its checkpoints folder or the file `latest` or `best` in
    /// it; of several, the one that `latest` names if it is there, else the newest. Nothing in it is read.
    /// Throws `CheckpointError.noCheckpoint`, `.notAFolder`, `DurableFileError`.
    public static func resolve(_ path: FilePath) throws -> FilePath {
        if DurableFile.exists(path) {
            guard let name = path.lastComponent?.string, [latestName, bestName].contains(name) else {
                throw CheckpointError.notAFolder(path: path)
            }
            let folder = path.removingLastComponent()
            let store = CheckpointStore(directory: folder.isEmpty ? "." : folder)
            if name == bestName, let best = try store.best() { return best }
            return try resolve(store.directory)
        }
        guard DurableDirectory.exists(path) else { throw DurableFileError.missing(path: path) }
        if DurableFile.exists(path.appending(Checkpoint.stateName)) || isStep(path) { return path }
        for store in [CheckpointStore(runDirectory: path), CheckpointStore(directory: path)] {
            if let named = try store.path(namedBy: latestName), DurableDirectory.exists(named) { return named }
            if let newest = try store.list().last { return newest }
        }
        throw CheckpointError.noCheckpoint(path: path)
    }

    /// What `body` makes of the folder that `resolve` gives. When a training that goes on removes the folder of a run's
    /// checkpoint meanwhile, `body` gets the newest one again.
    /// Throws as `resolve`, and what `body` throws.
    public static func withCheckpoint<Result>(at path: FilePath, _ body: (FilePath) throws -> Result) throws -> Result {
        for _ in 0..<100 {
            let directory = try resolve(path)
            do {
                return try body(directory)
            } catch CheckpointError.removed where directory != path {
            } catch CheckpointError.noCheckpoint(path: directory) where directory != path {}
        }
        // Each of these was gone before it was read.
        throw CheckpointError.removed(path: path)
    }

    /// What the file `latest` or `best` names, whether it is there or not; nil when there is no such file or it names no step.
    private func path(namedBy pointer: String) throws -> FilePath? {
        let bytes: [UInt8]
        do {
            bytes = try DurableFile.read(directory.appending(pointer))
        } catch DurableFileError.missing {
            return nil
        }
        // Only names that this type gives are followed: the file cannot lead out of the folder.
        guard bytes.count <= 64, bytes.last == UInt8(ascii: "\n") else { return nil }
        return Self.step(ofName: String(decoding: bytes.dropLast(), as: UTF8.self)).map {
            directory.appending(Self.name(ofStep: $0))
        }
    }

    // MARK: Names

    /// step-00001234.
    package static func name(ofStep step: Int) -> String {
        precondition(step >= 0, "there is no step \(step)")
        let digits = String(step)
        return stepPrefix + String(repeating: "0", count: max(0, 8 - digits.count)) + digits
    }

    /// nil for names that `name(ofStep:)` does not give.
    static func step(ofName name: String) -> Int? {
        guard name.hasPrefix(stepPrefix), let step = Int(name.dropFirst(stepPrefix.count)), step >= 0,
            self.name(ofStep: step) == name
        else { return nil }
        return step
    }

    private static func isStep(_ path: FilePath) -> Bool {
        path.lastComponent.map { step(ofName: $0.string) != nil } ?? false
    }
}

extension SafetensorsWriter.Entry {
    /// A tensor of U8: 1 for true, 0 for false.
    fileprivate static func mask(_ name: String, _ shape: [Int], _ elements: [Bool]) -> Self {
        Self(name: name, elementType: .uint8, shape: shape, elements: elements.map { $0 ? UInt8(1) : 0 })
    }
}
