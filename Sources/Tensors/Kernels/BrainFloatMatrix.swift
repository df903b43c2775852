/// A constant matrix [K, N] of brain floats, in the order in which their tile kernel reads it: panels of 16 columns, in each the rows two by
/// two, [N / 16][K / 2][16][2], filled up with zeros.
final class BrainFloatMatrix: @unchecked Sendable {
    /// Of K, rounded up.
    let pairCount: Int
    /// N.
    let columnCount: Int
    private let storage: AlignedFloats

    /// - Parameter element: the matrix's element at (k, n), which is rounded.
    init(depth: Int, columnCount: Int, element: (_ k: Int, _ n: Int) -> Float) {
        pairCount = (depth + 1) / 2
        self.columnCount = columnCount
        let width = PackedMatrix.panelWidth
        let panelCount = (columnCount + width - 1) / width
        // A pair is as large as a float.
        storage = .constants(capacity: panelCount * pairCount * width)
        var next = UnsafeMutableRawPointer(storage.pointer).bindMemory(
            to: UInt16.self, capacity: 2 * panelCount * pairCount * width)
        for panel in 0..<panelCount {
            for k in stride(from: 0, to: depth, by: 2) {
                for n in panel * width..<(panel + 1) * width {
                    let isInside = n < columnCount
                    next[0] = isInside ? element(k, n).roundedToBrainFloat : 0
                    next[1] = isInside && k + 1 < depth ? element(k + 1, n).roundedToBrainFloat : 0
                    next += 2
                }
            }
        }
    }

    /// `body` receives the first panel; panel p starts 32 * `pairCount` * p numbers further on.
    func withPanels<R>(_ body: (UnsafePointer<UInt16>) -> R) -> R {
        withExtendedLifetime(storage) { body(UnsafePointer(storage.brainFloats)) }
    }
}

extension Float {
    /// The upper half of the nearest float that has nothing in its lower half, of the one that ends even if two are as near. Not a number
    /// stays one; what is smaller than the smallest normal float is zero, as the processor's instruction has it.
    package var roundedToBrainFloat: UInt16 {
        if isNaN { return UInt16(truncatingIfNeeded: bitPattern >> 16) | 0x40 }
        if magnitude < .leastNormalMagnitude { return sign == .minus ? 0x8000 : 0 }
        return UInt16(truncatingIfNeeded: (bitPattern &+ 0x7fff &+ (bitPattern >> 16 & 1)) >> 16)
    }
}

extension AlignedFloats {
    /// The same memory for numbers of half the size.
    var brainFloats: UnsafeMutablePointer<UInt16> {
        UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: UInt16.self)
    }
}

extension ScratchBuffer {
    /// The same memory for numbers of half the size.
    var brainFloats: UnsafeMutablePointer<UInt16> {
        UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: UInt16.self)
    }
}

extension Workspace {
    /// Memory for `count` brain floats with unspecified contents.
    func brainFloatBuffer(_ count: Int) -> ScratchBuffer { buffer((count + 1) / 2) }
}
