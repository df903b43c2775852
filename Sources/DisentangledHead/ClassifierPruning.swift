import Tensors

/// The mask of a classifier with a `ChannelBudget`, and what its next event needs to know.
///
/// Everything is a function of the exactly added gradients, so it is the same on every rank.
package struct ClassifierPruning<Scalar: HeadScalar>: Sendable, Equatable {
    package let budget: ChannelBudget
    let channelCount: Int
    let classCount: Int
    /// [C, D]: the weights that are kept.
    package var mask: [Bool]
    /// [C, D]: those that came back in the last event.
    package var regrown: [Bool]
    /// [C, D]: v_k added up over the images of each class, earlier steps with less weight.
    package var sums: [Scalar]
    /// [C]: the images, added up likewise.
    package var counts: [Scalar]
    /// The channels that a class has at the begin of the schedule: D, or fewer in a head that starts from one with a mask.
    package var firstCount: Int

    package init(budget: ChannelBudget, channelCount: Int, classCount: Int) {
        self.budget = budget
        self.channelCount = channelCount
        self.classCount = classCount
        mask = Array(repeating: true, count: classCount * channelCount)
        regrown = Array(repeating: false, count: classCount * channelCount)
        sums = Array(repeating: 0, count: classCount * channelCount)
        counts = Array(repeating: 0, count: classCount)
        firstCount = channelCount
    }

    /// Begins with the mask of another head, in which the classes have up to `firstCount` channels.
    mutating func begin(at mask: [Bool], firstCount: Int) {
        self.mask = mask
        self.firstCount = firstCount
    }

    /// Takes in the sums and counts of a step.
    package mutating func observe(sums newSums: [Scalar], counts newCounts: [Scalar]) {
        let decay = Scalar(budget.decay)
        for index in sums.indices { sums[index] = decay * sums[index] + newSums[index] }
        for index in counts.indices { counts[index] = decay * counts[index] + newCounts[index] }
    }

    /// The scores [C, D] of weights A [C, D]. A class of which no image was seen is judged by its weights alone.
    package func scores(_ classifier: [Scalar]) -> [Scalar] {
        let total = counts.reduce(0.0) { $0 + Double($1) }
        var means = [Double](repeating: 0, count: channelCount)
        if budget.score == .contrast, total > 0 {
            for label in 0..<classCount {
                for channel in 0..<channelCount { means[channel] += Double(sums[label * channelCount + channel]) }
            }
            for channel in 0..<channelCount { means[channel] /= total }
        }
        return [Scalar](unsafeUninitializedCapacity: classifier.count) { result, count in
            for label in 0..<classCount {
                for channel in 0..<channelCount {
                    let index = label * channelCount + channel
                    let size =
                        counts[label] > 0 ? abs(Double(sums[index]) / Double(counts[label]) - means[channel]) : 1
                    result[index] = Scalar(Double(classifier[index]) * size)
                }
            }
            count = classifier.count
        }
    }

    /// Chooses the weights that are kept from now on: sets those that are left out, and those that come back, to 0 in
    /// `classifier` and in the optimizer's memory of it.
    ///
    /// - Parameters:
    ///   - step: steps taken.
    ///   - gradient: dL/dA [C, D] of the last step, of all weights.
    package mutating func prune(
        afterStep step: Int, classifier: inout [Scalar], moments: inout OptimizerState<Scalar>, gradient: [Scalar],
        team: WorkerTeam
    ) {
        let target = budget.keptCount(afterStep: step, channelCount: firstCount)
        let exchangeCount = step < budget.end ? Int((budget.regrowth * Double(target)).rounded()) : 0
        let scores = scores(classifier)
        var kept = [Bool](repeating: false, count: mask.count)
        var returned = kept
        kept.withUnsafeMutableBufferPointer { kept in
            returned.withUnsafeMutableBufferPointer { returned in
                // Each class writes its own rows.
                nonisolated(unsafe) let (kept, returned) = (kept, returned)
                team.forEach(classCount) { [pruning = self] _, label in
                    let choice = pruning.choice(
                        ofClass: label, target: target, exchangeCount: exchangeCount, scores: scores, gradient: gradient
                    )
                    for channel in choice.kept { kept[label * pruning.channelCount + channel] = true }
                    for channel in choice.returned { returned[label * pruning.channelCount + channel] = true }
                }
            }
        }
        for index in kept.indices where !kept[index] || returned[index] {
            classifier[index] = 0
            moments.first[index] = 0
            if !moments.second.isEmpty { moments.second[index] = 0 }
        }
        (mask, regrown) = (kept, returned)
    }

    /// The channels that a class keeps, and those among them that come back. Of equal ones the lower channel comes first.
    private func choice(
        ofClass label: Int, target: Int, exchangeCount: Int, scores: [Scalar], gradient: [Scalar]
    ) -> (kept: [Int], returned: [Int]) {
        let start = label * channelCount
        let held = (0..<channelCount).filter { mask[start + $0] }
        let recent = held.filter { regrown[start + $0] }
        let compared = held.filter { !regrown[start + $0] }
            .sorted { (scores[start + $0], $1) > (scores[start + $1], $0) }
        let ordered = (recent + compared).prefix(target)
        let candidates = (0..<channelCount).filter { !mask[start + $0] && gradient[start + $0] < 0 }
            .sorted { (gradient[start + $0], $0) < (gradient[start + $1], $1) }
        let exchanged = min(exchangeCount, candidates.count, max(0, ordered.count - recent.count))
        let returned = Array(candidates.prefix(exchanged))
        return (Array(ordered.dropLast(exchanged)) + returned, returned)
    }
}

extension ClassifierPruning {
    /// v [N, D] added up over the images of each class, [C, D], and their numbers [C].
    static func classSums(
        pooled: [Scalar], labels: [Int], channelCount: Int, classCount: Int
    ) -> (sums: [Scalar], counts: [Scalar]) {
        var sums = [Scalar](repeating: 0, count: classCount * channelCount)
        var counts = [Scalar](repeating: 0, count: classCount)
        for (image, label) in labels.enumerated() {
            counts[label] += 1
            for channel in 0..<channelCount {
                sums[label * channelCount + channel] += pooled[image * channelCount + channel]
            }
        }
        return (sums, counts)
    }
}
