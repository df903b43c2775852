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

    /// The transpose of `matrix` [N, K].
    init(transposing matrix: UnsafePointer<Float>, columnCount: Int, depth: Int, team: WorkerTeam) {
        self.depth = depth
        self.columnCount = columnCount
        let width = Self.panelWidth
        let panelCount = (columnCount + width - 1) / width
        storage = AlignedFloats(capacity: panelCount * depth * width)
        nonisolated(unsafe) let (matrix, target) = (matrix, storage.pointer)
        team.forEach(panelCount) { _, panel in
            let target = target + panel * depth * width
            let count = min(width, columnCount - panel * width)
            if count < width { target.initialize(repeating: 0, count: depth * width) }
            // Pieces of K that stay in the cache until all columns are in them.
            for first in stride(from: 0, to: depth, by: 128) {
                for n in 0..<count {
                    let row = matrix + (panel * width + n) * depth
                    for k in first..<min(first + 128, depth) { target[k &* width &+ n] = row[k] }
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
