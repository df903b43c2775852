import Synchronization

/// What a process is doing, and when it last got on: published by its main thread, read by its watchdog.
///
///     communicator.activity.begin(step: 29, "adding gradients")
///     try communicator.activity.allowing(.seconds(600)) { try writeCheckpoint() }
public final class Activity: Sendable {
    package struct Snapshot: Equatable {
        /// Counts everything that was begun or finished.
        package var progressCount: UInt64 = 0
        package var lastProgress: SuspendingClock.Instant
        package var step = 0
        package var text = "starting"
        /// The collective operation that this process waits in, and its number of elements.
        package var operation: (name: StaticString, count: Int)?
        /// The longest of the deadlines asked for by the `allowing` calls under way.
        package var allowance: Duration = .zero

        package static func == (a: Self, b: Self) -> Bool {
            a.progressCount == b.progressCount && a.lastProgress == b.lastProgress && a.step == b.step
                && a.text == b.text && a.allowance == b.allowance
        }
    }

    /// Told of each piece of work that has ended: what it was, as it was published, and how long it took.
    public typealias Observer = @Sendable (_ text: String, _ duration: Duration) -> Void

    private let state: Mutex<Snapshot>
    private let observation: Mutex<(observer: Observer?, start: ContinuousClock.Instant)>

    public init() {
        state = Mutex(Snapshot(lastProgress: .now))
        observation = Mutex((nil, .now))
    }

    /// Calls `observer` from `begin`, on its thread, each time that something else is begun.
    public func observe(_ observer: @escaping Observer) {
        observation.withLock { $0 = (observer, .now) }
    }

    /// Publishes what this process does from now on. Counts as progress.
    public func begin(step: Int, _ text: String) {
        let before = publish { state in
            defer {
                state.step = step
                state.text = text
            }
            return state.text
        }
        let ended = observation.withLock { observation in
            defer { observation.start = .now }
            return (observation.observer, ContinuousClock.now - observation.start)
        }
        ended.0?(before, ended.1)
    }

    /// Tells the watchdog that this process gets on; for long work without collective operations.
    public func progress() {
        publish { _ in }
    }

    /// Runs `body` with the deadline widened to `duration` (if that is longer): for phases in which this process works
    /// alone while the others wait for it. The others need not widen theirs.
    public func allowing<Result>(_ duration: Duration, _ body: () throws -> Result) rethrows -> Result {
        let before = publish { state in
            let before = state.allowance
            state.allowance = max(before, duration)
            return before
        }
        defer { publish { $0.allowance = before } }
        return try body()
    }

    /// Runs one collective operation.
    func during<Result>(_ name: StaticString, count: Int, _ body: () throws -> Result) rethrows -> Result {
        state.withLock { $0.operation = (name, count) }
        defer { publish { $0.operation = nil } }
        return try body()
    }

    package var snapshot: Snapshot { state.withLock { $0 } }

    @discardableResult
    private func publish<Result>(_ change: (inout Snapshot) -> Result) -> Result {
        state.withLock { state in
            state.progressCount += 1
            state.lastProgress = .now
            return change(&state)
        }
    }
}
