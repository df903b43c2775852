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

    @Test func hugeLossesSaturateInsteadOfOverflowing() {
        #expect(EpochProgress.fixedPoint(1e30) == EpochProgress.fixedPoint(1e9))
        #expect(EpochProgress.fixedPoint(.infinity) > 0)
    }
}
