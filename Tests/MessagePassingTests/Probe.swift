import Foundation
import Testing

/// The probe executable under mpirun.
enum Probe {
    struct Outcome {
        let exitCode: Int32
        let output: String
        let errors: String
        let seconds: Double

        var lines: [String] { output.split(separator: "\n").map(String.init) }
    }

    /// Whether mpirun is there; says so once if not.
    static let isRunnable: Bool = {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let found = path.split(separator: ":").contains { access("\($0)/mpirun", X_OK) == 0 }
        if !found { print("Skipped: tests of several processes, because mpirun is not in PATH.") }
        return found
    }()

    /// Beside the test bundle, where SwiftPM puts every executable of the package.
    static let path: String = {
        let bundle = Bundle.allBundles.map(\.bundlePath).first { $0.hasSuffix(".xctest") }
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return [bundle ?? own, own].map { ($0 as NSString).deletingLastPathComponent + "/message-passing-probe" }
            .first { FileManager.default.isExecutableFile(atPath: $0) } ?? "message-passing-probe"
    }()

    /// The environment of a test without what a launcher around it may have left.
    static func environment(_ additions: [String: String] = [:]) -> [String: String] {
        var environment = ProcessInfo.processInfo.environment.filter { name, _ in
            !["OMPI_", "PMIX_", "PMI_", "SLURM_"].contains { name.hasPrefix($0) }
        }
        // Containers and CI run as root.
        environment["OMPI_ALLOW_RUN_AS_ROOT"] = "1"
        environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
        return environment.merging(additions) { $1 }
    }

    /// Runs the probe on `rankCount` ranks, and another program as one rank more; `disturb` is called with the first line of its output, as soon as that is there.
    static func run(
        ranks rankCount: Int, _ arguments: [String], beside other: [String] = [], limit: Double = 60,
        disturb: ((String) -> Void)? = nil
    ) throws -> Outcome {
        // More ranks than cores, free to move between them.
        let options = ["mpirun", "-q", "--oversubscribe", "--bind-to", "none", "-n", "\(rankCount)", path]
        let more = other.isEmpty ? [] : [":", "-n", "1"] + other
        return try launch("/usr/bin/env", options + arguments + more, environment(), limit: limit, disturb)
    }

    /// Runs the probe by itself.
    static func runAlone(_ arguments: [String], environment: [String: String] = environment()) throws -> Outcome {
        try launch(path, arguments, environment, limit: 20, nil)
    }

    private static func launch(
        _ executable: String, _ arguments: [String], _ environment: [String: String], limit: Double,
        _ disturb: ((String) -> Void)?
    ) throws -> Outcome {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("probe-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        // Files, because a full pipe would stop the ranks.
        let files = try ["output", "errors"].map { name in
            let url = folder.appendingPathComponent(name)
            try Data().write(to: url)
            return (url, try FileHandle(forWritingTo: url))
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = arguments
        process.environment = environment
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = files[0].1
        process.standardError = files[1].1
        func text(_ file: Int) -> String { (try? String(contentsOf: files[file].0, encoding: .utf8)) ?? "" }

        var start = Date()
        try process.run()
        var disturb = disturb
        while process.isRunning {
            usleep(10_000)
            if let act = disturb, let end = text(0).firstIndex(of: "\n") {
                disturb = nil
                act(String(text(0)[..<end]))
                start = Date()
            }
            if Date().timeIntervalSince(start) > limit {
                process.terminate()
                usleep(200_000)
                if process.isRunning { kill(process.processIdentifier, SIGKILL) }
                process.waitUntilExit()
                throw ProbeHung(arguments: arguments, output: text(0), errors: text(1))
            }
        }
        let code = process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
        return Outcome(
            exitCode: code, output: text(0), errors: text(1), seconds: Date().timeIntervalSince(start))
    }
}

struct ProbeHung: Error {
    let arguments: [String]
    let output: String
    let errors: String
}
