import Testing
import Training

@Suite struct RunScheduleTests {
    private let schedule = RunSchedule(
        epochCount: 5, stepsPerEpoch: 30, viewCount: 2, checkpointInterval: 40, evaluationInterval: 2)

    @Test func epochsGoThroughTheViewsInTurn() {
        #expect(schedule.totalSteps == 150)
        #expect([0, 29, 30, 89, 149].map { schedule.epoch(ofStep: $0) } == [0, 0, 1, 2, 4])
        #expect([0, 29, 30, 89].map { schedule.place(ofStep: $0) } == [0, 29, 0, 29])
        #expect([0, 30, 60, 90].map { schedule.view(ofStep: $0) } == [0, 1, 0, 1])
    }

    @Test func checkpointsAreWrittenAtIntervalsAtTheEndAndWhenStopping() {
        let saved = (1...150).filter { schedule.events(afterStep: $0, stops: false).savesCheckpoint }
        #expect(saved == [40, 80, 120, 150])
        #expect(schedule.events(afterStep: 7, stops: true).savesCheckpoint)
    }

    @Test func everySecondEpochAndTheLastAreEvaluated() {
        let evaluated = (1...150).filter { schedule.events(afterStep: $0, stops: false).evaluates }
        #expect(evaluated == [60, 120, 150])
    }

    @Test func theLogHasALineEveryFiftyStepsAndAfterEachEpoch() {
        let logged = (1...150).filter { schedule.events(afterStep: $0, stops: false).logs }
        #expect(logged == [30, 50, 60, 90, 100, 120, 150])
        #expect((1...150).filter { schedule.events(afterStep: $0, stops: false).endsEpoch } == [30, 60, 90, 120, 150])
    }
}
