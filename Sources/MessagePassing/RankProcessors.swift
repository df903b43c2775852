import Glibc
import SystemFacts

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

extension Communicator {
    /// How many workers this rank should have: `requested` or, if nil, its part of the processors of its host.
    /// Collective.
    /// - Returns: that number (nil in a single process that was asked for none: whatever the process may use), and a sentence
    ///   for each host on which there are more workers than processors.
    /// - Throws: `MessagePassingError`.
    public func workerShare(requested: Int? = nil) throws -> (workerCount: Int?, warnings: [String]) {
        guard size > 1 else { return (requested, []) }
        let own =
            ProcessStatus().allowedProcessors
            ?? [Bool](repeating: true, count: max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        let processors = RankProcessors(
            masks: try allGather(own.map { $0 ? 1 : 0 }),
            hosts: try allGather(Array(hostName.utf8)).map { String(decoding: $0, as: UTF8.self) })
        let workerCount = requested ?? processors.share(ofRank: rank)
        let workerCounts = try gatherNumbers(workerCount)
        return (workerCount, processors.warnings(workerCounts: workerCounts))
    }

    /// The number of each rank, in rank order. Collective.
    func gatherNumbers(_ own: Int) throws -> [Int] {
        var numbers = [Int64](repeating: 0, count: size)
        numbers[rank] = Int64(own)
        try sum(&numbers)
        return numbers.map { Int($0) }
    }
}
