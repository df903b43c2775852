import Checkpoints
import DisentangledHead
import DurableFiles
import Inference
import MessagePassing
import Results
import RunControl
import SystemPackage
import Tensors

/// Rank 0's part in a run: where it begins, what is kept of it, and what is shown.
///
/// It alone touches the run directory. The other ranks do not wait for it: what goes wrong is kept, and all hear of it in the
/// next step (`failure`).
final class Coordinator {
    private var experiment: Experiment
    private let schedule: RunSchedule
    private let activity: Activity
    private let progress: ProgressHandler

    /// Held as long as the run lives.
    private let directory: RunDirectory
    private let store: CheckpointStore
    private var log: MetricsLog?
    private var lastCheckpoint: FilePath?
    /// Names of channels in the checkpoint that the run goes on from; its own have them too.
    private var channelNames: [Int: String] = [:]
    private var start = ContinuousClock.now
    /// The best top-1 on the test images so far, if the checkpoint that has it is to be kept.
    private var bestTop1 = -Double.infinity

    /// What went wrong and is not yet known to the other ranks.
    private(set) var failure: (any Error)?

    /// How long work on the disk may take before the watchdog takes it for a stall.
    private static let diskAllowance = Duration.seconds(600)
    /// How long taking the run directory may take: another process may have to end first, or to be found frozen.
    private static let claimAllowance = Duration.seconds(3600)

    /// Takes the run directory.
    /// - Throws: `TrainingError.runInUse`, `DurableFileError`.
    init(
        _ experiment: Experiment, schedule: RunSchedule, activity: Activity, progress: @escaping ProgressHandler
    ) throws {
        self.experiment = experiment
        self.schedule = schedule
        self.activity = activity
        self.progress = progress
        directory = try activity.allowing(Self.claimAllowance) {
            try RunDirectory(experiment.configuration.run.directory)
        }
        store = CheckpointStore(runDirectory: experiment.configuration.run.directory)
    }

    // MARK: - The beginning

    /// The checkpoint to go on from; nil to begin at the start.
    /// - Throws: `TrainingError` for a run that exists or a checkpoint of another one; `CheckpointError`, `DurableFileError`.
    func checkpoint(for resume: TrainingRun.Resume, note: (String) -> Void) throws -> Checkpoint? {
        let checkpoint: Checkpoint
        switch resume {
        case .automatic:
            guard let latest = try store.latest() else { return nil }
            latest.warnings.forEach(note)
            note("Going on from \(latest.checkpoint.directory).")
            checkpoint = latest.checkpoint
        case .never:
            guard try store.list().isEmpty else { throw TrainingError.runExists(directory: store.directory) }
            return nil
        case .from(let path):
            checkpoint = try Checkpoint(reading: CheckpointStore.resolve(path))
        }
        try checkpoint.requireSameRun(as: experiment, schedule: schedule)
        channelNames = checkpoint.state.channelNames
        if !channelNames.isEmpty {
            note(
                """
                Its names of \(channelNames.count) channels are kept. What channels stand for changes as the training goes on: look \
                at them again afterwards.
                """)
        }
        return checkpoint
    }

    /// Writes the effective configuration into the run directory. It says how many channels the channel map turns, if not all,
    /// here and in checkpoints.
    func recordConfiguration(turnedCount: Int?) throws {
        if let turnedCount { experiment = experiment.changing { $0.head.mapRank = .channels(turnedCount) } }
        try DurableFile.write(experiment.configuration.yaml, to: directory.configurationPath)
    }

    /// Opens the log, and makes sure that the checkpoint the run goes on from is its own.
    func begin(_ snapshot: @autoclosure () -> RunSnapshot, step: Int) throws {
        let log = try MetricsLog(directory.metricsPath, continuingAfter: step)
        self.log = log
        try findBest(snapshot, step: step)
        // A kill between writing a checkpoint and removing the oldest leaves one too many.
        try store.prune(keeping: experiment.configuration.checkpoint.keep)
        lastCheckpoint = try store.list().last
        // A run that goes on from another run's checkpoint keeps it as its own.
        if lastCheckpoint == nil && step > 0 { try save(snapshot()) }
        start = ContinuousClock.now - .seconds(log.secondsBefore)
    }

