import Synchronization

/// An exact sum under way on a thread of its own (`ExactReduction.start`).
public final class PendingReduction: Sendable {
    private final class Outcome: Sendable {
        let sums = Mutex<Result<[[Float]], any Error>?>(nil)
    }

    private let outcome = Outcome()
    private let thread: SideThread?
    private let work: @Sendable () throws -> [[Float]]
    private let activity: Activity
    private let elementCount: Int

    /// - Parameter activity: of the process that waits for the sums.
    init(elementCount: Int, activity: Activity, _ work: @escaping @Sendable () throws -> [[Float]]) {
        self.elementCount = elementCount
        self.activity = activity
        self.work = work
        thread = SideThread { [outcome] in
            let sums = Result(catching: work)
            outcome.sums.withLock { $0 = sums }
        }
    }

    /// Waits for the other ranks, and returns the sums. To be called once.
    /// - Throws: on all ranks alike, `MessagePassingError.sumOverflows`.
    public func finish() throws -> [[Float]] {
        try activity.during("sum begun before", count: elementCount) {
            // Without a thread it is added now, as the other ranks wait for it.
            guard let thread else { return try work() }
            thread.join()
            let sums = outcome.sums.withLock { sums in
                defer { sums = nil }
                return sums
            }
            guard let sums else { preconditionFailure("the sum is already finished") }
            return try sums.get()
        }
    }

    // The other ranks need this one for theirs, also where its own are given up.
    deinit { thread?.join() }
}
