import Tensors

/// What is read of a row: its bytes as they are in the file, or without the zeros among its features.
enum RowContent {
    case stored(UnsafeRawBufferPointer)
    /// From `RowPacking`.
    case packed(UnsafeRawBufferPointer)
}

/// Rows in less memory: without the zeros among their features, of which there are many behind a ReLU.
///
/// A packed row is a mask of 16 bits for each 16 features, which says which are not zero, and these one behind the other. Where that would
/// not be shorter, and of rows in 8 bits, it is the row itself.
struct RowPacking {
    let precision: CachePrecision
    let map: FeatureMapShape

    /// Of a row as it is in a file.
    var rowByteCount: Int { precision.byteCount(of: map) }
    private var numberByteCount: Int { precision == .f16 ? 2 : 4 }
    private var maskByteCount: Int { map.elementCount / 8 }
    /// What may be read behind a packed row.
    var slackByteCount: Int { 16 * numberByteCount }
    private var hasMasks: Bool { precision != .int8 && map.elementCount % 16 == 0 }

    /// Gives `body` the packed row of `bytes`.
    func withPacked<Result>(
        _ bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        precondition(bytes.count == rowByteCount, "a row of \(bytes.count) bytes, not \(rowByteCount)")
        guard hasMasks else { return try body(bytes) }
        let scratch = UnsafeMutableRawPointer.allocate(
            byteCount: maskByteCount + rowByteCount + slackByteCount, alignment: 64)
        defer { scratch.deallocate() }
        let masks = scratch.assumingMemoryBound(to: UInt16.self)
        let numbers = scratch + maskByteCount
        let count =
            precision == .f16
            ? packHalves(bytes.baseAddress!, count: map.elementCount, masks: masks, into: numbers)
            : packFloats(bytes.baseAddress!, count: map.elementCount, masks: masks, into: numbers)
        let length = maskByteCount + count * numberByteCount
        return try body(length < rowByteCount ? UnsafeRawBufferPointer(start: scratch, count: length) : bytes)
    }

    /// What `packed`, which is from `withPacked`, is.
    func content(of packed: UnsafeRawBufferPointer) -> RowContent {
        packed.count == rowByteCount ? .stored(packed) : .packed(packed)
    }

    /// The features that a row holds, as floats.
    func widen(_ content: RowContent, into destination: UnsafeMutableBufferPointer<Float>) {
        precondition(destination.count == map.elementCount, "\(destination.count) floats for \(map.elementCount)")
        switch content {
        case .stored(let bytes):
            precision.widen(bytes, channelCount: map.channelCount, into: destination)
        case .packed(let bytes):
            let masks = bytes.baseAddress!.assumingMemoryBound(to: UInt16.self)
            let (numbers, floats) = (bytes.baseAddress! + maskByteCount, destination.baseAddress!)
            if precision == .f16 {
                unpackHalves(numbers, masks: masks, count: map.elementCount, into: floats)
            } else {
                unpackFloats(numbers, masks: masks, count: map.elementCount, into: floats)
            }
        }
    }
}
