import SystemFacts

/// What the products in the layers of a network are made of; a property of a `Workspace`.
///
/// Everything else (sums, biases, residuals, normalisations, softmax, activation functions, pools) is in single precision with both.
public enum ComputePrecision: String, CaseIterable, Codable, Sendable {
    /// Single precision: the same bits on every processor.
    case f32
    /// Operands rounded to bfloat16, eight significant bits, sums of their products in single precision, by the instructions of
    /// AVX512-BF16: the same bits on every processor that has them.
    case bf16

    /// Why products cannot be made so on this processor; nil if they can.
    public var obstacle: String? {
        guard self == .bf16, !Processor.hasBrainFloats else { return nil }
        return Processor.isDenied
            ? "INFODISENT_NO_AVX512 in the environment denies AVX-512"
            : "this processor has no AVX512-BF16 (Intel Xeon since Cooper Lake, AMD since Zen 4), or not as it is documented"
    }
}
