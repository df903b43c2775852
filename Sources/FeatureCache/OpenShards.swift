import DurableFiles
import Glibc
import Synchronization
import SystemPackage

/// The files of shards that are open: at most `limit` of them, and those that threads are reading from. The one that has not
/// been used for longest makes room for the next.
final class OpenShards: Sendable {
    private struct Place {
        var shard: Int
        var file: PositionedFile
        var lastUse: UInt64
    }

    private struct State {
        var places: [Place] = []
        /// The place of each shard that has one.
        var placeOfShard: [Int: Int] = [:]
        var useCount: UInt64 = 0

        mutating func remove(_ place: Int) {
            placeOfShard[places[place].shard] = nil
            let last = places.removeLast()
            guard place < places.count else { return }
            places[place] = last
            placeOfShard[last.shard] = place
        }
    }

    let limit: Int
    private let state = Mutex(State())

    /// More open files than this are of little use, and each costs the system memory.
    private static let largestLimit = 4096
    /// Descriptors that are left to the rest of the program, and to threads that are reading from files that lost their place.
    private static let reserve = 128

    init(limit: Int? = nil) {
        self.limit = limit ?? Self.defaultLimit
    }

    /// Three quarters of the descriptors that this process may still have, as its limits are now.
    private static var defaultLimit: Int {
        var limits = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0 else { return 64 }
        let soft = limits.rlim_cur > UInt64(Int32.max) ? Int(Int32.max) : Int(limits.rlim_cur)
        return min(largestLimit, max(4, (soft - reserve) * 3 / 4))
    }

    /// The open file of a shard; `open` opens it if it is not.
    /// - Throws: what `open` throws. If the process has no descriptor left, half of the files are closed and it is called again.
    func file(_ shard: Int, _ open: () throws -> PositionedFile) throws -> PositionedFile {
        let found = state.withLock { state -> PositionedFile? in
            guard let place = state.placeOfShard[shard] else { return nil }
            state.useCount += 1
            state.places[place].lastUse = state.useCount
            return state.places[place].file
        }
        if let found { return found }
        var file: PositionedFile
        do {
            file = try open()
        } catch DurableFileError.failed(_, _, let code) where code == EMFILE || code == ENFILE {
            closeOldest(keeping: limit / 2)
            file = try open()
        }
        state.withLock { state in
            state.useCount += 1
            if let place = state.placeOfShard[shard] {
                // Another thread was quicker.
                file = state.places[place].file
            } else if state.places.count < limit {
                state.placeOfShard[shard] = state.places.count
                state.places.append(Place(shard: shard, file: file, lastUse: state.useCount))
            } else {
                let oldest = state.places.indices.min { state.places[$0].lastUse < state.places[$1].lastUse }!
                state.placeOfShard[state.places[oldest].shard] = nil
                state.placeOfShard[shard] = oldest
                state.places[oldest] = Place(shard: shard, file: file, lastUse: state.useCount)
            }
        }
        return file
    }

    /// Closes a file, so that the next one of that shard is opened anew.
    func close(_ shard: Int, _ file: PositionedFile) {
        state.withLock { state in
            guard let place = state.placeOfShard[shard], state.places[place].file === file else { return }
            state.remove(place)
        }
    }

    /// Closes all files, so that each is opened anew when it is needed.
    func closeAll() { closeOldest(keeping: 0) }

    private func closeOldest(keeping count: Int) {
        state.withLock { state in
            while state.places.count > count {
                state.remove(state.places.indices.min { state.places[$0].lastUse < state.places[$1].lastUse }!)
            }
        }
    }

    /// The number of open files, beside those that lost their place while threads read from them.
    var count: Int { state.withLock { $0.places.count } }
}
