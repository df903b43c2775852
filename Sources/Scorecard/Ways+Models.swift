import Attribution
import DisentangledHead
import Tensors

// What the models that are explained make of features.
extension Ways {
    private static let alone = WorkerTeam(workerCount: 1)

    /// The head, and the black box where there is one.
    var models: [ExplainedModel] { blackBox == nil ? [.head] : [.head, .blackBox] }

    /// The models that a way is measured on: the one it explains, or all.
    func models(of way: Way) -> [ExplainedModel] { way.method.explainedModel.map { [$0] } ?? models }

    /// The logits of features [n, H, W, D], by model and image.
    /// - Throws: `HeadError`.
    func logits(of features: Tensor) throws -> [[[Double]]] {
        let forward = try head.forward(features, team: Self.alone)
        let images = 0..<features.shape[0]
        let own = images.map { forward.logits(ofImage: $0).map(Double.init) }
        guard let blackBox else { return [own] }
        let (cells, width) = (features.shape[1] * features.shape[2], features.shape[3])
        return [
            own,
            images.map { image in
                var mean = [Double](repeating: 0, count: width)
                for cell in image * cells..<(image + 1) * cells {
                    for channel in 0..<width { mean[channel] += Double(features.values[cell * width + channel]) }
                }
                return blackBox.logits(ofMean: mean.map { $0 / Double(cells) })
            },
        ]
    }
}
