extension BackboneRegistry {
    /// The tensors that a file of weights of the backbone `name` must hold, with their shapes.
    ///
    /// - Throws: `BackboneError.unknownName`.
    package static func expectedTensors(ofBackbone name: String) throws -> [String: [Int]] {
        let (family, entry) = try entry(named: name, for: NoTensors())
        return try entry.expectedTensors(of: family)
    }
}
