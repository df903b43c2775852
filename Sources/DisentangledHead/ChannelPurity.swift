import Tensors

/// Terms of the loss that want a channel to fire in one place and for one thing: strength times term, added to the loss of
/// every image. Ours, for ablations; they pull on U alone.
public struct ChannelPurity: Codable, Equatable, Sendable {
    /// Strength of the entropy over the pixels (`FeatureBatch.spatialEntropy`), at least 0.
    public var spatialEntropy: Double
    /// Strength of the correlation between channels (`ChannelDecorrelation`), at least 0.
    public var decorrelation: Double

    enum CodingKeys: String, CodingKey {
        case spatialEntropy = "spatial_entropy"
        case decorrelation
    }

    public init(spatialEntropy: Double = 0, decorrelation: Double = 0) {
        self.spatialEntropy = spatialEntropy
        self.decorrelation = decorrelation
    }
}

/// The terms of a batch, with their gradients: they reach U through the activations and through v.
struct PurityTerms<Scalar: HeadScalar> {
    /// Added up over the images.
    private(set) var lossSum = 0.0
    /// Of the entropy, dL/dJ of the channels that are turned, [N, P, D] if all are.
    private var ofActivations: [Scalar]?
    /// Of the decorrelation, dL/dv [N, D] or [N, 2 D].
    private var ofPooled: [Scalar]?

    /// - Parameter pooled: v [N, D] or [N, 2 D] of the images.
    /// - Throws: `HeadError.notFinite` if a feature is not finite.
    init(
        _ purity: ChannelPurity, batch: FeatureBatch<Scalar>, pooled: [Scalar], channelMap: [Scalar],
        turned: [Int]?, sides: ChannelSides, step: Int, team: WorkerTeam
    ) throws {
        if purity.spatialEntropy > 0, batch.pixelCount > 1 {
            let weights = batch.pooledShares(pooled, factor: purity.spatialEntropy)
            let entropy = batch.spatialEntropy(
                channelMap: channelMap, turned: turned, weights: weights, sides: sides, team: team)
            guard let entropy else { throw HeadError.notFinite(tensor: "features", step: step) }
            lossSum += entropy.sum
            ofActivations =
                turned.map {
                    gatherColumns(
                        $0, of: entropy.gradient, rowCount: batch.imageCount * batch.pixelCount,
                        columnCount: batch.channelCount, team: team)
                } ?? entropy.gradient
        }
        if purity.decorrelation > 0, batch.imageCount > 1 {
            let images = Double(batch.imageCount)
            let term = ChannelDecorrelation.term(
                of: pooled, imageCount: batch.imageCount, factor: images * purity.decorrelation, team: team)
            lossSum += term.value
            ofPooled = term.gradient
        }
    }

    /// Adds what comes through v to dL/dv.
    func add(toGradientOfPooled gradient: inout [Scalar]) {
        guard let ofPooled else { return }
        for index in gradient.indices { gradient[index] += ofPooled[index] }
    }

    /// Adds what comes through J, dJ^T Y of the `rows` Y (`PooledBatch.channelMapGradient`).
    func add(
        toGradientOfChannelMap gradient: inout SquareMatrix<Scalar>, rows: FeatureBatch<Scalar>, turned: [Int]?,
        team: WorkerTeam
    ) {
        guard let ofActivations else { return }
        guard let turned else {
            rows.addProduct(of: ofActivations, to: &gradient, team: team)
            return
        }
        rows.withChannels(turned, team: team) { $0.addProduct(of: ofActivations, to: &gradient, team: team) }
    }
}

extension FeatureBatch {
    /// Adds dJ^T X [D, D] of dJ [N, P, D].
    fileprivate func addProduct(of ofActivations: [Scalar], to gradient: inout SquareMatrix<Scalar>, team: WorkerTeam) {
        let size = channelCount
        let tile = SquareMatrix<Scalar>.tileLength(size: size)
        gradient.values.withUnsafeMutableBufferPointer { gradient in
            ofActivations.withUnsafeBufferPointer { ofActivations in
                tiledProduct(
                    rows: size, columns: size, depth: imageCount * pixelCount, alpha: 1, ofActivations.baseAddress!,
                    stride: size, .transposed, features, stride: size, .asStored, beta: 1,
                    into: gradient.baseAddress!, stride: size, tile: (tile, tile), team: team)
            }
        }
    }
}
