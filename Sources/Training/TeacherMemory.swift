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

    package init(classCount: Int, byteLimit: Int = usualByteLimit) {
        self.classCount = classCount
        limit = byteLimit / Self.byteCount(ofImageWith: classCount)
    }

    /// Bytes that are taken at most, where nothing else is said.
    package static var usualByteLimit: Int { 256 << 20 }

    /// Bytes that so many images, or views of them, take.
    package static func byteCount(imageCount: Int, classCount: Int) -> Int {
        min(usualByteLimit, imageCount * byteCount(ofImageWith: classCount))
    }

    /// An entry of the dictionary and an array take some bytes beside the logits.
    private static func byteCount(ofImageWith classCount: Int) -> Int { 4 * classCount + 64 }

    /// The logits [N, C] of samples in a view. Those that are not remembered, as positions in `samples`, are what `compute` gives.
    package func logits(
        of samples: [Int], view: Int, compute: (_ missing: [Int]) throws -> [Float]?
    ) throws -> [Float]? {
        let keys = samples.map { Key(sample: $0, view: view) }
        let remembered = known.withLock { known in keys.map { known[$0] } }
        let missing = remembered.indices.filter { remembered[$0] == nil }
        var computed: [Float] = []
        if !missing.isEmpty {
            guard let found = try compute(missing) else { return nil }
            computed = found
        }
        var result: [Float] = []
        result.reserveCapacity(samples.count * classCount)
        var row = 0
        for logits in remembered {
            if let logits {
                result += logits
            } else {
                result += computed[row * classCount..<(row + 1) * classCount]
                row += 1
            }
        }
        known.withLock { known in
            for (row, position) in missing.enumerated() where known.count < limit {
                known[keys[position]] = Array(computed[row * classCount..<(row + 1) * classCount])
            }
        }
        return result
    }
}
