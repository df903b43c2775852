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

        /// The report as bytes, which holds nothing that JSON cannot say.
        var bytes: [UInt8] {
            guard let data = try? JSONEncoder().encode(self) else {
                preconditionFailure("a report that is no JSON: \(self)")
            }
            return [UInt8](data)
        }

        /// What a rank reports; if that is not a report, this says so.
        init(_ bytes: [UInt8], ofRank rank: Int, fallbackCode: Int32) {
            do {
                self = try JSONDecoder().decode(Report.self, from: Data(bytes))
            } catch {
                let malformed = MessagePassingError.malformedMessage(
                    rank: rank, subject: "report at the end", problem: "it is not a report")
                self.init(code: fallbackCode, message: "\(malformed)", host: "unknown host")
            }
        }

        init(code: Int32, message: String?, host: String) {
            (self.code, self.message, self.host) = (code, message, host)
        }
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
        let all: [[UInt8]]
        do {
            guard let reports = try communicator.gatherEndings(own.bytes, patience: patience) else {
                communicator.abort(code: own.code, because: "infodisent: \(error)")
            }
            all = reports
        } catch let second {
            // The first is what the user has to know of; that MPI failed at the end is what the operator may ask for.
            communicator.abort(code: own.code, because: "infodisent: \(error) (And at the end: \(second))")
        }
        let reports = all.enumerated().map { Report($1, ofRank: $0, fallbackCode: own.code) }
        for line in lines(reports) { Console.complain(line) }
        // Nothing more, such as about the SIGTERM by which mpirun answers a rank's failure.
        Console.isQuiet = true
        let code = reports.first { $0.message != nil }?.code ?? own.code
        World.announceEnd(code: code)
        exit(code)
    }

    private static func lines(_ reports: [Report]) -> [String] {
        var lines: [String] = []
        let messages = reports.map(\.message)
        for (rank, message) in messages.enumerated() where messages.firstIndex(of: message) == rank {
            guard let message else { continue }
            let report = reports[rank]
            let isShared = messages.allSatisfy { $0 == message }
            lines.append("infodisent: " + (isShared ? "" : "rank \(rank) (\(report.host)): ") + message)
        }
        return lines
    }
}
