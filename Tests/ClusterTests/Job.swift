import Foundation
import Testing

/// A process that a test starts, watches and disturbs.
final class Job {
    struct Outcome: CustomStringConvertible {
        /// 128 + signal for a process that a signal ended.
        let exitCode: Int32
        /// Standard output and standard error together.
        let text: String
        let seconds: Double

        var description: String { "exit code \(exitCode) after \(seconds) s:\n\(text)" }
    }

    struct Endless: Error, CustomStringConvertible {
        let arguments: [String]
        let text: String
        var description: String { "\(arguments) did not end in time:\n\(text)" }
    }

    let process = Process()
    private let arguments: [String]
    private let start = Date()
    private let log: URL

    /// Starts a program that is looked up in PATH. What a launcher around the tests left in the environment is kept out.
    init(_ arguments: [String], in folder: URL? = nil, environment additions: [String: String] = [:]) throws {
        self.arguments = arguments
        log = FileManager.default.temporaryDirectory.appending(path: "infodisent-job-\(UUID().uuidString)")
        try Data().write(to: log)
        let handle = try FileHandle(forWritingTo: log)
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment
            .filter { name, _ in !["OMPI_", "PMIX_", "PMI_", "SLURM_"].contains { name.hasPrefix($0) } }
            .merging(additions) { $1 }
        if let folder { process.currentDirectoryURL = folder }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = handle
        process.standardError = handle
        // A thread of a pool blocks signals, and its children would inherit that.
        var all = sigset_t()
        var before = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_UNBLOCK, &all, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        try process.run()
    }

    deinit {
        if process.isRunning { Glibc.kill(process.processIdentifier, SIGKILL) }
        try? FileManager.default.removeItem(at: log)
    }

    var text: String { String(decoding: (try? Data(contentsOf: log)) ?? Data(), as: UTF8.self) }

    func send(_ signal: Int32) { Glibc.kill(process.processIdentifier, signal) }

    /// Waits until `condition` holds.
    func wait(for what: String, limit: Double = 60, until condition: () throws -> Bool) throws {
        let end = Date().addingTimeInterval(limit)
        while try !condition() {
            try #require(process.isRunning && Date() < end, "no \(what) from \(arguments):\n\(text)")
            usleep(20_000)
        }
    }

    /// Waits until the process ends; ends it, and throws, if that takes too long.
    func finish(limit: Double = 120) throws -> Outcome {
        let end = Date().addingTimeInterval(limit)
        while process.isRunning, Date() < end { usleep(20_000) }
        guard !process.isRunning else {
            // Twice: the launcher takes the first for a request.
            for _ in 0..<2 where process.isRunning {
                send(SIGTERM)
                sleep(2)
            }
            if process.isRunning { send(SIGKILL) }
            throw Endless(arguments: arguments, text: text)
        }
        process.waitUntilExit()
        let code = process.terminationStatus + (process.terminationReason == .exit ? 0 : 128)
        return Outcome(exitCode: code, text: text, seconds: Date().timeIntervalSince(start))
    }

    static func run(
        _ arguments: [String], in folder: URL? = nil, environment: [String: String] = [:], limit: Double = 120
    ) throws -> Outcome {
        try Job(arguments, in: folder, environment: environment).finish(limit: limit)
    }

    /// Runs a program that must succeed, and returns what it wrote.
    @discardableResult
    static func succeed(
        _ arguments: [String], in folder: URL? = nil, environment: [String: String] = [:],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> String {
        let outcome = try run(arguments, in: folder, environment: environment)
        try #require(outcome.exitCode == 0, "\(arguments): \(outcome)", sourceLocation: sourceLocation)
        return outcome.text
    }
}

/// Where things are.
enum Place {
    static let project = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    static let launcher = project.appending(path: "Launch/run").path
    static let support = project.appending(path: "Tests/ClusterTests/Support")

    /// The built programs are beside the test program.
    static func program(_ name: String) -> String {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: own).deletingLastPathComponent().appending(path: name).path
    }
}
