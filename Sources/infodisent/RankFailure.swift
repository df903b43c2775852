import Foundation
import MessagePassing

/// The end of a run in which a rank has failed.
enum RankFailure {
    /// How long a rank that fails waits for the others to fail too. It hardly matters: they are a message away, or at work
    /// that is in vain.
    private static let patience = Duration.seconds(3)

    /// What a rank tells the others at its end.
    private struct Report: Codable {
        let code: Int32
        /// Nil on a rank that fails only because another does.
        let message: String?
        let host: String
    }

    /// Reports `error` and ends this rank, and the others if need be, with the error's exit code.
    ///
    /// When all ranks come here, rank 0 reports the errors, each once; one that only some ranks have is said to be
    /// theirs. Otherwise this rank reports its own and ends the others, which wait for it in vain.
    static func end(with error: any Error, on communicator: any Communicator) -> Never {
        guard communicator.size > 1 else { Console.fail(error) }
        var message: String? = "\(error)"
        if case MessagePassingError.failedElsewhere = error { message = nil }
        let own = Report(code: exitCode(for: error).rawValue, message: message, host: communicator.hostName)
        let encoded = (try? JSONEncoder().encode(own)).map { [UInt8]($0) } ?? []
        guard let all = try? communicator.gatherEndings(encoded, patience: patience) else {
            communicator.abort(code: own.code, because: "infodisent: \(error)")
        }
        let reports = all.map { try? JSONDecoder().decode(Report.self, from: Data($0)) }
        for line in lines(reports) { Console.note(line) }
        // Nothing more, such as about the SIGTERM by which mpirun answers a rank's failure.
        Console.isQuiet = true
        exit(reports.compactMap { $0 }.first { $0.message != nil }?.code ?? own.code)
    }

    private static func lines(_ reports: [Report?]) -> [String] {
        var lines: [String] = []
        let messages = reports.map { $0?.message }
        for (rank, message) in messages.enumerated() where messages.firstIndex(of: message) == rank {
            guard let message, let report = reports[rank] else { continue }
            let isShared = messages.allSatisfy { $0 == message }
            lines.append("infodisent: " + (isShared ? "" : "rank \(rank) (\(report.host)): ") + message)
        }
        return lines
    }
}
