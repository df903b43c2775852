import Tensors

/// The products of the classifier A [C, D].
enum Classifier<Scalar: HeadScalar> {
    /// Images per matrix product of `logits`; a shorter last block is filled up with zeros, so that an image's logits have the
    /// same bits alone and in any batch (see `FeatureBatch.imagesPerBlock`).
    static var imagesPerBlock: Int { 64 }

    /// logits [N, C] = v A^T.
    static func logits(
        pooled: [Scalar], classifier: [Scalar], imageCount: Int, channelCount: Int, classCount: Int, team: WorkerTeam
    ) -> [Scalar] {
        let blockCount = (imageCount + imagesPerBlock - 1) / imagesPerBlock
        let rows = blockCount * imagesPerBlock
        var padded = pooled
        padded.append(contentsOf: repeatElement(0, count: rows * channelCount - pooled.count))
        var result = [Scalar](repeating: 0, count: rows * classCount)
        guard rows > 0, classCount > 0, channelCount > 0 else { return [] }
        result.withUnsafeMutableBufferPointer { result in
            tiledProduct(
                rows: rows, columns: classCount, depth: channelCount, alpha: 1,
                padded, stride: channelCount, .asStored, classifier, stride: channelCount, .transposed,
                beta: 0, into: result.baseAddress!, stride: classCount, tile: (imagesPerBlock, 256), team: team)
        }
        result.removeLast((rows - imageCount) * classCount)
        return result
    }

    /// dL/dv [N, D] = g A.
    static func gradientOfPooled(
        ofLogits: [Scalar], classifier: [Scalar], imageCount: Int, channelCount: Int, classCount: Int, team: WorkerTeam
    ) -> [Scalar] {
        var result = [Scalar](repeating: 0, count: imageCount * channelCount)
        result.withUnsafeMutableBufferPointer { result in
            tiledProduct(
                rows: imageCount, columns: channelCount, depth: classCount, alpha: 1,
                ofLogits, stride: classCount, .asStored, classifier, stride: channelCount, .asStored,
                beta: 0, into: result.baseAddress!, stride: channelCount, tile: (64, 256), team: team)
        }
        return result
    }

    /// dL/dA [C, D] = g^T v.
    static func gradient(
        ofLogits: [Scalar], pooled: [Scalar], imageCount: Int, channelCount: Int, classCount: Int, team: WorkerTeam
    ) -> [Scalar] {
        var result = [Scalar](repeating: 0, count: classCount * channelCount)
        result.withUnsafeMutableBufferPointer { result in
            tiledProduct(
                rows: classCount, columns: channelCount, depth: imageCount, alpha: 1,
                ofLogits, stride: classCount, .transposed, pooled, stride: channelCount, .asStored,
                beta: 0, into: result.baseAddress!, stride: channelCount, tile: (256, 256), team: team)
        }
        return result
    }
}