    /// Finds what the best checkpoint so far has reached. A kill between writing a checkpoint and naming it the best is made
    /// up for.
    private func findBest(_ snapshot: () -> RunSnapshot, step: Int) throws {
        guard experiment.configuration.checkpoint.best else { return }
        if let best = try store.best(), let state = try? Checkpoint.state(of: best) {
            bestTop1 = state.metrics["test_top1"] ?? bestTop1
        }
        guard step > 0, schedule.events(afterStep: step, stops: false).evaluates else { return }
        guard let top1 = snapshot().metrics["test_top1"], top1 > bestTop1 else { return }
        guard try store.list().contains(where: { $0.lastComponent?.string == CheckpointStore.name(ofStep: step) })
        else { return }
        try store.markBest(step: step)
        bestTop1 = top1
    }

    // MARK: - After each step

    /// Shows a record, and does with the run's files what `events` say.
    func follow(_ record: MetricsRecord, _ events: RunSchedule.Events, _ snapshot: @autoclosure () -> RunSnapshot) {
        var record = record
        record.seconds = (ContinuousClock.now - start) / .seconds(1)
        if events.logs { attempt { try log?.append(record) } }
        show(record)
        let isBest = experiment.configuration.checkpoint.best && record.testTop1.map { $0 > bestTop1 } ?? false
        guard events.savesCheckpoint || isBest else { return }
        activity.begin(step: record.step, "writing a checkpoint")
        attempt {
            try save(snapshot())
            if isBest {
                try store.markBest(step: record.step)
                bestTop1 = record.testTop1 ?? bestTop1
            }
            try store.prune(keeping: experiment.configuration.checkpoint.keep)
        }
    }

    /// Where the run's last checkpoint is, and its best one if that is kept.
    /// - Throws: what went wrong since the last step.
    func finish() throws -> (last: FilePath, best: FilePath?) {
        if let failure { throw failure }
        try log?.writeTable(to: directory.tablePath)
        return (lastCheckpoint ?? store.directory, experiment.configuration.checkpoint.best ? try store.best() : nil)
    }

    /// Work for whose end the other ranks do not wait. An error is kept for the next step.
    private func attempt(_ body: () throws -> Void) {
        do {
            try activity.allowing(Self.diskAllowance, body)
        } catch {
            failure = failure ?? error
        }
    }

    private func save(_ snapshot: RunSnapshot) throws {
        let trainer = snapshot.trainer
        lastCheckpoint = try store.save(
            CheckpointState(
                trainer, experiment: experiment, epoch: schedule.epoch(ofStep: trainer.step), metrics: snapshot.metrics,
                channelNames: channelNames),
            channelMap: trainer.head.channelMap, classifier: trainer.head.classifier.weights,
            bias: trainer.head.classifier.bias, mask: trainer.head.classifier.mask, epsilon: trainer.head.epsilon,
            optimizer: trainer.optimizer.map { OptimizerTensor(name: $0.name, shape: $0.shape, elements: $0.values) })
    }

    private func show(_ record: MetricsRecord) {
        let accuracy = (record.testTop1.map { ", test \(percentage($0))" }) ?? ""
        progress(
            ProgressReport(
                activity: "train", completed: record.step, total: schedule.totalSteps, unit: "steps",
                detail: "epoch \(record.epoch)/\(schedule.epochCount), loss \(rounded(record.loss)), "
                    + "train \(percentage(record.accuracy))\(accuracy)"))
    }

    private func percentage(_ share: Double) -> String { "\((share * 1000).rounded() / 10) %" }
    private func rounded(_ number: Double) -> String { "\((number * 1000).rounded() / 1000)" }
}

/// What a checkpoint is made of.
struct RunSnapshot {
    let trainer: HeadTrainerState
    /// The figures of the last completed epoch and of the one in work.
    let metrics: [String: Double]
}
