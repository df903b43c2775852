import Checkpoints
import DisentangledHead
import DurableFiles
import FeatureCache
public import Inference
public import MessagePassing
import RunConfiguration
import SystemPackage
import Tensors

extension Experiment {
    /// The same experiment with the digest of the head that it begins with, if `head.start` names one: it goes into the
    /// configuration of the run and its checkpoints, which are then the same wherever that head lies. Collective; rank 0 alone
    /// reads.
    ///
    /// A run that has begun needs its start no more: if it is gone, its digest is taken from the run's last checkpoint.
    /// - Throws: on all ranks, `TrainingError.startUnfit` for a head of other weights or classes, or another one than
    ///   `head.start_digest` says, `.startNotGiven`; `CheckpointError`, `DurableFileError`.
    public func findingStart(on communicator: any Communicator = SingleProcess()) throws -> Experiment {
        let expected = configuration.head.startDigest
        guard let path = configuration.head.start else {
            if let expected { throw TrainingError.startNotGiven(digest: expected) }
            return self
        }
        communicator.activity.begin(step: 0, "looking for the head to start from")
        let digest = String(
            decoding: try communicator.fromRank0(allowing: .seconds(600)) { Array(try digestOfStart(at: path).utf8) },
            as: UTF8.self)
        guard expected ?? digest == digest else {
            throw TrainingError.startUnfit(
                start: path, problem: "holds the head \(digest), and head.start_digest is \(expected ?? "")",
                remedy: "Give the checkpoint that has it, or leave head.start_digest out")
        }
        return changing { $0.head.startDigest = digest }
    }

    private func digestOfStart(at path: FilePath) throws -> String {
        do {
            return try CheckpointStore.withCheckpoint(at: path) { folder in
                let state = try Checkpoint.state(of: folder)
                try requireSameNetworkAndClasses(state, of: folder)
                return try headDigest(of: state, in: folder)
            }
        } catch let error as DurableFileError {
            guard case .missing = error, let recorded = try recordedStartDigest() else { throw error }
            return recorded
        } catch CheckpointError.noCheckpoint(let missing) {
            guard let recorded = try recordedStartDigest() else { throw CheckpointError.noCheckpoint(path: missing) }
            return recorded
        }
    }

    private func headDigest(of state: CheckpointState, in folder: FilePath) throws -> String {
        guard let digest = state.files["head.safetensors"] else {
            throw CheckpointError.malformedState(
                path: folder.appending("state.json"), problem: "it does not state the digest of head.safetensors")
        }
        return digest.hexadecimal
    }

    /// `head.start_digest` of the run's last checkpoint; nil if there is none.
    private func recordedStartDigest() throws -> String? {
        guard let last = try CheckpointStore(runDirectory: configuration.run.directory).list().last else { return nil }
        return try RunConfiguration(
            recordedIn: Checkpoint.state(of: last), of: last, overrides: configuration.locations
        ).head.startDigest
    }

    private func requireSameNetworkAndClasses(_ state: CheckpointState, of start: FilePath) throws {
        func require(_ holds: Bool, _ problem: @autoclosure () -> String, _ remedy: String) throws {
            if !holds { throw TrainingError.startUnfit(start: start, problem: problem(), remedy: remedy) }
        }
        let identity = cacheIdentity
        let remedy = "Start from a head that was trained on the features of the same network"
        try require(
            state.backbone == identity.backbone,
            "is of the backbone \(state.backbone), and this run's is \(identity.backbone)", remedy)
        try require(
            state.weightDigest == identity.weightDigest,
            "is of the weights \(state.weightDigest) (SHA-256), and \(weights.path) is \(identity.weightDigest)", remedy
        )
        let (own, classes) = (identity.classNames, state.classNames)
        try require(
            classes.count == own.count, "has \(classes.count) classes, and this run's dataset has \(own.count)",
            "Start from a head of the same classes in the same order")
        if let index = own.indices.first(where: { classes[$0] != own[$0] }) {
            try require(
                false, "has \"\(classes[index])\" as its class \(index), and this run's dataset \"\(own[index])\"",
                "Start from a head of the same classes in the same order")
        }
    }

    /// The head that `head.start` names, with the folder it was read from; nil if it names none. Collective.
    func readStart(on communicator: any Communicator) throws -> (start: HeadStart, folder: FilePath)? {
        guard let path = configuration.head.start else { return nil }
        let checkpoint = try communicator.checkpointFromRank0 { () -> Checkpoint? in
            let checkpoint = try CheckpointStore.withCheckpoint(at: path) { try Checkpoint(reading: $0) }
            let digest = try headDigest(of: checkpoint.state, in: checkpoint.directory)
            guard digest == configuration.head.startDigest else {
                throw TrainingError.startUnfit(
                    start: path, problem: "has got another head since this run was started: a training goes on there",
                    remedy: "Run the same command again, or give the folder of one step")
            }
            return checkpoint
        }
        guard let checkpoint else { preconditionFailure("rank 0 reads a checkpoint or throws") }
        // The recorded configuration has no places; none is looked at.
        let recorded = try RunConfiguration(
            recordedIn: checkpoint.state, of: checkpoint.directory, overrides: configuration.locations)
        let parameter = checkpoint.optimizer.first { $0.name == "channel_map.parameter" }
        let start = HeadStart(
            head: try checkpoint.head(as: recorded.head), channelMap: recorded.head.channelMap,
            parameter: parameter?.elements,
            turnedChannels: try checkpoint.trainerState(of: recorded.head).turnedChannels())
        return (start, checkpoint.directory)
    }

    /// A head at step 0: from a trained one, or as `head.classifier_init` says; with its teacher. Collective.
    ///
    /// - Parameter chosenChannels: the channels that a map turns that begins as I; nil for all.
    /// - Throws: `TrainingError.startUnfit`, and what `start` and `HeadTrainer` throw.
    func trainer(
        _ headConfiguration: HeadConfiguration, cache: FeatureCache, team: WorkerTeam, communicator: any Communicator,
        chosenChannels: () throws -> [Int]?
    ) throws -> HeadTrainer {
        let trained = try readStart(on: communicator)
        let beginning = try start(
            cache: cache, trained: trained?.start.head, team: team, communicator: communicator)
        let turned = try trained.map { try turnedChannels(from: $0.start, in: $0.folder) } ?? chosenChannels()
        do {
            return try HeadTrainer(
                configuration: headConfiguration, channelCount: backbone.channelCount,
                classCount: dataset.classNames.count, seed: UInt64(configuration.run.seed),
                classifier: beginning.classifier, turning: turned, start: trained?.start, teacher: beginning.teacher)
        } catch HeadError.unusableStart(let problem, let remedy) {
            throw TrainingError.startUnfit(
                start: trained?.folder ?? "", problem: problem, remedy: remedy)
        }
    }

    /// The channels that a run turns that begins with `start`: with `head.map_rank` auto those that it turned; nil for all.
    private func turnedChannels(from start: HeadStart, in folder: FilePath) throws -> [Int]? {
        guard configuration.head.channelMap != .identity else { return nil }
        switch configuration.head.mapRank {
        case .automatic: return start.turnedChannels
        case .all: return nil
        case .channels(let count):
            let found = start.turnedChannels?.count ?? backbone.channelCount
            guard found == count else {
                throw TrainingError.startUnfit(
                    start: folder, problem: "turns \(found) channels, and head.map_rank is \(count)",
                    remedy: "Set head.map_rank: auto, which turns as many, or all")
            }
            return start.turnedChannels
        }
    }
}
