import FeatureCache
import Foundation
import Inference
import MessagePassing
import RunControl
import Synchronization
import Tensors

extension Extraction {
    /// Writes `shards`, this rank's part of the `missing` ones, and gives the samples that they leave out; nil if a stop was
    /// requested before the last.
    ///
    /// All workers go through the images of all shards one by one, without waiting for each other: whoever sets the last
    /// image of a shard writes its file while the others go on with the next shards. What is sound of a damaged file is kept.
    static func fill(
        _ shards: [Int], of missing: [Int], _ writer: FeatureCacheWriter, _ experiment: Experiment,
        _ team: WorkerTeam, _ communicator: any Communicator, _ stop: StopRequest,
        _ progress: @escaping ProgressHandler, _ note: @escaping NoteHandler
    ) throws -> [SkippedSample]? {
        let line = ShardLine(shards, writer, communicator.activity, note)
        // What is shown is the work of all ranks, on the assumption that the others are as fast as this one.
        let total = (0..<writer.shardCount).reduce(0) { $0 + writer.sampleIndices(inShard: $1).count }
        let missingCount = missing.reduce(0) { $0 + writer.sampleIndices(inShard: $1).count }
        let ownCount = line.imageCount
        let completed = Mutex(0)
        let workspaces = WorkerLocal(team) { experiment.backbone.makeWorkspace() }
        do {
            try team.forEach(line.imageCount) { worker, image in
                do {
                    if stop.isRequested { throw Interruption.stopRequested }
                    let (place, row) = line.position(ofImage: image)
                    let shard = try line.open(place)
                    if shard.isMissing[row] {
                        try experiment.extract(row: row, of: shard.pending, workspace: workspaces[worker])
                    }
                    completed.withLock { completed in
                        completed += 1
                        communicator.activity.progress()
                        progress(
                            .init(
                                activity: "extract",
                                completed: total - missingCount + completed * missingCount / ownCount, total: total,
                                unit: "images"))
                    }
                    try line.finishRow(of: place)
                } catch {
                    line.abandon(image: image, error)
                    throw error
                }
            }
        } catch {
            if let failure = line.failure { throw failure }
            return nil
        }
        return line.skipped
    }
}

/// Why a worker left its work without an error of its own.
private enum Interruption: Error {
    case stopRequested
    /// Another worker has failed.
    case abandoned
}

/// Shards in the order in which they are filled. Few of them are in memory at a time; the rest is on disk or not begun.
private final class ShardLine: @unchecked Sendable {
    /// A shard that is in memory.
    struct Open {
        let pending: PendingShard
        /// Of each row, whether it has to be extracted.
        let isMissing: [Bool]
    }

    private let shards: [Int]
    private let writer: FeatureCacheWriter
    private let activity: Activity
    private let note: NoteHandler
    /// Where the images of each shard start, and the end.
    private let starts: [Int]
    /// Held by the worker that writes a shard: the disk takes one after the other.
    private let writing = NSLock()

    /// Guards what follows; signalled when a shard leaves the memory and when the work is abandoned.
    private let state = NSCondition()
    private var openShards: [Int: Open] = [:]
    private var missingRowCounts: [Int]
    private var skippedSamples: [SkippedSample] = []
    private var isAbandoned = false
    private var firstFailure: (image: Int, error: any Error)?

    init(_ shards: [Int], _ writer: FeatureCacheWriter, _ activity: Activity, _ note: @escaping NoteHandler) {
        self.shards = shards
        self.writer = writer
        self.activity = activity
        self.note = note
        missingRowCounts = shards.map { writer.sampleIndices(inShard: $0).count }
        starts = missingRowCounts.reduce(into: [0]) { $0.append($0.last! + $1) }
    }

    var imageCount: Int { starts.last! }

    /// The place of the shard that an image belongs to, and its row there.
    func position(ofImage image: Int) -> (place: Int, row: Int) {
        var (low, high) = (0, shards.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= image { low = middle } else { high = middle }
        }
        return (low, image - starts[low])
    }

    /// The shard at a place, with memory for its features; waits while too many others have some.
    ///
    /// Images are taken in order, so that the first of the shards in memory never waits for one that is not.
    func open(_ place: Int) throws -> Open {
        state.lock()
        defer { state.unlock() }
        while true {
            if isAbandoned { throw Interruption.abandoned }
            if let shard = openShards[place] { return shard }
            if openShards.count < Extraction.openShardLimit { break }
            state.wait()
        }
        activity.begin(step: 0, "extracting features, shard \(shards[place])")
        let pending = try writer.pendingShard(shards[place])
        if pending.problem != nil { note(pending.mendingNote) }
        var isMissing = [Bool](repeating: false, count: pending.samples.count)
        for row in pending.missingRows { isMissing[row] = true }
        let shard = Open(pending: pending, isMissing: isMissing)
        openShards[place] = shard
        return shard
    }

    /// Counts a row that is set; with the last one, writes the shard and gives its memory back.
    func finishRow(of place: Int) throws {
        state.lock()
        missingRowCounts[place] -= 1
        let finished = missingRowCounts[place] == 0 ? openShards[place] : nil
        state.unlock()
        guard let finished else { return }
        try writing.withLock { try activity.allowing(.seconds(600)) { try finished.pending.write() } }
        state.lock()
        openShards[place] = nil
        // The files of other views leave out the same.
        if finished.pending.view == 0 { skippedSamples += finished.pending.skipped }
        state.broadcast()
        state.unlock()
    }

    /// The samples that the written shards leave out.
    var skipped: [SkippedSample] {
        state.lock()
        defer { state.unlock() }
        return skippedSamples
    }

    /// Ends the work of all: an image has failed, or a stop is wished for.
    func abandon(image: Int, _ error: any Error) {
        state.lock()
        isAbandoned = true
        if !(error is Interruption), image < firstFailure?.image ?? .max { firstFailure = (image, error) }
        state.broadcast()
        state.unlock()
    }

    /// The error of the first image that failed.
    var failure: (any Error)? {
        state.lock()
        defer { state.unlock() }
        return firstFailure?.error
    }
}
