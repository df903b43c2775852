import DurableFiles
import MessagePassing
import Tensors

/// The processors that the ranks of a run may use, and how those of each host are shared out.
package struct RankProcessors {
    /// For each rank and processor number, whether the rank may run on it (1 or 0).
    private let masks: [[UInt8]]
    /// The host of each rank.
    private let hosts: [String]

    package init(masks: [[UInt8]], hosts: [String]) {
        self.masks = masks
        self.hosts = hosts
    }

    /// The number of workers of a rank, at least 1: each processor counts by its share, so ranks that the launcher bound
    /// to processors of their own use all of these, and ranks that may run anywhere divide the host.
    package func share(ofRank rank: Int) -> Int {
        let neighbours = hosts.indices.filter { hosts[$0] == hosts[rank] }
        let parts = masks[rank].indices.filter { allows(rank, $0) }.map { processor in
            1 / Double(neighbours.count { allows($0, processor) })
        }
        // Thirds must add up to one.
        return max(1, Int(parts.reduce(0, +) + 1e-6))
    }

    /// A sentence for each host on which there are more workers than processors, given the workers of each rank.
    package func warnings(workerCounts: [Int]) -> [String] {
        hosts.indices.filter { hosts.firstIndex(of: hosts[$0]) == $0 }.compactMap { first in
            let ranks = hosts.indices.filter { hosts[$0] == hosts[first] }
            let processorCount = (masks.map(\.count).max() ?? 0)
            let usable = (0..<processorCount).count { processor in ranks.contains { allows($0, processor) } }
            let workerCount = ranks.reduce(0) { $0 + workerCounts[$1] }
            guard workerCount > usable else { return nil }
            return "\(hosts[first]) has \(usable) processors for the \(workerCount) threads of \(ranks.count) ranks, "
                + "so they run slower; the result is the same."
        }
    }

    private func allows(_ rank: Int, _ processor: Int) -> Bool {
        masks[rank].indices.contains(processor) && masks[rank][processor] != 0
    }
}

extension WorkerTeam {
    /// The team of this rank: `requested` workers or, if nil, this rank's part of the processors of its host. Collective.
    /// - Returns: the team, and a sentence for each host on which there are more workers than processors.
    public static func share(
        of communicator: any Communicator, requested: Int? = nil
    ) throws -> (team: WorkerTeam, warnings: [String]) {
        guard communicator.size > 1 else { return (WorkerTeam(workerCount: requested), []) }
        let processors = RankProcessors(
            masks: try communicator.allGather(allowedProcessors().map { $0 ? 1 : 0 }),
            hosts: try communicator.allGather(Array(communicator.hostName.utf8))
                .map { String(decoding: $0, as: UTF8.self) })
        let team = WorkerTeam(workerCount: requested ?? processors.share(ofRank: communicator.rank))
        let workerCounts = try communicator.allGather(Array("\(team.workerCount)".utf8))
            .map { Int(String(decoding: $0, as: UTF8.self)) ?? 1 }
        return (team, processors.warnings(workerCounts: workerCounts))
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
