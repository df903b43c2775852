import DisentangledHead
import MessagePassing
import Tensors
import Testing
import Training

@Suite struct GradientReductionTests {
    private let team = WorkerTeam(workerCount: 2)

    /// Gradients of two logical shards with 8 samples together.
    private func leaves(_ lengths: [Int], step: Int) -> [ExactReduction.Leaf] {
        (0..<2).map { shard in
            ExactReduction.Leaf(
                shard: shard,
                tensors: lengths.map { length in
                    (0..<length).map { Float(($0 * 7919 + shard * 104_729 + step * 31) % 2003 - 1001) / 1024 }
                })
        }
    }

    /// In one process, where nothing is under way.
    @Test func aStepIsThatOfTheMeanAndTheSumsStayWhereTheyAre() throws {
        let configuration = HeadConfiguration(hasBias: true)
        var trainer = try HeadTrainer(configuration: configuration, channelCount: 40, classCount: 5, seed: 1)
        var expected = trainer
        let reduction = try GradientReduction(over: SingleProcess(), shardCount: 2, threadCount: 2)
        var sums: [[Float]] = []
        var places: Set<[Int?]> = []
        for step in 0..<3 {
            let lengths = trainer.gradientLengths
            let leaves = leaves(lengths, step: step)
            let pending = try reduction.begin(leaves, lengths: lengths, into: &sums)
            #expect(pending == nil)
            try trainer.apply(
                &sums, awaiting: pending, sampleCount: 8, lossSum: 1, learningRate: 0.01, channelMapLearningRate: 0.001,
                team: team, sharing: nil)
            let mean = zip(leaves[0].tensors, leaves[1].tensors).map { zip($0, $1).map { ($0 + $1) / 8 } }
            try expected.apply(
                HeadGradient(tensors: mean, lossSum: 1, correctCount: 0, sampleCount: 8), learningRate: 0.01,
                channelMapLearningRate: 0.001, team: team)
            #expect(trainer.state == expected.state)
            #expect(sums == mean)
            places.insert(sums.map { $0.withUnsafeBufferPointer { $0.baseAddress.map { Int(bitPattern: $0) } } })
        }
        #expect(places.count == 1, "the memory of the sums is used again and nothing of it is copied")
    }
}
