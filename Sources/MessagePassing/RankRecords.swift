/// What one rank's watchdog knows about ranks, and what it concludes. Times are seconds on this rank's clock.
///
/// Rank 0 hears all ranks and judges all of them; the others hear rank 0 only, and judge only whether it is there.
package struct RankRecords: Sendable {
    package struct Record: Sendable {
        package let rank: Int
        package let host: String
        package var lastHeard: Double
        package var lastProgress: Double
        package var beat: Heartbeat
    }

    private var records: [Int: Record]
    private let ownRank: Int
    private let deadline: Double

    /// - Parameters:
    ///   - peers: rank and host of the ranks to judge.
    ///   - deadline: seconds after which a rank that is not heard counts as lost.
    package init(ownRank: Int, peers: [(rank: Int, host: String)], deadline: Double, now: Double) {
        self.ownRank = ownRank
        self.deadline = deadline
        let unheard = Heartbeat(
            progressCount: 0, step: 0, deadlineMilliseconds: Int(deadline * 1000), isInOperation: false,
            text: "starting")
        records = Dictionary(
            uniqueKeysWithValues: peers.map {
                ($0.rank, Record(rank: $0.rank, host: $0.host, lastHeard: now, lastProgress: now, beat: unheard))
            })
    }

    package mutating func hear(_ beat: Heartbeat, from rank: Int, now: Double) {
        guard var record = records[rank] else { return }
        record.lastHeard = now
        if beat.progressCount != record.beat.progressCount { record.lastProgress = now }
        record.beat = beat
        records[rank] = record
    }

    /// Forgives `seconds` in which this rank was stopped itself, and could hear nobody.
    package mutating func forgive(_ seconds: Double) {
        for rank in records.keys {
            records[rank]!.lastHeard += seconds
            records[rank]!.lastProgress += seconds
        }
    }

    /// Why the job must end, in one line, or nil if all is well.
    package func verdict(now: Double) -> String? {
        let sorted = records.values.sorted { $0.rank < $1.rank }
        // Ranks other than 0 leave it to rank 0 to speak first, and then to each other in order.
        let patience = ownRank == 0 ? 0 : 1 + 0.5 * Double(min(ownRank, 8))
        let silent = sorted.filter { now - $0.lastHeard > deadline + patience }
        if !silent.isEmpty {
            return Self.list(silent) { "has not been heard for \(Self.seconds(now - $0.lastHeard)), and was" }
        }
        let stalled = sorted.allSatisfy { now - $0.lastProgress > Double($0.beat.deadlineMilliseconds) / 1000 }
        guard ownRank == 0, stalled, let latest = sorted.map(\.lastProgress).max() else { return nil }
        let seconds = Self.seconds(now - latest)
        // The culprits are those that the others wait for.
        let culprits = sorted.filter { !$0.beat.isInOperation }
        guard !culprits.isEmpty else {
            return "no rank has got on for \(seconds), although all of them wait in a collective operation: "
                + Self.list(sorted) { _ in "is" }
        }
        return "no rank has got on for \(seconds), because " + Self.list(culprits) { _ in "is" }
    }

    private static func list(_ records: [Record], _ state: (Record) -> String) -> String {
        let limit = 8
        let named = records.prefix(limit).map {
            "rank \($0.rank) (\($0.host)) \(state($0)) at step \($0.beat.step): \($0.beat.text)"
        }
        let rest = records.count > limit ? "; and \(records.count - limit) more" : ""
        return named.joined(separator: "; ") + rest
    }

    private static func seconds(_ seconds: Double) -> String {
        let tenths = Int((seconds * 10).rounded())
        return "\(tenths / 10).\(tenths % 10) s"
    }
}
