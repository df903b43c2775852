extension Communicator {
    /// The seconds that `body`, which all ranks begin together, takes on the slowest of them. Collective.
    package func seconds(_ body: () throws -> Void) throws -> Double {
        try barrier()
        let start = SuspendingClock.now
        try body()
        var microseconds = [UInt32(clamping: Int((SuspendingClock.now - start) / .microseconds(1)))]
        try maximum(&microseconds)
        return Double(microseconds[0]) * 1e-6
    }
}
