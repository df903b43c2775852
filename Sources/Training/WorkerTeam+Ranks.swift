import DurableFiles
import MessagePassing
import Tensors

extension WorkerTeam {
    /// The team of this rank: `requested` workers or, if nil, this rank's part of the processors of its host. Collective.
    ///
    /// A processor on which several ranks of the host may run counts for each of them by its share. So ranks that the
    /// launcher bound to processors of their own use all of these, and ranks that are free to run anywhere divide the
    /// host. A rank always has one worker at least.
    /// - Returns: the team and, on rank 0, a sentence for each host on which there are more workers than processors.
    public static func share(
        of communicator: any Communicator, requested: Int? = nil
    ) throws -> (team: WorkerTeam, warnings: [String]) {
        guard communicator.size > 1 else { return (WorkerTeam(workerCount: requested), []) }
        let own = allowedProcessors()
        let masks = try communicator.allGather(own.map { $0 ? 1 : 0 })
        let hosts = try communicator.allGather(Array(communicator.hostName.utf8))
        func neighbours(of rank: Int) -> [Int] { hosts.indices.filter { hosts[$0] == hosts[rank] } }
        func share(of rank: Int) -> Int {
            let neighbours = neighbours(of: rank)
            let parts = masks[rank].indices.filter { masks[rank][$0] != 0 }.map { processor in
                1 / Double(neighbours.count { masks[$0].indices.contains(processor) && masks[$0][processor] != 0 })
            }
            // Thirds must add up to one.
            return max(1, Int(parts.reduce(0, +) + 1e-6))
        }
        let team = WorkerTeam(workerCount: requested ?? share(of: communicator.rank))

        let workerCounts = try communicator.allGather(Array("\(team.workerCount)".utf8))
            .map { Int(String(decoding: $0, as: UTF8.self)) ?? 1 }
        guard communicator.rank == 0 else { return (team, []) }
        let warnings = hosts.indices.filter { hosts.firstIndex(of: hosts[$0]) == $0 }.compactMap { rank -> String? in
            let neighbours = neighbours(of: rank)
            let processors = masks[rank].indices.count { processor in
                neighbours.contains { masks[$0].indices.contains(processor) && masks[$0][processor] != 0 }
            }
            let workers = neighbours.reduce(0) { $0 + workerCounts[$1] }
            guard workers > processors else { return nil }
            return "\(String(decoding: hosts[rank], as: UTF8.self)) has \(processors) processors for the \(workers) "
                + "threads of \(neighbours.count) ranks, so they run slower; the result is the same."
        }
        return (team, warnings)
    }

    /// For each processor number, whether this process may run on it: the line "Cpus_allowed_list: 0-3,8" of its status.
    private static func allowedProcessors() -> [Bool] {
        let status = String(decoding: (try? DurableFile.read("/proc/self/status")) ?? [], as: UTF8.self)
        let line = status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list:") }
        let ranges = (line?.split(whereSeparator: \.isWhitespace).last ?? "").split(separator: ",").compactMap { text in
            let bounds = text.split(separator: "-").compactMap { Int($0) }
            return bounds.isEmpty ? nil : bounds[0]...max(bounds[0], bounds.last!)
        }
        guard let last = ranges.map(\.upperBound).max() else {
            return [Bool](repeating: true, count: WorkerTeam().workerCount)
        }
        return (0...last).map { processor in ranges.contains { $0.contains(processor) } }
    }
}
