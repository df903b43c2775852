import Checkpoints
import CounterRandom
import Testing

struct CheckpointHealthTests {
    /// max|U^T U - I| by the plain loop.
    private func deviation(_ matrix: [Float], _ side: Int) -> Double {
        var worst = 0.0
        for first in 0..<side {
            for second in 0..<side {
                var sum = 0.0
                for row in 0..<side { sum += Double(matrix[row * side + first]) * Double(matrix[row * side + second]) }
                worst = max(worst, abs(sum - (first == second ? 1 : 0)))
            }
        }
        return worst
    }

    @Test(arguments: [1, 2, 3, 4, 7, 8, 9, 31, 130, 257])
    func `the deviation from orthogonality is that of the plain loop, for all sizes`(side: Int) {
        var random = RandomStream(seed: UInt64(side), purpose: .test)
        let matrix = (0..<side * side).map { _ in Float(random.normal()) }
        let found = CheckpointHealth(channelMap: matrix, classifier: [], channelCount: side).orthogonalityError
        #expect(abs(found - deviation(matrix, side)) <= 1e-5 * deviation(matrix, side))
        let orthogonal = HeadFixture(channelCount: max(2, side)).channelMap
        let small = CheckpointHealth(channelMap: orthogonal, classifier: [], channelCount: max(2, side))
        #expect(abs(small.orthogonalityError - deviation(orthogonal, max(2, side))) < 5e-7)
    }

    @Test func `2048 channels are checked in seconds, with the same result each time`() {
        let side = 2048
        var matrix = (0..<side * side).map { $0 / side == $0 % side ? Float(1) : 0 }
        matrix[side + 700] = 3e-6
        var found: [Double] = []
        let time = ContinuousClock().measure {
            for _ in 0..<2 {
                found.append(
                    CheckpointHealth(channelMap: matrix, classifier: [], channelCount: side).orthogonalityError)
            }
        }
        #expect(found == [Double(Float(3e-6)), Double(Float(3e-6))])
        print("two checks of 2048 channels: \(time)")
        #expect(time < .seconds(10))
    }

    @Test func `dead and duplicate channels, zeros and channels per class are counted`() {
        // Classes down, channels across: 1 is dead, 0 and 3 are proportional, 4 nearly.
        let classifier: [Float] = [
            2, 0, 0, 1, 1.001, 0,
            4, 0, 1, 2, 2, 1e-4,
            0, 0, 4, 0, 0, 4,
        ]
        let identity = (0..<36).map { $0 / 6 == $0 % 6 ? Float(1) : 0 }
        let health = CheckpointHealth(channelMap: identity, classifier: classifier, channelCount: 6)
        #expect(health.classCount == 3)
        #expect(health.orthogonalityError == 0)
        #expect(health.smallestWeight == 0)
        #expect(health.zeroShare == 8.0 / 18)
        #expect(health.deadChannels == [1])
        #expect(health.duplicateChannels == [0, 3, 4])
        #expect(health.duplicatePairs.map { [$0.first, $0.second] } == [[0, 3], [0, 4], [3, 4]])
        #expect(health.channelsPerClass.minimum == 2)
        #expect(health.channelsPerClass.median == 3)
        #expect(health.channelsPerClass.maximum == 4)
        #expect(abs(health.effectiveChannelsPerClass.minimum - 2) < 1e-12)
        #expect(health.effectiveChannelsPerClass.maximum < 4)
    }

    @Test func `a head of equal columns lists few pairs and counts all`() {
        let classifier = [Float](repeating: 0.5, count: 3 * 40)
        let health = CheckpointHealth(
            channelMap: HeadFixture(channelCount: 40).channelMap, classifier: classifier, channelCount: 40)
        #expect(health.duplicateChannels == Array(0..<40))
        #expect(health.duplicatePairs.count == CheckpointHealth.listedPairLimit)
        #expect(abs(health.effectiveChannelsPerClass.median - 40) < 1e-9)
    }

    @Test func `a head without any weight has no used channels`() {
        let health = CheckpointHealth(channelMap: [1], classifier: [0, 0], channelCount: 1)
        #expect(health.zeroShare == 1)
        #expect(health.deadChannels == [0])
        #expect(health.channelsPerClass.maximum == 0)
        #expect(health.effectiveChannelsPerClass.maximum == 0)
    }
}
