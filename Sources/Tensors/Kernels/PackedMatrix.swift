/// A constant matrix [K, N] in the order in which the tile kernel reads it.
///
/// Columns are cut into panels of 16, the last filled up with zeros; a panel holds its K rows of 16 one after the other:
/// [N / 16][K][16], on a cache-line boundary. Packed once, when weights are loaded; immutable afterwards, which is what
/// makes sharing it between threads safe.
final class PackedMatrix: @unchecked Sendable {
    static let panelWidth = 16

    /// K, the length of the sums.
    let depth: Int
    /// N.
    let columnCount: Int
    private let storage: AlignedFloats

    /// - Parameter element: the matrix's element at (k, n).
    init(depth: Int, columnCount: Int, element: (_ k: Int, _ n: Int) -> Float) {
        self.depth = depth
        self.columnCount = columnCount
        let panelCount = (columnCount + Self.panelWidth - 1) / Self.panelWidth
        storage = AlignedFloats(capacity: panelCount * depth * Self.panelWidth)
        var next = storage.pointer
        for panel in 0..<panelCount {
            for k in 0..<depth {
                for n in panel * Self.panelWidth..<(panel + 1) * Self.panelWidth {
                    next.initialize(to: n < columnCount ? element(k, n) : 0)
                    next += 1
                }
            }
        }
    }

    var panelCount: Int { (columnCount + Self.panelWidth - 1) / Self.panelWidth }

    /// `body` receives the first panel; panel p starts 2 * K * p vectors further on.
    func withPanels<R>(_ body: (UnsafePointer<SIMD8<Float>>) -> R) -> R {
        withExtendedLifetime(storage) {
            body(UnsafeRawPointer(storage.pointer).assumingMemoryBound(to: SIMD8<Float>.self))
        }
    }
}
