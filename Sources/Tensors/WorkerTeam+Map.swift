import Synchronization

extension WorkerTeam {
    /// The results of `body(worker, index)` for every index in 0..<`count`, in order of the indices.
    ///
    /// - Throws: the error of the lowest index whose call threw, like `forEach(_:_:)`.
    public func map<Result: Sendable>(
        _ count: Int, _ body: @Sendable (_ worker: Int, _ index: Int) throws -> Result
    ) throws -> [Result] {
        let results = Mutex([Result?](repeating: nil, count: count))
        try forEach(count) { worker, index in
            let result = try body(worker, index)
            results.withLock { $0[index] = result }
        }
        return results.withLock { $0.map { $0! } }
    }
}

/// One value for each worker of a team, such as scratch memory that must not be shared.
///
/// Inside `WorkerTeam.forEach` a worker may use its own value, and no other, without further locking: no two calls at
/// the same time have the same worker.
public final class WorkerLocal<Value>: @unchecked Sendable {
    private let values: [Value]

    public init(_ team: WorkerTeam, _ makeValue: () -> Value) {
        values = (0..<team.workerCount).map { _ in makeValue() }
    }

    public subscript(worker: Int) -> Value { values[worker] }
}
