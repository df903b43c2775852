import Synchronization
import Tensors

/// A Swin transformer's attention within windows, which shrink to a map that is smaller, along each axis for itself, as in
/// timm. (torchvision fills the map up to a whole window with zeros, which then take part.)
final class WindowAttention: Sendable {
    /// Its windows are square and as large as they get.
    private let attention: SelfAttention
    private let bias: PositionBias
    private let side: Int
    private let isShifted: Bool
    /// The same for all windows that have been needed so far.
    private let made = Mutex<[SpatialSize: SelfAttention]>([:])

    /// - Parameter attention: its layers; it has no windows yet.
    init(_ attention: SelfAttention, bias: PositionBias, windowSide: Int, isShifted: Bool) {
        self.attention = attention
        self.bias = bias
        self.side = windowSide
        self.isShifted = isShifted
    }

    func callAsFunction(_ maps: Activations, in workspace: Workspace) -> Activations {
        let window = SpatialSize(height: min(side, maps.size.height), width: min(side, maps.size.width))
        return attention(within: window)(maps, in: workspace)
    }

    private func attention(within window: SpatialSize) -> SelfAttention {
        made.withLock { made in
            if let attention = made[window] { return attention }
            let fitting = attention.within(
                SelfAttention.Windows(size: window, isShifted: isShifted),
                positionBias: bias.pairs(within: window, headCount: attention.headCount))
            made[window] = fitting
            return fitting
        }
    }
}
