import DisentangledHead
import MessagePassing
import Tensors

extension TrainingRun {
    /// One optimizer step on a view of the samples that each logical shard gives. Collective.
    ///
    /// - Returns: its learning rate, and whether a stop was requested on a rank before the gradients were added.
    /// - Throws: on all ranks, what went wrong on one of them in this step or was kept from the last one.
    mutating func takeStep(_ batches: [ArraySlice<Int>], view: Int) throws -> (learningRate: Double, isLast: Bool) {
        var gradients: [HeadGradient] = []
        let totals = try communicator.sumTogether(count: 4) {
            if let pendingFailure { throw pendingFailure }
            // The first batches from a shard of the cache wait for its digest to be checked.
            gradients = try communicator.activity.allowing(.seconds(600)) { try shardGradients(batches, view) }
            var totals: [Int64] = [0, 0, 0, stop.isRequested ? 1 : 0]
            for gradient in gradients {
                totals[0] += Int64(gradient.sampleCount)
                totals[1] += Int64(gradient.correctCount)
                totals[2] += EpochProgress.fixedPoint(gradient.lossSum)
            }
            return totals
        }
        let leaves = zip(hostedShards, gradients).map {
            ExactReduction.Leaf(shard: $0, tensors: [$1.channelMap, $1.classifier])
        }
        try reduction.sum(leaves, into: &gradientSums)
        var total = HeadGradient(
            channelMap: gradientSums[0], classifier: gradientSums[1], lossSum: Double(totals[2]) * 0x1p-24,
            correctCount: Int(totals[1]), sampleCount: Int(totals[0]))
        // The gradient owns the memory now, so that scaling it copies nothing; afterwards it goes back.
        gradientSums = []
        total.scale(by: 1 / Float(total.sampleCount))

        let training = experiment.configuration.training
        let rate = schedule.learningRate(base: training.learningRate, step: trainer.step, totalSteps: totalSteps)
        let mapRate = schedule.learningRate(
            base: training.channelMapLearningRate ?? training.learningRate, step: trainer.step, totalSteps: totalSteps)
        do {
            try trainer.apply(total, learningRate: rate, channelMapLearningRate: mapRate, team: team)
        } catch let error as HeadError {
            throw TrainingError.diverged(step: trainer.step, detail: "\(error)")
        }
        let head = trainer.head
        guard head.channelMap.allSatisfy(\.isFinite), head.classifier.allSatisfy(\.isFinite) else {
            throw TrainingError.diverged(step: trainer.step, detail: "the head holds numbers that are not finite.")
        }
        epochProgress.count(
            samples: total.sampleCount, correct: total.correctCount, fixedPointLoss: Int(totals[2]))
        gradientSums = [total.channelMap, total.classifier]
        return (rate, totals[3] > 0)
    }

    /// The gradients of the hosted logical shards, each summed over its samples; zero where a shard has none left.
    private func shardGradients(_ batches: [ArraySlice<Int>], _ view: Int) throws -> [HeadGradient] {
        let (outer, inner) = team.sharing(hostedShards.count)
        let map = experiment.cacheIdentity.featureMap
        let lengths = reduction.tensorLengths
        return try outer.map(hostedShards.count) { [trainer, cache, trainingSamples, hostedShards] _, index in
            let batch = Array(batches[hostedShards[hostedShards.startIndex + index]])
            guard !batch.isEmpty else {
                return HeadGradient(
                    channelMap: [Float](repeating: 0, count: lengths[0]),
                    classifier: [Float](repeating: 0, count: lengths[1]), lossSum: 0, correctCount: 0, sampleCount: 0)
            }
            let samples = batch.map { trainingSamples[$0] }
            let features = Tensor(
                shape: [samples.count, map.height, map.width, map.channelCount],
                values: try cache.features(of: samples, view: view))
            return try trainer.gradient(
                features: features, labels: samples.map { cache.samples.label(of: $0) }, sampleIDs: batch, team: inner)
        }
    }
}

extension WorkerTeam {
    /// How this team computes the gradients of `shardCount` logical shards: `outer` shares out the shards, `inner` works on
    /// one.
    ///
    /// Shards are independent of each other, so they are what the threads share out; with more threads than shards the
    /// threads work together inside each shard instead. Either way a gradient has the same bits.
    func sharing(_ shardCount: Int) -> (outer: WorkerTeam, inner: WorkerTeam) {
        workerCount <= shardCount ? (self, WorkerTeam(workerCount: 1)) : (WorkerTeam(workerCount: 1), self)
    }
}
