public import DisentangledHead
public import Results

extension HeadEdits {
    /// The head with its weights multiplied by the factors: both sides' weights of a channel, and no bias. U is as it was.
    ///
    /// What a channel adds to a logit is multiplied by its factor, exactly up to the rounding of a weight; where not all channels of
    /// an image count, which of them do is found with the new weights.
    /// - Throws: `HeadError.notFinite` for a weight that grows beyond what a number can be.
    public func applied(to head: Head) throws -> Head {
        let classifier = head.classifier
        var weights = classifier.weights
        for label in 0..<head.classCount {
            let own = classes[label] ?? [:]
            for channel in Set(channels.keys).union(own.keys) {
                for value in stride(from: channel, to: classifier.channelCount, by: head.channelCount) {
                    let index = label * classifier.channelCount + value
                    weights[index] = weight(weights[index], of: channel, for: label)
                }
            }
        }
        return try Head(
            channelMap: head.channelMap,
            classifier: Classifier(
                weights: weights, bias: classifier.bias, mask: classifier.mask, signs: classifier.signs,
                classCount: head.classCount, channelCount: classifier.channelCount),
            sides: head.sides, channelsPerImage: head.channelsPerImage, reading: head.reading, loss: head.loss)
    }
}
