import Synchronization

/// A constant matrix [K, N] in the order in which the tile kernel reads it.
///
/// Columns are cut into panels of 16, the last filled up with zeros; a panel holds its K rows of 16 one after the other:
/// [N / 16][K][16], on a cache-line boundary. Immutable once it is packed, which is what makes sharing it between threads safe.
final class PackedMatrix: @unchecked Sendable {
    static let panelWidth = 16

    /// K, the length of the sums.
    let depth: Int
    /// N.
    let columnCount: Int
    /// Whether all elements are; false too if nobody has looked.
    let isFinite: Bool
    private let storage: ScratchBuffer
    /// [K, N], for the engine that does not know panels; made when it first asks.
    private let rows = Mutex<AlignedFloats?>(nil)
    private let rounded = Mutex<BrainFloatMatrix?>(nil)

    /// Weights, packed once when they are loaded.
    ///
    /// - Parameter element: the matrix's element at (k, n).
    init(depth: Int, columnCount: Int, element: (_ k: Int, _ n: Int) -> Float) {
        self.depth = depth
        self.columnCount = columnCount
        let panelCount = (columnCount + Self.panelWidth - 1) / Self.panelWidth
        storage = ScratchBuffer(.constants(capacity: panelCount * depth * Self.panelWidth), of: nil)
        var next = storage.pointer
        var isFinite = true
        for panel in 0..<panelCount {
            for k in 0..<depth {
                for n in panel * Self.panelWidth..<(panel + 1) * Self.panelWidth {
                    let number = n < columnCount ? element(k, n) : 0
                    isFinite = isFinite && number.isFinite
                    next.initialize(to: number)
                    next += 1
                }
            }
        }
        self.isFinite = isFinite
    }

    /// A matrix [K, N] that is stored as it is or transposed, with `stride` floats between its stored rows: an operand that is
    /// packed for a few products, in memory that is used again.
    ///
    /// - Parameter checked: whether to look if all elements are finite.
    init(
        packing matrix: UnsafePointer<Float>, stride: Int, _ orientation: Orientation, depth: Int, columnCount: Int,
        checked: Bool = false, team: WorkerTeam
    ) {
        self.depth = depth
        self.columnCount = columnCount
        let width = Self.panelWidth
        let panelCount = (columnCount + width - 1) / width
        storage = Workspace.shared.buffer(panelCount * depth * width)
        nonisolated(unsafe) let (matrix, target) = (matrix, storage.pointer)
        let isFinite = Atomic(checked)
        team.forEachRange(of: columnCount, length: 4 * width) { _, columns in
            let (first, panels) = (columns.lowerBound, target + columns.lowerBound &* depth)
            switch orientation {
            case .asStored:
                packRows(matrix + first, stride: stride, depth: depth, columnCount: columns.count, into: panels)
            case .transposed:
                packColumns(
                    matrix + first &* stride, stride: stride, depth: depth, columnCount: columns.count, into: panels)
            }
            guard checked else { return }
            var poison = SIMD16<Float>.zero
            for i in Swift.stride(from: 0, to: (columns.count + width - 1) / width * width * depth, by: width) {
                let elements = UnsafeRawPointer(panels + i).loadUnaligned(as: SIMD16<Float>.self)
                poison += elements - elements
            }
            if poison != .zero { isFinite.store(false, ordering: .relaxed) }
        }
        self.isFinite = isFinite.load(ordering: .relaxed)
    }

    /// A row such as a bias, filled up with zeros to whole panels. None of them is -0, with which sums of zero could have either sign.
    static func padded(_ row: [Float]) -> [Float] {
        row.map { $0 + 0 } + Array(repeating: 0, count: (panelWidth - row.count % panelWidth) % panelWidth)
    }

    /// `body` receives the first panel; panel p starts 16 * K * p floats further on.
    func withPanels<R>(_ body: (UnsafePointer<Float>) -> R) -> R {
        withExtendedLifetime(storage) { body(UnsafePointer(storage.pointer)) }
    }

    /// The same matrix in brain floats; made when it is first asked for.
    var brainFloats: BrainFloatMatrix {
        rounded.withLock { rounded in
            if let rounded { return rounded }
            let made = BrainFloatMatrix(depth: depth, columnCount: columnCount) { element($0, $1) }
            rounded = made
            return made
        }
    }

    /// The element at (k, n).
    func element(_ k: Int, _ n: Int) -> Float {
        let width = Self.panelWidth
        return storage.pointer[(n / width &* depth &+ k) &* width &+ n % width]
    }

    /// `body` receives the matrix as [K, N].
    func withRows<R>(_ body: (UnsafePointer<Float>) -> R) -> R {
        let memory = rows.withLock { rows in
            if let rows { return rows }
            let made = AlignedFloats(capacity: depth * columnCount)
            for k in 0..<depth {
                for n in 0..<columnCount { made.pointer[k * columnCount + n] = element(k, n) }
            }
            rows = made
            return made
        }
        return withExtendedLifetime(memory) { body(UnsafePointer(memory.pointer)) }
    }
}
