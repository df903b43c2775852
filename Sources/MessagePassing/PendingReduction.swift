import Synchronization

/// An exact sum under way on a thread of its own (`ExactReduction.start`).
public final class PendingReduction: Sendable {
    /// Calls the work once, on whichever thread comes to it.
    private final class Task: Sendable {
        private enum State {
            /// With the memory for the sums.
            case begun([[Float]])
            case done(Result<[[Float]], any Error>)
            case taken
        }

        private let state: Mutex<State>
        private let work: @Sendable (inout [[Float]]) throws -> Void

        init(room: consuming [[Float]], _ work: @escaping @Sendable (inout [[Float]]) throws -> Void) {
            state = Mutex(.begun(room))
            self.work = work
        }

        /// Adds, if nobody has.
        func run() {
            state.withLock { state in
                guard case .begun(var sums) = state else { return }
                // The memory has one owner, who may write to it.
                state = .taken
                do {
                    try work(&sums)
                    state = .done(.success(sums))
                } catch {
                    state = .done(.failure(error))
                }
            }
        }

        func take() throws -> [[Float]] {
            try state.withLock { state in
                guard case .done(let sums) = state else { preconditionFailure("the sum is already finished") }
                state = .taken
                return try sums.get()
            }
        }
    }

    private let task: Task
    private let thread: SideThread?
    private let activity: Activity
    private let elementCount: Int

    /// - Parameters:
    ///   - activity: of the process that waits for the sums.
    ///   - room: memory that `work` is given for them.
    init(
        elementCount: Int, activity: Activity, room: consuming [[Float]],
        _ work: @escaping @Sendable (inout [[Float]]) throws -> Void
    ) {
        self.elementCount = elementCount
        self.activity = activity
        let task = Task(room: room, work)
        self.task = task
        thread = SideThread { task.run() }
    }

    /// Waits for the other ranks, and returns the sums. To be called once.
    /// - Throws: on all ranks alike, `MessagePassingError.sumOverflows`.
    public func finish() throws -> [[Float]] {
        settle()
        return try task.take()
    }

    private func settle() {
        activity.during("sum begun before", count: elementCount) {
            thread?.join()
            // Where the system had no thread to give, it is added now.
            task.run()
        }
    }

    // The other ranks need this one for theirs, also where its own are given up.
    deinit { settle() }
}
