/// Conversion of little-endian floating-point elements to `Float`.
enum FloatConversion {
    /// The types that can be converted.
    static let elementTypes: [ElementType] = [.float64, .float32, .float16, .bfloat16]

    /// Fills the destination, which has room for all elements of the source; the source need not be aligned.
    typealias Conversion = (_ source: UnsafeRawBufferPointer, _ destination: UnsafeMutableBufferPointer<Float>) -> Void

    /// nil for types that are not real floating-point numbers.
    static func conversion(from elementType: ElementType) -> Conversion? {
        switch elementType {
        case .float32:
            { source, destination in UnsafeMutableRawBufferPointer(destination).copyMemory(from: source) }
        case .float64:
            { source, destination in
                fill(destination, from: source, as: UInt64.self) { Float(Double(bitPattern: $0)) }
            }
        case .bfloat16:
            // The upper half of a Float.
            { source, destination in
                fill(destination, from: source, as: UInt16.self) { Float(bitPattern: UInt32($0) << 16) }
            }
        case .float16:
            { source, destination in fill(destination, from: source, as: UInt16.self, float(halfBits:)) }
        default: nil
        }
    }

    /// The Float of an IEEE half, exactly.
    ///
    /// `Float(Float16(bitPattern:))` calls a library function for each element where the processor is not known to
    /// have the instruction; this form becomes vector code on any. Exponent and fraction are moved to their places and
    /// the bias of the exponent, 127 - 15, is corrected by a multiplication, which is exact and normalises subnormals.
    @inline(__always)
    private static func float(halfBits bits: UInt16) -> Float {
        let moved = UInt32(bits & 0x7FFF) << 13
        let isSpecial = bits & 0x7C00 == 0x7C00  // infinity or not a number
        let magnitude = isSpecial ? moved | 0x7F80_0000 : (Float(bitPattern: moved) * 0x1p112).bitPattern
        return Float(bitPattern: magnitude | UInt32(bits & 0x8000) << 16)
    }

    @inline(__always)
    private static func fill<Bits: FixedWidthInteger>(
        _ destination: UnsafeMutableBufferPointer<Float>, from source: UnsafeRawBufferPointer, as type: Bits.Type,
        _ convert: (Bits) -> Float
    ) {
        let width = MemoryLayout<Bits>.size
        for index in 0..<source.count / width {
            destination[index] = convert(source.loadUnaligned(fromByteOffset: index * width, as: Bits.self))
        }
    }
}
