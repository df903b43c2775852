import Foundation
import Testing

/// Hosts h0 (which launches), h1, h2, ... of a simulated network; Support/hosts makes them.
final class SimulatedHosts {
    let folder: URL
    private let name = "infodisent-\(getpid())"
    private let hasSlurm: Bool

    var hostfile: String { folder.appending(path: "hostfile").path }

    init(_ count: Int, slurm: Bool = false) throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "infodisent-hosts-\(UUID().uuidString)")
        hasSlurm = slurm
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try support("hosts", "up", "\(count)")
        if slurm { try support("slurm", "up", "\(count)") }
    }

    /// Kills everything on the hosts and removes them.
    deinit {
        if hasSlurm { _ = try? support("slurm", "down") }
        _ = try? support("hosts", "down")
        try? FileManager.default.removeItem(at: folder)
    }

    private var environment: [String: String] {
        [
            "CLUSTER_NAME": name, "CLUSTER_FOLDER": folder.path,
            "OMPI_MCA_plm_rsh_agent": Place.support.appending(path: "agent").path,
            "SLURM_CONF": folder.appending(path: "slurm.conf").path, "INFODISENT_HOME": Place.project.path,
        ]
    }

    @discardableResult
    private func support(_ script: String, _ arguments: String...) throws -> String {
        try Job.succeed([Place.support.appending(path: script).path] + arguments, environment: environment)
    }

    /// Starts a program on the launching host.
    func start(_ arguments: [String], in directory: URL) throws -> Job {
        try Job(
            [Place.support.appending(path: "hosts").path, "on", "h0"] + arguments, in: directory,
            environment: environment)
    }

    /// Runs a program on the launching host; it must succeed.
    @discardableResult
    func run(_ arguments: String..., in directory: URL? = nil) throws -> String {
        try Job.succeed(
            [Place.support.appending(path: "hosts").path, "on", "h0"] + arguments, in: directory,
            environment: environment)
    }

    func cut(_ host: String) throws { try support("hosts", "cut", host) }
    func heal(_ host: String) throws { try support("hosts", "heal", host) }

    /// The process identifiers on a host.
    func processes(on host: String) throws -> [pid_t] {
        try support("hosts", "processes", host).split(separator: "\n").compactMap { pid_t($0) }
    }
}

/// All processes below a process.
func descendants(of process: pid_t) -> [pid_t] { descendants(of: process, named: nil) }

/// The processes of a program below a process.
func descendants(of process: pid_t, named name: String) -> [pid_t] { descendants(of: process, named: Optional(name)) }

private func descendants(of process: pid_t, named name: String?) -> [pid_t] {
    let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task")) ?? []
    let children = tasks.flatMap { task -> [pid_t] in
        let text = (try? String(contentsOfFile: "/proc/\(process)/task/\(task)/children", encoding: .utf8)) ?? ""
        return text.split(separator: " ").compactMap { pid_t($0) }
    }
    return children.flatMap { child in
        let own = try? String(contentsOfFile: "/proc/\(child)/comm", encoding: .utf8)
        return (name == nil || own == "\(name!)\n" ? [child] : []) + descendants(of: child, named: name)
    }
}
