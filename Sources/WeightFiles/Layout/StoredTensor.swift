/// Bytes of a weight file that tensors are views of.
package struct TensorStorage: Equatable, Sendable {
    /// What messages call it.
    package let name: String
    /// Where its bytes, or what they were compressed to, are in the file.
    package let fileRange: Range<Int>
    /// How many bytes it has; `fileRange.count` unless it is compressed.
    package let byteCount: Int
    /// Whether the file holds it compressed (raw deflate).
    package var isDeflated = false
    /// The CRC-32 that the file states for its bytes.
    package var checksum: UInt32?

    /// Whether its bytes can be used as they are in the file without another look at them.
    var isPlain: Bool { !isDeflated && checksum == nil }
}

/// A tensor and where its elements are.
package struct StoredTensor: Equatable, Sendable {
    package let entry: TensorEntry
    /// Index of its storage.
    package let storage: Int
    /// Where its first element is, in bytes from the front of the storage.
    package let byteOffset: Int
    /// How many elements lie between neighbours along each axis; nil when the elements lie together, slowest axis first.
    package let strides: [Int]?
    /// Whether it lies in a pickled network rather than in a dictionary of tensors.
    package var isInPickledNetwork = false

    /// Calls `body` with the tensor's elements, slowest axis first, given the bytes of its storage.
    package func withBytes<Result>(
        in storage: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        let byteCount = entry.elementCount * entry.elementType.byteCount
        guard let strides else {
            return try body(UnsafeRawBufferPointer(rebasing: storage[byteOffset..<byteOffset + byteCount]))
        }
        let gathered = gather(storage, strides: strides)
        return try gathered.withUnsafeBytes { try body($0) }
    }

    /// The elements one after the other. The tensor has at least one.
    private func gather(_ storage: UnsafeRawBufferPointer, strides: [Int]) -> [UInt8] {
        let (shape, width) = (entry.shape, entry.elementType.byteCount)
        return [UInt8](unsafeUninitializedCapacity: entry.elementCount * width) { destination, count in
            count = entry.elementCount * width
            let destination = UnsafeMutableRawBufferPointer(destination)
            // The last axis is the inner loop; the others count like the digits of an odometer.
            let (innerLength, innerStep) = (shape.last ?? 1, (strides.last ?? 1) * width)
            var index = [Int](repeating: 0, count: max(0, shape.count - 1))
            var source = byteOffset
            var target = 0
            while target < destination.count {
                for _ in 0..<innerLength {
                    let element = UnsafeRawBufferPointer(rebasing: storage[source..<source + width])
                    destination[target..<target + width].copyBytes(from: element)
                    source += innerStep
                    target += width
                }
                source -= innerLength * innerStep
                for axis in index.indices.reversed() {
                    index[axis] += 1
                    source += strides[axis] * width
                    if index[axis] < shape[axis] { break }
                    source -= shape[axis] * strides[axis] * width
                    index[axis] = 0
                }
            }
        }
    }
}
