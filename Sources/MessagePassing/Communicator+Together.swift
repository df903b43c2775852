extension Communicator {
    /// Runs `body` on every rank; either it succeeds on all of them, or all of them throw.
    ///
    /// For work that can fail on one rank alone (a file that only one of them reads): without agreement the others would
    /// wait for ever in their next operation. The rank on which `body` threw throws that error again.
    /// - Throws: `MessagePassingError.failedElsewhere` on ranks where `body` succeeded, naming the lowest rank that failed.
    public func together<Result>(_ body: () throws -> Result) throws -> Result {
        let outcome = Swift.Result<Result, any Error>(catching: body)
        var report: [UInt8] = []
        if case .failure(let error) = outcome { report = [1] + Array("\(error)".utf8) }
        let host = Array(hostName.utf8)
        let reports = try allGather(report)
        guard let failed = reports.firstIndex(where: { !$0.isEmpty }) else { return try outcome.get() }
        let hosts = try allGather(host)
        if case .failure(let error) = outcome { throw error }
        throw MessagePassingError.failedElsewhere(
            rank: failed, host: String(decoding: hosts[failed], as: UTF8.self),
            message: String(decoding: reports[failed].dropFirst(), as: UTF8.self))
    }

    /// The sums over all ranks of the `count` integers that `body` gives; if it throws on some rank, all of them throw, as
    /// by `together`. One small sum as long as nothing fails.
    public func sumTogether(count: Int, _ body: () throws -> [Int64]) throws -> [Int64] {
        let outcome = Swift.Result<[Int64], any Error>(catching: body)
        var values = [Int64](repeating: 0, count: count) + [1]
        if case .success(let own) = outcome {
            precondition(own.count == count, "\(own.count) integers to be summed instead of \(count)")
            values = own + [0]
        }
        try sum(&values)
        if values.removeLast() > 0 { _ = try together { try outcome.get() } }
        return values
    }

    /// Gives all ranks what `body` gives on rank 0, where alone it is run; if it throws, all ranks throw, as by
    /// `together`. The others may wait for it for `allowance`.
    public func fromRank0(allowing allowance: Duration, _ body: () throws -> [UInt8]) throws -> [UInt8] {
        var bytes = try together { rank == 0 ? try activity.allowing(allowance, body) : [] }
        try broadcast(&bytes, from: 0)
        return bytes
    }
}
