/// What a classifier may change without any probability changing: softmax(A v + b) = softmax((A + 1 d^T) v + b) for any d [D],
/// since a number that is added to a channel's weights of all classes is added, times v_k, to all logits of the image.
///
/// Of the classifiers that are the same in this sense, the one whose columns all have the minimum 0 is the non-negative one
/// with the most zeros. So A >= 0 is no restriction of what a classifier can tell: every signed W is W - min_c W_ck.
enum ClassifierGauge {
    /// Subtracts from each column of A [C, D] its minimum over the classes. The minima become exact zeros.
    static func bringToColumnMinimum<Scalar: HeadScalar>(_ weights: inout [Scalar], channelCount: Int) {
        guard channelCount > 0 else { return }
        for channel in 0..<channelCount {
            let column = stride(from: channel, to: weights.count, by: channelCount)
            let minimum = column.reduce(Scalar.infinity) { min($0, weights[$1]) }
            // What is there stays as it is, to the bit.
            guard minimum != 0 else { continue }
            for index in column { weights[index] -= minimum }
        }
    }
}

extension Classifier {
    /// The non-negative classifier with the same probabilities for every image, and an exact 0 in every column: the weights of
    /// each channel less the smallest of them over the classes (`ClassifierGauge`). Its logits are those of this one but for
    /// rounding and a number that is the same for all classes of an image.
    ///
    /// What a channel contributes to a class is then relative to the class that uses the channel least. A standardisation
    /// is folded first (`foldingStandardisation()`); the bias stays. So does a mask, and with it every weight that it leaves
    /// out is 0: in a column where it leaves one out, 0 is the minimum already unless another class has a negative weight.
    ///
    /// - Throws: `HeadError.invalidSetting` for a mask that leaves a class out of a channel of which another class has a negative
    ///   weight: no classifier within that mask has the same probabilities and no negative weight. `HeadError.notFinite` if
    ///   weights are so far apart that their difference is not a number.
    public func broughtToColumnMinimum() throws -> Classifier {
        let folded = foldingStandardisation()
        if let negative = folded.negativeWeightInCutColumn {
            throw HeadError.invalidSetting(
                key: "classifier_mask",
                value: "without some class of channel \(negative % channelCount), of which class "
                    + "\(negative / channelCount) has the weight \(folded.weights[negative])",
                expected: "with all classes of a channel that has a negative weight")
        }
        var shifted = folded.weights
        ClassifierGauge.bringToColumnMinimum(&shifted, channelCount: channelCount)
        guard shifted.allSatisfy(\.isFinite) else { throw HeadError.notFinite(tensor: "classifier", step: nil) }
        return Classifier(
            checkedWeights: shifted, bias: folded.bias, mask: folded.mask, signs: .nonNegative, classCount: classCount,
            channelCount: channelCount)
    }

    /// The index of the first negative weight in a column of which the mask leaves a weight out.
    private var negativeWeightInCutColumn: Int? {
        guard let mask else { return nil }
        var isCut = [Bool](repeating: false, count: channelCount)
        for index in mask.indices where !mask[index] { isCut[index % channelCount] = true }
        return weights.indices.first { weights[$0] < 0 && isCut[$0 % channelCount] }
    }
}
