import DataSharding
import DisentangledHead
import DurableFiles
import Evaluation
import FeatureCache
import Inference
import MessagePassing
import Results
import Tensors

extension TrainingRun {
    /// One optimizer step on a view of the samples that each logical shard gives. Collective.
    ///
    /// - Parameter reader: of the features of this step and those that follow.
    /// - Returns: its learning rate, and whether a stop was requested on a rank before the gradients were added.
    /// - Throws: on all ranks, what went wrong on one of them in this step or was kept from the last one.
    mutating func takeStep(
        _ batches: [ArraySlice<Int>], view: Int, reading reader: FeatureReader
    ) throws -> (learningRate: Double, isLast: Bool) {
        var gradients: [HeadGradient] = []
        let totals = try communicator.sumTogether(count: 4) {
            if let failure = coordinator?.failure { throw failure }
            // A disk that many ranks read from may take its time.
            gradients = try communicator.activity.allowing(.seconds(600)) {
                try shardGradients(batches, view, reader)
            }
            var totals: [Int64] = [0, 0, 0, stop.isRequested ? 1 : 0]
            for gradient in gradients {
                totals[0] += Int64(gradient.sampleCount)
                totals[1] += Int64(gradient.correctCount)
                totals[2] += EpochProgress.fixedPoint(gradient.lossSum)
            }
            return totals
        }
        let leaves = zip(hostedShards, gradients).map {
            ExactReduction.Leaf(shard: $0, tensors: $1.tensors)
        }
        let pending = try reduction.begin(leaves, lengths: trainer.gradientLengths, into: &gradientSums)
        let sampleCount = Int(totals[0])
        let training = experiment.configuration.training
        func rate(_ base: Double) -> Double {
            training.learningRateSchedule.learningRate(
                base: base, step: trainer.step, totalSteps: schedule.totalSteps)
        }
        let classifierRate = rate(training.learningRate)
        do {
            try trainer.apply(
                &gradientSums, awaiting: pending, sampleCount: sampleCount, lossSum: Double(totals[2]) * 0x1p-24,
                learningRate: classifierRate,
                channelMapLearningRate: rate(training.channelMapLearningRate ?? training.learningRate), team: team,
                sharing: sharing)
        } catch let error as HeadError {
            throw TrainingError.diverged(step: trainer.step, detail: "\(error)")
        }
        guard trainer.isFinite(team: team) else {
            throw TrainingError.diverged(step: trainer.step, detail: "the head holds numbers that are not finite.")
        }
        epochProgress.count(samples: sampleCount, correct: Int(totals[1]), fixedPointLoss: Int(totals[2]))
        return (classifierRate, totals[3] > 0)
    }

    /// The gradients of the hosted logical shards, each summed over its samples; zero where a shard has none left.
    private func shardGradients(
        _ batches: [ArraySlice<Int>], _ view: Int, _ reader: FeatureReader
    ) throws -> [HeadGradient] {
        let (outer, inner) = team.sharing(hostedShards.count)
        let map = experiment.cacheIdentity.featureMap
        let lengths = trainer.gradientLengths
        reader.begin()
        return try outer.map(hostedShards.count) {
            [trainer, cache, trainingSamples, hostedShards, teacherMemory] _, index in
            let batch = Array(batches[hostedShards[hostedShards.startIndex + index]])
            guard !batch.isEmpty else {
                return HeadGradient(
                    tensors: lengths.map { [Float](repeating: 0, count: $0) }, lossSum: 0, correctCount: 0,
                    sampleCount: 0)
            }
            let samples = batch.map { trainingSamples[$0] }
            let features = Tensor(
                shape: [samples.count, map.height, map.width, map.channelCount],
                values: try reader.features(of: samples, view: view))
            return try trainer.gradient(
                features: features, labels: samples.map { cache.samples.label(of: $0) }, sampleIDs: batch,
                teacherLogits: teacherMemory?.logits(of: batch, view: view) { missing in
                    try trainer.teacherLogits(features: features.images(missing), team: inner)
                }, team: inner)
        }
    }

    /// Makes sure that all ranks have the same head, bit for bit. They compute it each for itself from the same sums; a rank
    /// with another has broken memory, or runs another program. What a rank computes for all, its share of a sum or of a product, is
    /// not found out this way. Collective.
    /// - Throws: on all ranks, `ExperimentError.ranksDiffer` naming the first that has another head than rank 0.
    private func requireSameHead(afterEpoch epoch: Int) throws {
        guard communicator.size > 1 else { return }
        var hasher = ContentHasher()
        let head = trainer.head
        for values in [head.channelMap, head.classifier.weights, head.classifier.bias ?? []] {
            values.withUnsafeBytes { hasher.update($0) }
        }
        (head.classifier.mask ?? []).withUnsafeBytes { hasher.update($0) }
        try RankFacts.requireEqual(
            [.init(name: "head after epoch \(epoch) (SHA-256)", value: "\(hasher.finalize())")], on: communicator)
    }

    /// Completes the figures of an epoch, evaluating if asked to, and starts those of the next. Collective.
    mutating func finishEpoch(_ record: inout MetricsRecord, evaluates: Bool) throws {
        metrics = ["loss": record.loss, "accuracy": record.accuracy]
        if evaluates {
            communicator.activity.begin(step: trainer.step, "evaluating")
            let score = try HeadEvaluation.score(
                trainer.head, cache: cache, split: .test, team: team, communicator: communicator)
            if score.sampleCount > 0 {
                let accuracy = Accuracy(top1: score.top1, top5: score.top5, classCount: trainer.classCount)
                (record.testTop1, record.testTop5) = (accuracy.top1, accuracy.top5)
                metrics["test_top1"] = accuracy.top1
                metrics["test_top5"] = accuracy.top5
            }
        }
        try requireSameHead(afterEpoch: record.epoch)
        // Only for the log.
        if coordinator != nil { record.orthogonalityError = Double(trainer.orthogonalityError(team: team)) }
        epochProgress = EpochProgress()
    }
}

extension Tensor {
    /// Some of the images of [N, ...], by their positions.
    fileprivate func images(_ positions: [Int]) -> Tensor {
        guard positions.count < shape[0] else { return self }
        let size = shape.dropFirst().reduce(1, *)
        var selected: [Float] = []
        selected.reserveCapacity(positions.count * size)
        for position in positions { selected += values[position * size..<(position + 1) * size] }
        return Tensor(shape: [positions.count] + shape.dropFirst(), values: selected)
    }
}
