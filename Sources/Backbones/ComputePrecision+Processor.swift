import Tensors

extension ComputePrecision {
    /// Checks that the processor can make such products.
    /// - Throws: `BackboneError.unsupportedCompute`.
    package func requireProcessor() throws(BackboneError) {
        if let obstacle { throw .unsupportedCompute(rawValue, obstacle: obstacle) }
    }
}
