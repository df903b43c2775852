public import SystemPackage

/// What can go wrong between processes.
public enum MessagePassingError: Error, Equatable, CustomStringConvertible {
    /// An MPI call returned an error.
    case callFailed(call: String, rank: Int, host: String, message: String)
    /// The library was built without support for calls from several threads.
    case threadsNotSupported(rank: Int)
    /// A launcher started several processes but gave them no way to find each other.
    case noProcessManager(launcher: String)
    /// `World.start()` was called a second time.
    case alreadyStarted
    /// A leaf of an exact sum holds a NaN or an infinity.
    case notFinite(NonFiniteElement)
    /// The exact sum of finite leaves is beyond the range of Float.
    case sumOverflows(tensor: Int, element: Int)
    /// A logical shard's leaf was given by no rank or by several.
    case wrongShards(shard: Int, rankCount: Int)
    /// A rank sent something else than it should have.
    case malformedMessage(rank: Int, subject: String, problem: String)
    /// What was named as the heartbeat file is something else.
    case notAHeartbeatFile(path: FilePath, problem: String)
    /// `together` succeeded here, but not on `rank`.
    case failedElsewhere(rank: Int, host: String, message: String)

    public var description: String {
        switch self {
        case .callFailed(let call, let rank, let host, let message):
            "\(call) failed on rank \(rank) (\(host)): \(message)."
        case .threadsNotSupported(let rank):
            "Open MPI on rank \(rank) does not support MPI_THREAD_MULTIPLE; install a build that does "
                + "(ompi_info shows \"MPI_THREAD_MULTIPLE: yes\")."
        case .noProcessManager(let launcher):
            "\(launcher) started several processes without PMIx, so they cannot find each other; "
                + "use srun --mpi=pmix, or mpirun inside the allocation."
        case .alreadyStarted:
            "World.start() was called a second time; pass on the communicator that the first call returned."
        case .notFinite(let element):
            "\(element)"
        case .sumOverflows(let tensor, let element):
            "The sum of element \(element) of tensor \(tensor) is beyond the range of Float although every summand is "
                + "finite; lower the learning rate or the scale of the loss."
        case .wrongShards(let shard, let rankCount):
            "Logical shard \(shard) was given to the exact sum by \(rankCount) ranks instead of one."
        case .malformedMessage(let rank, let subject, let problem):
            "The message of rank \(rank) with its \(subject) cannot be read: \(problem). All ranks need the same program."
        case .notAHeartbeatFile(let path, let problem):
            "\(path) cannot be the heartbeat file: \(problem). Give a name that is not in use."
        case .failedElsewhere(let rank, let host, let message):
            "Rank \(rank) (\(host)) failed: \(message)"
        }
    }
}

/// Where a NaN or an infinity arose.
public struct NonFiniteElement: Equatable, Sendable, CustomStringConvertible {
    /// Logical shard whose leaf holds it.
    public let shard: Int
    /// Rank and host that computed the leaf.
    public let rank: Int
    public let host: String
    /// Index of the tensor in the leaf, and of the element in the tensor.
    public let tensor: Int
    public let element: Int
    /// "nan", "inf" or "-inf".
    public let value: String

    public var description: String {
        "Logical shard \(shard), computed by rank \(rank) (\(host)), gave \(value) for element \(element) of tensor "
            + "\(tensor), so there is no sum; lower the learning rate, or look for bad input in that shard."
    }
}
