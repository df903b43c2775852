import Synchronization

/// A wish to end a run early, set from a signal handler's queue and read between steps.
public final class StopRequest: Sendable {
    private let requested = Atomic<Bool>(false)

    public init() {}

    /// Asks the run to write a checkpoint after the step in work and to end.
    public func request() { requested.store(true, ordering: .relaxed) }

    public var isRequested: Bool { requested.load(ordering: .relaxed) }
}
