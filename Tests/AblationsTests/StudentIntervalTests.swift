import Ablations
import Testing

@Suite struct StudentIntervalTests {
    @Test func intervalsAreThoseOfStudentsDistribution() {
        // Mean 2, standard deviation 1, three numbers: 4.302653 / sqrt(3).
        let interval = StudentInterval.of([1, 2, 3])
        #expect(interval.mean == 2 && abs(interval.half! - 2.484138) < 1e-6)
        #expect(StudentInterval.of([5]).mean == 5 && StudentInterval.of([5]).half == nil)
        #expect(StudentInterval.of([4, 4]).half == 0)
    }

    @Test func manyDegreesOfFreedomGoOnFromTheTable() {
        // SciPy's t.ppf(0.975, 31) and (0.975, 100).
        #expect(abs(StudentInterval.quantile(freedom: 31) - 2.039513) < 2e-5)
        #expect(abs(StudentInterval.quantile(freedom: 100) - 1.983972) < 1e-5)
        #expect(StudentInterval.quantile(freedom: 30) > StudentInterval.quantile(freedom: 31))
    }

    @Test func differencesAreTakenSeedBySeed() {
        let estimate = Ablation.estimate([11, 22, 33], beside: [10, 21, 32])
        #expect(estimate.mean == 22 && estimate.difference == 1)
        #expect(estimate.differenceInterval95 == 0, "every seed says the same")
        #expect(Ablation.estimate([1], beside: nil).difference == nil)
    }
}
