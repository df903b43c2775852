/// A group of processes that compute one result together.
///
/// Every operation is collective: all ranks must call it, in the same order, with arrays of the same length unless its
/// comment says otherwise, and from one thread at a time. The operations are those whose result no order or grouping
/// can change, so that a run gives the same bytes on any number of ranks: integers are summed, floating-point numbers
/// never are (`ExactReduction` turns them into integers).
///
/// A rank that arrives early waits without burning its core, so the others may take as long as they need. If a rank dies
/// or freezes, the others do not get an error: Open MPI 4 never returns from the operation. `Watchdog` ends the job.
public protocol Communicator: Sendable {
    /// This process, in 0..<`size`.
    var rank: Int { get }
    /// Number of processes.
    var size: Int { get }
    /// This process among those on its host, in 0..<`localSize`.
    var localRank: Int { get }
    /// Number of processes on this host.
    var localSize: Int { get }
    /// Name of this host.
    var hostName: String { get }
    /// What this process is doing, for the watchdog.
    var activity: Activity { get }

    /// The same ranks for another thread: operations of the one and of the other may be under way at the same time. Its activity is
    /// of its own, and no watchdog's.
    func copy() throws -> any Communicator

    /// Replaces each element by its largest value on any rank.
    func maximum(_ values: inout [UInt32]) throws
    /// Replaces each element by its sum over all ranks. The caller makes sure that no sum overflows.
    func sum(_ values: inout [Int64]) throws
    /// Replaces each element by its sum over all ranks. The caller makes sure that no sum overflows.
    func sum(_ values: inout [Int32]) throws

    /// Sends block r of `values` to rank r, and receives this rank's block of every rank in rank order.
    ///
    /// `values` and `received` hold `size` blocks of equal length.
    func exchange(_ values: [Int64], into received: inout [Int64]) throws
    /// Fills the blocks of the other ranks.
    ///
    /// Block r, which rank r gives, starts at r * B and has B = `values.count` / `size`, rounded up, elements, or as many
    /// as are left.
    func allGather(_ values: inout [Float]) throws

    /// Gives all ranks the bytes of `root`. The other ranks' `bytes` are replaced, whatever their length.
    func broadcast(_ bytes: inout [UInt8], from root: Int) throws
    /// The bytes of all ranks in rank order at `root`, an empty array elsewhere. Lengths may differ.
    func gather(_ bytes: [UInt8], to root: Int) throws -> [[UInt8]]
    /// The bytes of all ranks in rank order. Lengths may differ.
    func allGather(_ bytes: [UInt8]) throws -> [[UInt8]]
    /// Sends `messages[r]` to rank r, and returns what each rank sent to this one. Lengths may differ.
    func exchange(_ messages: [[UInt8]]) throws -> [[UInt8]]

    /// Returns when all ranks have called it.
    func barrier() throws

    /// What every rank has to say at its end, in rank order; nil if some rank does not come to its end within `patience`.
    ///
    /// For a rank that cannot go on and does not know whether the others can: they call this too, or are waiting in
    /// another operation for ever. Called once. After nil, the only operation left is `abort`.
    func gatherEndings(_ report: [UInt8], patience: Duration) throws -> [[UInt8]]?

    /// Ends all ranks with exit code `code` after a line with `message` and this rank on standard error. Not collective.
    func abort(code: Int32, because message: String) -> Never
}
