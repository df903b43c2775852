import Testing
import Training

@Suite struct EpochProgressTests {
    @Test func theFiguresOfACheckpointContinueTheEpochExactly() throws {
        var whole = EpochProgress()
        var interrupted = EpochProgress()
        for step in 0..<100 {
            let loss = EpochProgress.fixedPoint(Double(step) * 0.37)
            whole.count(samples: 64, correct: step % 64, fixedPointLoss: Int(loss))
            interrupted.count(samples: 64, correct: step % 64, fixedPointLoss: Int(loss))
            if step % 7 == 0 { interrupted = try #require(EpochProgress(metrics: interrupted.metrics)) }
        }
        #expect(interrupted == whole)
        #expect(abs(whole.loss - 0.37 * 99 / 2 / 64) < 1e-6)
    }

    @Test func theStartOfAnEpochHasNoFigures() {
        #expect(EpochProgress().metrics.isEmpty)
        #expect(EpochProgress(metrics: ["loss": 1]) == EpochProgress())
        #expect(EpochProgress().loss == 0 && EpochProgress().accuracy == 0)
    }

    @Test func figuresThatTrainingDoesNotWriteAreRefused() {
        #expect(EpochProgress(metrics: ["epoch_so_far_samples": 1.5]) == nil)
        #expect(EpochProgress(metrics: ["epoch_so_far_samples": 64]) == nil)
    }

    @Test func theLossOfALargeBatchIsNotCut() {
        // 16384 samples of one shard at ln 1000 each.
        let loss = EpochProgress.fixedPoint(16384 * 6.907755)
        var progress = EpochProgress()
        progress.count(samples: 16384, correct: 0, fixedPointLoss: Int(loss))
        #expect(abs(progress.loss - 6.907755) < 1e-6)
    }

    @Test func hugeLossesSaturateInsteadOfOverflowing() throws {
        #expect(EpochProgress.fixedPoint(1e30) == EpochProgress.fixedPoint(1e9))
        #expect(EpochProgress.fixedPoint(.infinity) > 0)
        var progress = EpochProgress()
        for _ in 0..<10_000 {
            let sum = (0..<4096).reduce(Int64(0)) { sum, _ in sum + EpochProgress.fixedPoint(.infinity) }
            progress.count(samples: 1, correct: 0, fixedPointLoss: Int(sum))
        }
        #expect(try #require(EpochProgress(metrics: progress.metrics)) == progress)
    }
}
