import Synchronization
import Tensors
import Testing

@Suite struct WorkerTeamTests {
    struct Failure: Error, Equatable { let index: Int }

    @Test(arguments: [1, 2, 7], [0, 1, 5, 1000])
    func everyIndexIsVisitedOnce(workerCount: Int, count: Int) {
        let visits = Mutex([Int](repeating: 0, count: count))
        WorkerTeam(workerCount: workerCount).forEach(count) { _, index in visits.withLock { $0[index] += 1 } }
        #expect(visits.withLock { $0 } == Array(repeating: 1, count: count))
    }

    @Test func aWorkerNumberIsNeverInUseTwiceAtTheSameTime() {
        let workerCount = 4
        let state = Mutex((busy: Set<Int>(), clashes: 0))
        WorkerTeam(workerCount: workerCount).forEach(400) { worker, _ in
            state.withLock { state in
                let entered = state.busy.insert(worker).inserted
                if !entered || !(0..<workerCount).contains(worker) { state.clashes += 1 }
            }
            for _ in 0..<200 { _ = state.withLock { $0.clashes } }
            state.withLock { _ = $0.busy.remove(worker) }
        }
        #expect(state.withLock { $0.clashes } == 0)
    }

    @Test(arguments: [1, 3])
    func theErrorOfTheLowestFailingIndexIsThrown(workerCount: Int) {
        // Index 0 fails last in time when there are several workers: it waits until another has thrown, or for a second
        // where the machine runs them one after the other.
        let othersFailed = Atomic<Bool>(workerCount == 1)
        let deadline = ContinuousClock.now + .seconds(1)
        #expect(throws: Failure(index: 0)) {
            try WorkerTeam(workerCount: workerCount).forEach(100) { _, index throws in
                if index == 0 {
                    while !othersFailed.load(ordering: .acquiring) && ContinuousClock.now < deadline {}
                } else {
                    othersFailed.store(true, ordering: .releasing)
                }
                throw Failure(index: index)
            }
        }
    }

    @Test func afterAnErrorNoFurtherPiecesAreStarted() {
        let started = Atomic<Int>(0)
        #expect(throws: Failure.self) {
            try WorkerTeam(workerCount: 1).forEach(100) { _, index throws in
                started.add(1, ordering: .relaxed)
                if index == 3 { throw Failure(index: index) }
            }
        }
        #expect(started.load(ordering: .relaxed) == 4)
    }

    @Test func rangesDependOnTheirLengthOnly() {
        let expected = [0..<4, 4..<8, 8..<10]
        for workerCount in [1, 2, 5] {
            let ranges = Mutex<[Range<Int>]>([])
            WorkerTeam(workerCount: workerCount).forEachRange(of: 10, length: 4) { _, range in
                ranges.withLock { $0.append(range) }
            }
            #expect(ranges.withLock { $0.sorted { $0.lowerBound < $1.lowerBound } } == expected)
        }
    }

    @Test func aTeamHasAtLeastOneWorker() {
        #expect(WorkerTeam(workerCount: 0).workerCount == 1)
        #expect(WorkerTeam().workerCount >= 1)
    }
}
