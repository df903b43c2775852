import Foundation
import Testing

/// `infodisent` under mpirun.
enum Mpirun {
    /// Whether mpirun is there; says so once if not.
    static let isRunnable: Bool = {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let found = path.split(separator: ":").contains { access("\($0)/mpirun", X_OK) == 0 }
        if !found { print("Skipped: runs of several processes, because mpirun is not in PATH.") }
        return found
    }()

    /// A run of one program on some ranks, with options of their own.
    struct Part {
        let rankCount: Int
        let arguments: [String]
    }

    /// Starts one run of several parts, whose ranks are numbered in the order of the parts.
    ///
    /// - Parameter variables: of the environment, besides those of the tests.
    static func start(
        _ parts: [Part], with variables: [String: String] = [:], in folder: Folder, from place: String = "."
    ) throws -> Process {
        // More ranks than cores, free to move between them.
        var arguments = ["mpirun", "-q", "--oversubscribe", "--bind-to", "none"]
        let program = Tool.products.appending(path: Tool.infodisent.rawValue).path
        for (index, part) in parts.enumerated() {
            arguments += (index == 0 ? [] : [":"]) + ["-n", "\(part.rankCount)", program] + part.arguments
        }
        return try Tool.start(
            URL(fileURLWithPath: "/usr/bin/env"), arguments,
            environment: environment.merging(variables) { _, new in new }, in: folder, from: place)
    }

    static func start(
        ranks: Int, _ arguments: [String], in folder: Folder, from place: String = "."
    ) throws -> Process {
        try start([Part(rankCount: ranks, arguments: arguments)], in: folder, from: place)
    }

    static func run(_ parts: [Part], in folder: Folder) throws -> Tool.Outcome {
        try Tool.finish(start(parts, in: folder), in: folder)
    }

    static func run(
        ranks: Int, _ arguments: [String], with variables: [String: String] = [:], in folder: Folder
    ) throws -> Tool.Outcome {
        try Tool.finish(
            start([Part(rankCount: ranks, arguments: arguments)], with: variables, in: folder), in: folder)
    }

    /// Runs and requires that it succeeds.
    @discardableResult
    static func succeed(
        ranks: Int, _ arguments: String..., in folder: Folder, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> String {
        let outcome = try run(ranks: ranks, arguments, in: folder)
        try #require(
            outcome.exitCode == 0, "\(ranks) ranks, \(arguments): exit code \(outcome.exitCode): \(outcome.errors)",
            sourceLocation: sourceLocation)
        return outcome.output
    }

    /// The environment of a test without what a launcher around it may have left.
    private static var environment: [String: String] {
        var environment = ProcessInfo.processInfo.environment.filter { name, _ in
            !["OMPI_", "PMIX_", "PMI_", "SLURM_"].contains { name.hasPrefix($0) }
        }
        // Containers and CI run as root.
        environment["OMPI_ALLOW_RUN_AS_ROOT"] = "1"
        environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
        return environment
    }

    /// The process identifiers of the ranks of a run, in no order; empty before they are started.
    static func ranks(of mpirun: Process) throws -> [pid_t] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { pid_t($0) }.filter { process in
            parent(of: process) == mpirun.processIdentifier
        }
    }

    /// Waits until none of the processes lives; Open MPI takes about a second to end the ranks of a dead mpirun.
    static func waitForEnd(of processes: [pid_t]) {
        for _ in 0..<500 where processes.contains(where: { parent(of: $0) != nil }) { usleep(20_000) }
    }

    /// Nil when there is no such process, or only its remains.
    private static func parent(of process: pid_t) -> pid_t? {
        guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
            let nameEnd = text.lastIndex(of: ")")
        else { return nil }
        let fields = text[text.index(after: nameEnd)...].split(separator: " ")
        return fields.count > 1 && fields[0] != "Z" && fields[0] != "X" ? pid_t(fields[1]) : nil
    }
}
