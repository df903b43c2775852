import COpenMPIShim
import Glibc

/// The communicator of a run under mpirun or srun.
package final class MPICommunicator: Communicator {
    package let rank: Int
    package let size: Int
    package let localRank: Int
    package let localSize: Int
    package let hostName: String
    package let activity: Activity
    /// Elements in one MPI call: the C binding counts in Int32, and a larger array is sent in pieces.
    let countLimit: Int
    /// Whether waiting ends with an error while requests are under way, for tests of what happens to their memory.
    private let failsWaiting: Bool
    /// What this rank says to be the length of every message, for tests of what others do with that.
    let announcedByteCount: Int64?
    // Communicators may be used from several threads at the MPI_THREAD_MULTIPLE level.
    nonisolated(unsafe) let handle: cmpi_communicator
    /// A copy of `handle` for `gatherEndings`, whose messages must not meet those of an operation that others are in.
    private nonisolated(unsafe) let endingHandle: cmpi_communicator

    /// The world's communicator. MPI must be running. Collective.
    init() throws {
        let hostName = currentHostName()
        handle = cmpi_world()
        self.hostName = hostName
        var rank: Int32 = -1
        var size: Int32 = 0
        try checkMPI(cmpi_rank(handle, &rank), "MPI_Comm_rank", rank: -1, host: hostName)
        try checkMPI(cmpi_size(handle, &size), "MPI_Comm_size", rank: Int(rank), host: hostName)
        self.rank = Int(rank)
        self.size = Int(size)
        // Not from the environment: srun does not set OMPI_COMM_WORLD_LOCAL_RANK.
        var part: cmpi_communicator?
        try checkMPI(cmpi_split_by_host(handle, &part), "MPI_Comm_split_type", rank: Int(rank), host: hostName)
        try checkMPI(cmpi_rank(part, &rank), "MPI_Comm_rank", rank: self.rank, host: hostName)
        try checkMPI(cmpi_size(part, &size), "MPI_Comm_size", rank: self.rank, host: hostName)
        try checkMPI(cmpi_free(&part), "MPI_Comm_free", rank: self.rank, host: hostName)
        localRank = Int(rank)
        localSize = Int(size)
        var copy: cmpi_communicator?
        try checkMPI(cmpi_duplicate(handle, &copy), "MPI_Comm_dup", rank: self.rank, host: hostName)
        endingHandle = copy!
        countLimit = 1 << 28
        failsWaiting = false
        announcedByteCount = nil
        activity = Activity()
    }

    private init(
        _ other: MPICommunicator, handle: cmpi_communicator? = nil, countLimit: Int, failsWaiting: Bool = false,
        announcedByteCount: Int64? = nil, activity: Activity? = nil
    ) {
        rank = other.rank
        size = other.size
        localRank = other.localRank
        localSize = other.localSize
        hostName = other.hostName
        self.activity = activity ?? other.activity
        self.handle = handle ?? other.handle
        endingHandle = other.endingHandle
        self.countLimit = countLimit
        self.failsWaiting = failsWaiting
        self.announcedByteCount = announcedByteCount
    }

    /// The same communicator with smaller pieces, so that tests reach the code for arrays beyond Int32.
    package func limitingCounts(to countLimit: Int) -> MPICommunicator {
        MPICommunicator(self, countLimit: countLimit)
    }

    /// The same communicator with MPI failing in the middle of every operation, for tests.
    package var failingWaits: MPICommunicator { MPICommunicator(self, countLimit: countLimit, failsWaiting: true) }

    /// The same communicator that says each of its messages to have `byteCount` bytes, for tests.
    package func announcing(byteCount: Int64) -> MPICommunicator {
        MPICommunicator(self, countLimit: countLimit, announcedByteCount: byteCount)
    }

    /// MPI keeps it until it ends.
    package func copy() throws -> any Communicator {
        var copy: cmpi_communicator?
        try activity.during("copy of the communicator", count: 0) {
            try check(cmpi_duplicate(handle, &copy), "MPI_Comm_dup")
        }
        return MPICommunicator(
            self, handle: copy!, countLimit: countLimit, failsWaiting: failsWaiting,
            announcedByteCount: announcedByteCount, activity: Activity())
    }

    package func gatherEndings(_ report: [UInt8], patience: Duration) throws -> [[UInt8]]? {
        let endings = MPICommunicator(self, handle: endingHandle, countLimit: countLimit)
        var request: cmpi_request?
        try check(cmpi_start_barrier(endingHandle, &request), "MPI_Ibarrier")
        let start = ContinuousClock.now
        var done: Int32 = 0
        while true {
            try check(cmpi_test(&request, &done), "MPI_Ibarrier")
            if done != 0 { return try endings.allGather(report) }
            if ContinuousClock.now - start > patience { return nil }
            usleep(1000)
        }
    }

    package func abort(code: Int32, because message: String) -> Never {
        writeToStandardError("rank \(rank) (\(hostName)): \(message)\n")
        cmpi_abort_within(abortSeconds, code)
    }

    /// 0..<`count` in pieces that one call can take.
    func pieces(_ count: Int) -> [Range<Int>] {
        stride(from: 0, to: count, by: countLimit).map { $0..<min($0 + countLimit, count) }
    }

    func check(_ code: Int32, _ call: String) throws {
        try checkMPI(code, call, rank: rank, host: hostName)
    }

    /// Waits for `request` at the price of little processor time.
    ///
    /// A blocking MPI call polls: it takes a core from the rank that the others wait for. This polls for about a
    /// millisecond, giving way to others, and then sleeps between polls for a sixteenth of the time waited so far: from
    /// 50 to 500 microseconds, so that the delay stays below a tenth.
    func wait(_ request: inout cmpi_request?, _ call: String) throws {
        if failsWaiting {
            throw MessagePassingError.callFailed(call: call, rank: rank, host: hostName, message: "a test made it fail")
        }
        var done: Int32 = 0
        for _ in 0..<2000 {
            try check(cmpi_test(&request, &done), call)
            if done != 0 { return }
            sched_yield()
        }
        var waited: UInt32 = 1000
        while true {
            let pause = min(max(waited / 16, 50), 500)
            usleep(pause)
            waited = min(waited + pause, 1_000_000)
            try check(cmpi_test(&request, &done), call)
            if done != 0 { return }
        }
    }
}

/// How long an abort may take before the process leaves without it.
let abortSeconds: UInt32 = 5

/// Turns an MPI return code into an error that says which call, where and why. Every code goes through here.
func checkMPI(_ code: Int32, _ call: String, rank: Int, host: String) throws {
    guard code != 0 else { return }
    var text = [CChar](repeating: 0, count: 512)
    cmpi_error_text(code, &text, Int32(text.count))
    let message = text.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    throw MessagePassingError.callFailed(call: call, rank: rank, host: host, message: message)
}
