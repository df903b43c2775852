import Tensors

/// The feature map of one image in 8 bits.
///
/// Of each channel the least and the greatest value are kept as halves, lo and hi, and each value as the number q of the nearest of
/// 256 equally spaced ones from lo to hi (to nearest even):
///
///     step = (hi - lo) / 255        q = round((x - lo) / step), within 0...255        x' = lo + q * step
///
/// Every operation is one of single precision and is rounded by itself, so that any program that does the same has the same bits.
/// |x - x'| is at most half a step, or what rounding lo or hi to halves makes of the extremes, and a few units in the last place.
/// A channel with one value has the step 0 and that value as a half; so the zeros of a rectified channel stay zeros.
///
/// A row: lo [D], hi [D] as halves, then q [H, W, D], one byte each.
enum QuantisedFeatures {
    /// Bytes that a channel takes beside its values.
    private static let boundsByteCount = 4
    /// Steps between the least value and the greatest.
    private static let stepCount: Float = 255

    static func byteCount(of map: FeatureMapShape) -> Int {
        map.elementCount + boundsByteCount * map.channelCount
    }

    /// Stores a feature map [H, W, D]. Returns the place of the first value that does not become a finite half.
    static func narrow(
        _ source: UnsafeBufferPointer<Float>, channelCount: Int, into target: UnsafeMutableRawBufferPointer
    ) -> Int? {
        requireSizes(elementCount: source.count, channelCount, byteCount: target.count)
        guard let input = source.baseAddress, let bytes = target.baseAddress else { return nil }
        if let place = FeatureConversion.firstNotFinite(source) { return place }
        return withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * channelCount) { bounds in
            let low = bounds.baseAddress!
            let high = low + channelCount
            for channel in 0..<channelCount { (low[channel], high[channel]) = (input[channel], input[channel]) }
            for start in stride(from: channelCount, to: source.count, by: channelCount) {
                let cell = input + start
                for channel in 0..<channelCount {
                    let value = cell[channel]
                    low[channel] = value < low[channel] ? value : low[channel]
                    high[channel] = value > high[channel] ? value : high[channel]
                }
            }
            let halves = bytes.assumingMemoryBound(to: UInt16.self)
            var specialCount = 0
            for channel in 0..<channelCount {
                // A zero has no sign, whichever came first.
                let (least, greatest) = (Float(Float16(low[channel])) + 0, Float(Float16(high[channel])) + 0)
                let (leastHalf, greatestHalf) = (Float16(least).bitPattern, Float16(greatest).bitPattern)
                (halves[channel], halves[channelCount + channel]) = (leastHalf, greatestHalf)
                specialCount &+= leastHalf & 0x7C00 == 0x7C00 || greatestHalf & 0x7C00 == 0x7C00 ? 1 : 0
                let step = (greatest - least) / stepCount
                // By an infinite step all values of a channel with one are number 0.
                (low[channel], high[channel]) = (least, step > 0 ? step : .infinity)
            }
            guard specialCount == 0 else { return source.firstIndex { !Float16($0).isFinite } }
            let numbers = bytes.assumingMemoryBound(to: UInt8.self) + boundsByteCount * channelCount
            for start in stride(from: 0, to: source.count, by: channelCount) {
                let (cell, numbers) = (input + start, numbers + start)
                for channel in 0..<channelCount {
                    var number = (cell[channel] - low[channel]) / high[channel]
                    number = number > 0 ? number : 0
                    number = number < stepCount ? number : stepCount
                    // From 2^23 on a float is a whole number: adding rounds, and the last byte is the sum's.
                    numbers[channel] = UInt8(truncatingIfNeeded: (number + 0x1p23).bitPattern)
                }
            }
            return nil
        }
    }

    /// The feature map [H, W, D] that a row is.
    static func widen(
        _ source: UnsafeRawBufferPointer, channelCount: Int, into destination: UnsafeMutableBufferPointer<Float>
    ) {
        requireSizes(elementCount: destination.count, channelCount, byteCount: source.count)
        guard let bytes = source.baseAddress, let output = destination.baseAddress else { return }
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * channelCount) { bounds in
            let low = bounds.baseAddress!
            let step = low + channelCount
            for channel in 0..<channelCount {
                let (least, greatest) = (half(bytes, channel), half(bytes, channelCount + channel))
                (low[channel], step[channel]) = (least, (greatest - least) / stepCount)
            }
            let numbers = bytes.assumingMemoryBound(to: UInt8.self) + boundsByteCount * channelCount
            for start in stride(from: 0, to: destination.count, by: channelCount) {
                let (cell, numbers) = (output + start, numbers + start)
                for channel in 0..<channelCount {
                    cell[channel] = low[channel] + Float(numbers[channel]) * step[channel]
                }
            }
        }
    }

    /// What is wrong with the bounds of a row; nil if nothing is.
    static func problem(of bytes: UnsafeRawBufferPointer, channelCount: Int) -> String? {
        guard let start = bytes.baseAddress else { return nil }
        // Sums without a branch become vector code.
        var (orderedCount, boundedCount) = (Int32(0), Int32(0))
        for channel in 0..<channelCount {
            let (least, greatest) = (half(start, channel), half(start, channelCount + channel))
            orderedCount &+= least <= greatest ? 1 : 0
            boundedCount &+= least > -.infinity ? 1 : 0
            boundedCount &+= greatest < .infinity ? 1 : 0
        }
        guard orderedCount != channelCount || boundedCount != 2 * channelCount else { return nil }
        for channel in 0..<channelCount {
            let (least, greatest) = (half(start, channel), half(start, channelCount + channel))
            if !(least <= greatest && least.isFinite && greatest.isFinite) {
                return "its channel \(channel) cannot have values from \(least) to \(greatest)"
            }
        }
        return nil
    }

    private static func half(_ bytes: UnsafeRawPointer, _ index: Int) -> Float {
        Float(bytes.loadUnaligned(fromByteOffset: 2 * index, as: Float16.self))
    }

    private static func requireSizes(elementCount: Int, _ channelCount: Int, byteCount: Int) {
        precondition(
            channelCount > 0 && elementCount % channelCount == 0
                && byteCount == elementCount + boundsByteCount * channelCount,
            "\(byteCount) bytes for \(elementCount) features of \(channelCount) channels")
    }
}
