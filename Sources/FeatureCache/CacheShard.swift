import DurableFiles
import Synchronization
import SystemPackage

/// What this process knows of a shard's file: what the file was when its front was checked, and which rows have been verified
/// since. The file itself may be open or not.
final class CacheShard: Sendable {
    private struct State {
        /// Of the file that the rest is about; nil before the first read and after a change.
        var version: FileVersion?
        /// The digest that all others follow from, of the first file that was read from: no other is taken later.
        var root: ContentDigest?
        /// Where the features start.
        var featuresStart = 0
        /// The digests of the rows, as long as some have not been verified.
        var digests: [UInt8] = []
        var isVerified: [Bool] = []
        var unverifiedCount = 0
    }

    private let state = Mutex(State())

    /// How to read a row.
    struct Ticket {
        /// Where it starts.
        let offset: Int
        /// What it must have if it has not been verified yet.
        let digest: [UInt8]?
    }

    /// How to read a row from `file`. Checks the front of the file, or all of one that is verified as a whole, unless that was
    /// done with the same version of it. A thread that comes while another checks it waits for the result.
    /// - Throws: `ShardFault`; `FileChanged` if it changes under way; `DurableFileError`.
    func ticket(
        forRow row: Int, of file: PositionedFile, _ shard: Int, in index: CacheIndex, _ traffic: TrafficCounters
    ) throws -> Ticket {
        try state.withLock { state in
            if state.version != file.version { try Self.check(file, shard, in: index, &state, traffic) }
            let size = ShardLayout.digestByteCount
            return Ticket(
                offset: state.featuresStart + row * index.identity.sampleByteCount,
                digest: state.isVerified[row] ? nil : Array(state.digests[row * size..<(row + 1) * size]))
        }
    }

    private static func check(
        _ file: PositionedFile, _ shard: Int, in index: CacheIndex, _ state: inout State, _ traffic: TrafficCounters
    ) throws {
        state.version = nil
        let front = try ShardFront(of: file, shard, in: index)
        traffic.countFront(byteCount: front.start(ofRow: 0))
        if let problem = front.lengthProblem { throw ShardFault(problem: problem) }
        guard
            SkippedSample.text(front.skipped) == SkippedSample.text(index.skippedRows(inShard: shard))
        else { throw ShardFault(problem: "it leaves out other samples than the index says") }
        var isSound = true
        if front.layout.format == .wholeFiles {
            isSound = try front.hasSoundData(file) {
                traffic.countRead(byteCount: $0)
                traffic.countHashed(byteCount: $0)
            }
        }
        guard try file.currentVersion() == file.version else { throw FileChanged() }
        guard isSound else { throw ShardFault(problem: "its data do not have the digest it states") }
        if let root = state.root, root != front.root {
            throw ShardFault(problem: "it was replaced, while it was in use, by a file with other features")
        }
        let rowCount = front.layout.rowCount
        state.root = front.root
        state.featuresStart = front.start(ofRow: 0)
        state.digests = front.digests
        let isVerified = front.layout.format == .wholeFiles
        state.isVerified = [Bool](repeating: isVerified, count: rowCount)
        state.unverifiedCount = isVerified ? 0 : rowCount
        state.version = file.version
    }

    /// Remembers that a row of that version of the file has its digest.
    func markVerified(row: Int, version: FileVersion) {
        state.withLock { state in
            guard state.version == version, !state.isVerified[row] else { return }
            state.isVerified[row] = true
            state.unverifiedCount -= 1
            if state.unverifiedCount == 0 { state.digests = [] }
        }
    }

    /// Forgets what was verified of a version of the file that is no more.
    func forget(_ version: FileVersion) {
        state.withLock { state in
            guard state.version == version else { return }
            state.version = nil
            (state.digests, state.isVerified) = ([], [])
        }
    }

    /// The digest that all others follow from, of the file that was read from; nil before.
    var root: ContentDigest? { state.withLock { $0.root } }
}

/// A file is no longer what it was when it was opened.
struct FileChanged: Error {}
