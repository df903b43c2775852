import Tensors

/// How much of the loss is about being like a teacher: (1 - w) CE(y) + w T^2 KL(softmax(t / T) || softmax(z / T)) for the
/// logits z of the head and t of the teacher.
///
/// Source: Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", arXiv 1503.02531, section 2.
public struct Distillation: Codable, Equatable, Sendable {
    /// w, in (0, 1].
    public var weight: Double
    /// T: the higher, the more the teacher's small probabilities count.
    public var temperature: Double

    public init(weight: Double, temperature: Double = 2) {
        self.weight = weight
        self.temperature = temperature
    }
}

extension FeatureBatch {
    /// The mean of each feature map over its pixels, [N, D].
    func pixelMeans(team: WorkerTeam) -> [Scalar] {
        let (P, D) = (pixelCount, channelCount)
        var result = [Scalar](repeating: 0, count: imageCount * D)
        result.withUnsafeMutableBufferPointer { result in
            guard let start = result.baseAddress else { return }
            nonisolated(unsafe) let base = start
            team.forEach(imageCount) { _, image in
                let mean = base + image &* D
                for pixel in 0..<P {
                    let row = features + (image &* P &+ pixel) &* D
                    for channel in 0..<D { mean[channel] += row[channel] }
                }
                for channel in 0..<D { mean[channel] /= Scalar(P) }
            }
        }
        return result
    }
}

extension BatchLoss {
    /// Turns the loss of `logits` z [N, C] into that of `distillation` from the teacher's logits t [N, C].
    ///
    /// Its gradient is (1 - w) (softmax(z) - onehot(y)) + w T (softmax(z / T) - softmax(t / T)). Exponentials and sums are in
    /// double precision, in the order of the images.
    mutating func distil(logits: [Scalar], teacherLogits: [Scalar], classCount: Int, _ distillation: Distillation) {
        precondition(logits.count == teacherLogits.count && logits.count == gradient.count, "logits of other batches")
        let (weight, temperature) = (distillation.weight, distillation.temperature)
        var divergence = 0.0
        for start in stride(from: 0, to: logits.count, by: classCount) {
            let student = Self.softened(logits[start..<start + classCount], temperature)
            let teacher = Self.softened(teacherLogits[start..<start + classCount], temperature)
            for label in 0..<classCount {
                let (p, q) = (teacher.probabilities[label], student.probabilities[label])
                divergence += p * (teacher.logarithms[label] - student.logarithms[label])
                gradient[start + label] = Scalar(
                    (1 - weight) * Double(gradient[start + label]) + weight * temperature * (q - p))
            }
        }
        lossSum = (1 - weight) * lossSum + weight * temperature * temperature * divergence
    }

    /// softmax(logits / T) and its logarithms.
    private static func softened(
        _ logits: ArraySlice<Scalar>, _ temperature: Double
    ) -> (probabilities: [Double], logarithms: [Double]) {
        let peak = logits.reduce(-Double.infinity) { max($0, Double($1)) }
        let exponents = logits.map { (Double($0) - peak) / temperature }
        var exponentials = exponents
        exponentiate(&exponentials)
        let total = exponentials.reduce(0, +)
        let offset = logarithm(total)
        return (exponentials.map { $0 / total }, exponents.map { $0 - offset })
    }
}
