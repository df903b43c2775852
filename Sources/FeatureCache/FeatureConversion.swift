/// Features between memory and disk. This target is compiled for processors that convert eight halves at a time.
enum FeatureConversion {
    /// Widens halves, exactly. The source need not be aligned and has two bytes for each element of the destination.
    static func widen(_ source: UnsafeRawBufferPointer, into destination: UnsafeMutableBufferPointer<Float>) {
        precondition(source.count == 2 * destination.count, "\(source.count) bytes for \(destination.count) halves")
        guard let input = source.baseAddress, let output = destination.baseAddress else { return }
        for index in 0..<destination.count {
            output[index] = Float(input.loadUnaligned(fromByteOffset: 2 * index, as: Float16.self))
        }
    }

    /// Rounds to halves, to nearest even. Returns the place of the first value that does not become a finite half.
    static func narrow(
        _ source: UnsafeBufferPointer<Float>, into destination: UnsafeMutableBufferPointer<Float16>
    ) -> Int? {
        precondition(source.count == destination.count, "\(source.count) floats for \(destination.count) halves")
        guard let input = source.baseAddress, let output = destination.baseAddress else { return nil }
        var isFinite = true
        for index in 0..<source.count {
            let half = Float16(input[index])
            output[index] = half
            isFinite = isFinite && half.bitPattern & 0x7C00 != 0x7C00
        }
        return isFinite ? nil : destination.firstIndex { !$0.isFinite }
    }

    /// The place of the first value that is not finite.
    static func firstNotFinite(_ source: UnsafeBufferPointer<Float>) -> Int? {
        var isFinite = true
        for value in source { isFinite = isFinite && value.bitPattern & 0x7F80_0000 != 0x7F80_0000 }
        return isFinite ? nil : source.firstIndex { !$0.isFinite }
    }
}
