/// What a layer does to its sums before it stores them.
public enum ActivationFunction: Sendable {
    case identity
    /// max(x, 0).
    case relu
    /// x times the standard normal distribution function of x, PyTorch's `gelu` with `approximate="none"`; within 3e-7 of
    /// |x|. Of minus infinity it is not a number, as in PyTorch.
    case gelu
}
