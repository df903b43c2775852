import MessagePassing
import Testing

@Suite struct WatchdogTests {
    private func beat(
        _ count: UInt64, step: Int = 7, deadline: Int = 10_000, waits: Bool = true, _ text: String = "adding"
    ) -> Heartbeat {
        Heartbeat(
            progressCount: count, step: step, deadlineMilliseconds: deadline, isInOperation: waits, text: text)
    }

    private func records(of rank: Int = 0, _ peers: Int...) -> RankRecords {
        RankRecords(ownRank: rank, peers: peers.map { ($0, "h\($0)") }, deadline: 10, now: 0)
    }

    @Test func aHeartbeatSurvivesTheWay() {
        for text in ["", "adding gradients", "fünfte Ebene 🐦", String(repeating: "ä", count: 500)] {
            let sent = Heartbeat(
                progressCount: .max - 3, step: -1, deadlineMilliseconds: 123_456, isInOperation: true, text: text)
            #expect(sent.bytes.count == Heartbeat.byteCount)
            let received = Heartbeat(bytes: sent.bytes)
            #expect(text.hasPrefix(received.text) && received.text.utf8.count >= min(text.utf8.count, 220))
            var expected = sent
            expected.text = received.text
            #expect(received == expected)
        }
    }

    @Test func aHeartbeatSaysWhatTheProcessDoes() {
        let activity = Activity()
        activity.begin(step: 12, "drawing")
        let before = activity.snapshot
        #expect(Heartbeat(before, deadline: .seconds(9)).deadlineMilliseconds == 9000)
        activity.allowing(.seconds(60)) {
            activity.allowing(.seconds(30)) {
                let beat = Heartbeat(activity.snapshot, deadline: .seconds(9))
                #expect(beat.step == 12 && beat.text == "drawing" && beat.deadlineMilliseconds == 60_000)
            }
        }
        #expect(activity.snapshot.allowance == .zero && activity.snapshot.progressCount > before.progressCount)
    }

    @Test func silenceBeyondTheDeadlineIsNamed() {
        var records = records(0, 1, 2)
        for time in stride(from: 0.0, through: 20, by: 0.5) {
            for rank in 0...2 where rank != 1 || time < 5 {
                records.hear(beat(UInt64(time * 2)), from: rank, now: time)
            }
            let verdict = records.verdict(now: time)
            #expect((verdict != nil) == (time > 14.5), "at \(time) s")
            if let verdict {
                #expect(verdict.hasPrefix("rank 1 (h1) has not been heard for 1") && verdict.contains("step 7: adding"))
                #expect(!verdict.contains("rank 2"))
            }
        }
    }

    @Test func aStallIsThatOfTheRankTheOthersWaitFor() throws {
        var records = records(0, 1, 2)
        for time in stride(from: 0.0, through: 12, by: 0.5) {
            for rank in 0...2 {
                records.hear(beat(1, waits: rank != 2, rank == 2 ? "reading" : "adding"), from: rank, now: time)
            }
            #expect((records.verdict(now: time) != nil) == (time > 10), "at \(time) s")
        }
        let verdict = try #require(records.verdict(now: 12))
        #expect(verdict == "no rank has got on for 12.0 s, because rank 2 (h2) is at step 7: reading")
    }

    @Test func oneRankThatGetsOnIsEnough() {
        var records = records(0, 1)
        for time in stride(from: 0.0, through: 40, by: 0.5) {
            records.hear(beat(1), from: 0, now: time)
            records.hear(beat(UInt64(time / 5)), from: 1, now: time)
            #expect(records.verdict(now: time) == nil, "at \(time) s")
        }
    }

    @Test func oneRankThatAsksForTimeGetsIt() {
        var records = records(0, 1)
        for time in stride(from: 0.0, through: 40, by: 0.5) {
            records.hear(beat(1, deadline: 30_000, waits: false), from: 0, now: time)
            records.hear(beat(1), from: 1, now: time)
            #expect((records.verdict(now: time) != nil) == (time > 30), "at \(time) s")
        }
    }

    @Test func aRankThatWasStoppedItselfBlamesNobody() {
        var records = records(of: 2, 0)
        records.hear(beat(1), from: 0, now: 1)
        records.forgive(100)
        #expect(records.verdict(now: 102) == nil)
        #expect(records.verdict(now: 115) != nil)
    }

    @Test func otherRanksLeaveRank0TimeToSpeakFirst() {
        var records = records(of: 3, 0)
        records.hear(beat(1), from: 0, now: 0)
        #expect(records.verdict(now: 12) == nil)
        #expect(records.verdict(now: 13) != nil)
    }

    @Test func aSingleProcessIsNotWatched() throws {
        let watchdog = try Watchdog.start(over: SingleProcess())
        try watchdog.stop()
    }
}
