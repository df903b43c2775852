import CVectorShim

// Numbers in memory without the zeros among them, of which features behind ReLU have many: for each sixteen numbers a mask that says
// which are not zero, and these one behind the other. What is -0 is kept.

/// Packs the halves of `count` places, a multiple of 16. Returns how many are not zero.
///
/// - Parameters:
///   - masks: one for each sixteen places.
///   - packed: up to fifteen more are written behind the last.
@inlinable @inline(__always)
public func packHalves(
    _ halves: UnsafeRawPointer, count: Int, masks: UnsafeMutablePointer<UInt16>, into packed: UnsafeMutableRawPointer
) -> Int {
    var (found, group) = (0, 0)
    while group < count &>> 4 {
        let bits = cvector_pack_halves(halves + 32 &* group, packed + 2 &* found)
        masks[group] = UInt16(truncatingIfNeeded: bits)
        found &+= bits.nonzeroBitCount
        group &+= 1
    }
    return found
}

/// The same of floats.
@inlinable @inline(__always)
public func packFloats(
    _ floats: UnsafeRawPointer, count: Int, masks: UnsafeMutablePointer<UInt16>, into packed: UnsafeMutableRawPointer
) -> Int {
    var (found, group) = (0, 0)
    while group < count &>> 4 {
        let bits = cvector_pack_floats(floats + 64 &* group, packed + 4 &* found)
        masks[group] = UInt16(truncatingIfNeeded: bits)
        found &+= bits.nonzeroBitCount
        group &+= 1
    }
    return found
}

/// The halves that `packHalves` has packed, as `count` floats; up to fifteen more are read behind the last.
@inlinable @inline(__always)
public func unpackHalves(
    _ packed: UnsafeRawPointer, masks: UnsafePointer<UInt16>, count: Int, into floats: UnsafeMutablePointer<Float>
) {
    var (found, group) = (0, 0)
    while group < count &>> 4 {
        let bits = Int(masks[group])
        cvector_unpack_halves(packed + 2 &* found, bits, floats + 16 &* group)
        found &+= bits.nonzeroBitCount
        group &+= 1
    }
}

/// The same of floats.
@inlinable @inline(__always)
public func unpackFloats(
    _ packed: UnsafeRawPointer, masks: UnsafePointer<UInt16>, count: Int, into floats: UnsafeMutablePointer<Float>
) {
    var (found, group) = (0, 0)
    while group < count &>> 4 {
        let bits = Int(masks[group])
        cvector_unpack_floats(packed + 4 &* found, bits, floats + 16 &* group)
        found &+= bits.nonzeroBitCount
        group &+= 1
    }
}
