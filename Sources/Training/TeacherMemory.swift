import Synchronization

/// The logits of a teacher on the images of this rank: a function of each image alone that does not change in training, so they
/// are computed once for each view of an image, as long as there is room for them.
package final class TeacherMemory: Sendable {
    private struct Key: Hashable {
        let sample: Int
        let view: Int
    }

    private let classCount: Int
    /// Images whose logits are kept.
    private let limit: Int
    private let known = Mutex<[Key: [Float]]>([:])

    package init(classCount: Int, byteLimit: Int = 256 << 20) {
        self.classCount = classCount
        // An entry of the dictionary and an array take some bytes too.
        limit = byteLimit / (4 * classCount + 64)
    }

    /// The logits [N, C] of samples in a view: those that are remembered, if all are, or what `compute` gives for all.
    package func logits(of samples: [Int], view: Int, compute: () throws -> [Float]?) throws -> [Float]? {
        let remembered = known.withLock { known -> [Float]? in
            var result: [Float] = []
            for sample in samples {
                guard let logits = known[Key(sample: sample, view: view)] else { return nil }
                result += logits
            }
            return result
        }
        if let remembered { return remembered }
        guard let computed = try compute() else { return nil }
        known.withLock { known in
            for (row, sample) in samples.enumerated() where known.count < limit {
                known[Key(sample: sample, view: view)] = Array(computed[row * classCount..<(row + 1) * classCount])
            }
        }
        return computed
    }
}
