import Dispatch
import Foundation
import Synchronization

/// A fixed number of threads that share out independent pieces of work.
///
/// Pieces are handed out one by one, so a slow core takes fewer of them. A piece must not depend on which worker runs it
/// or on other pieces: that is what makes results the same for any number of workers.
public struct WorkerTeam: Sendable {
    /// Number of pieces that may be in work at the same time, at least 1.
    public let workerCount: Int

    /// A team of `workerCount` workers; as many as this process may use processors if nil
    /// (its affinity mask, which mpirun and SLURM narrow).
    public init(workerCount: Int? = nil) {
        self.workerCount = max(1, workerCount ?? ProcessInfo.processInfo.activeProcessorCount)
    }

    /// Calls `body(worker, index)` once for every index in 0..<`count`; returns when all calls have returned.
    ///
    /// `worker` is in 0..<`workerCount`, and no two calls at the same time have the same one: it can index scratch space.
    /// - Throws: the error of the lowest index whose call threw; after an error no further pieces are started.
    public func forEach(_ count: Int, _ body: @Sendable (_ worker: Int, _ index: Int) throws -> Void) throws {
        let next = Atomic<Int>(0)
        let failure = Mutex<(index: Int, error: any Error)?>(nil)
        DispatchQueue.concurrentPerform(iterations: min(workerCount, max(count, 0))) { worker in
            while true {
                let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
                guard index < count else { return }
                do {
                    try body(worker, index)
                } catch {
                    next.store(count, ordering: .relaxed)
                    failure.withLock { if $0 == nil || index < $0!.index { $0 = (index, error) } }
                }
            }
        }
        if let failure = failure.withLock({ $0 }) { throw failure.error }
    }

    /// `forEach(_:_:)` for work that cannot fail.
    public func forEach(_ count: Int, _ body: @Sendable (_ worker: Int, _ index: Int) -> Void) {
        let next = Atomic<Int>(0)
        DispatchQueue.concurrentPerform(iterations: min(workerCount, max(count, 0))) { worker in
            while true {
                let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
                guard index < count else { return }
                body(worker, index)
            }
        }
    }

    /// Cuts 0..<`count` into consecutive ranges of `length` (the last may be shorter) and calls `body` once for each.
    ///
    /// The ranges depend on `count` and `length` only, never on the number of workers.
    public func forEachRange(of count: Int, length: Int, _ body: @Sendable (_ worker: Int, Range<Int>) -> Void) {
        precondition(length > 0, "ranges need a positive length, not \(length)")
        forEach((count + length - 1) / length) { worker, piece in
            body(worker, piece * length..<min(count, (piece + 1) * length))
        }
    }
}
