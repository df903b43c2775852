/// A group of processes that compute one result together.
///
/// Every operation is collective: all ranks must call it, in the same order, with arrays of the same length.
/// The operations are those whose result no order or grouping can change, so that a run gives the same bytes on any
/// number of ranks: integers are summed, floating-point numbers never are (`ExactSum` turns them into integers).
public protocol Communicator: Sendable {
    /// This process, in 0..<`size`.
    var rank: Int { get }
    /// Number of processes.
    var size: Int { get }
    /// Replaces each element by its largest value on any rank.
    func maximum(_ values: inout [UInt32]) throws
    /// Replaces each element by its sum over all ranks. The caller makes sure that no sum overflows.
    func sum(_ values: inout [Int64]) throws
}

/// The communicator of a run in one process.
public struct SingleProcess: Communicator {
    public let rank = 0
    public let size = 1

    public init() {}

    public func maximum(_ values: inout [UInt32]) {}
    public func sum(_ values: inout [Int64]) {}
}
