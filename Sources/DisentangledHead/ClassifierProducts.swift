import Tensors

/// The products of the classifier A [C, D].
enum ClassifierProducts<Scalar: HeadScalar> {
    /// logits [N, C] = v A^T. An image's logits have the same bits alone and in any batch.
    static func logits(
        pooled: [Scalar], classifier: [Scalar], imageCount: Int, channelCount: Int, classCount: Int, team: WorkerTeam
    ) -> [Scalar] {
        guard imageCount > 0, classCount > 0, channelCount > 0 else { return [] }
        let tile = (rows: 64, columns: 256)
        let tilesAcross = (classCount + tile.columns - 1) / tile.columns
        let tileCount = (imageCount + tile.rows - 1) / tile.rows * tilesAcross
        return classifier.withUnsafeBufferPointer { classifier in
            let factor = Scalar.rowFactor(
                transposing: classifier.baseAddress!, columnCount: classCount, depth: channelCount, team: team)
            return pooled.withUnsafeBufferPointer { pooled in
                [Scalar](unsafeUninitializedCapacity: imageCount * classCount) { logits, count in
                    nonisolated(unsafe) let (logits, pooled) = (logits.baseAddress!, pooled.baseAddress!)
                    team.forEach(tileCount) { _, index in
                        let row = index / tilesAcross * tile.rows
                        let column = index % tilesAcross * tile.columns
                        Scalar.rowProduct(
                            rows: min(tile.rows, imageCount - row), pooled + row * channelCount, factor,
                            columns: column..<min(column + tile.columns, classCount),
                            into: logits + row * classCount + column, stride: classCount)
                    }
                    count = imageCount * classCount
                }
            }
        }
    }

    /// logits [N, C] = v A^T + b, without b where there is none: as in `Classifier.logits`, b is added to the finished sum.
    static func logits(
        pooled: [Scalar], classifier: [Scalar], bias: [Scalar]?, imageCount: Int, channelCount: Int, classCount: Int,
        team: WorkerTeam
    ) -> [Scalar] {
        var result = logits(
            pooled: pooled, classifier: classifier, imageCount: imageCount, channelCount: channelCount,
            classCount: classCount, team: team)
        if let bias {
            for image in 0..<imageCount {
                for label in 0..<classCount { result[image * classCount + label] += bias[label] }
            }
        }
        return result
    }

    /// dL/db [C] = sum over the images of g, in their order and in double precision.
    static func gradientOfBias(ofLogits: [Scalar], classCount: Int) -> [Scalar] {
        var sums = [Double](repeating: 0, count: classCount)
        for start in stride(from: 0, to: ofLogits.count, by: classCount) {
            for label in 0..<classCount { sums[label] += Double(ofLogits[start + label]) }
        }
        return sums.map { Scalar($0) }
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
