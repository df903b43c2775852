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
}
