import BrainFloatKernels

/// Attention whose two products are of brain floats: queries, keys, values and the weights that the softmax makes are rounded, and the
/// weights' sum, by which the result is divided, is that of the weights before.
extension AttentionKernel {
    private var lengthPairs: Int { (headLength + 1) / 2 }

    /// What rounded queries and weights of a piece need besides, in floats. Keys and values need half of what they do as floats, and half
    /// a row more where a count is odd.
    var brainFloatScratchCount: Int {
        Self.pieceLength * (lengthPairs + (paddedCapacity + 1) / 2) + paddedCapacity + paddedLength
    }

    /// See `callAsFunction`; the first `zeroCount` floats of the scratch memory are zeros.
    func attendRounded(
        _ group: AttentionGroup, queries: UnsafePointer<Float>, scores: AttentionScores,
        into result: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
    ) {
        let stride = Self.paddedCount(group.count)
        let countPairs = (group.count + 1) / 2
        // Pairs are as large as floats.
        let keys = scratch + zeroCount
        let values = keys + paddedCapacity * lengthPairs
        let weights = values + paddedLength * countPairs
        let weighted = weights + Self.pieceLength * paddedCapacity
        let roundedQueries = weighted + Self.pieceLength * paddedLength
        let roundedWeights = roundedQueries + Self.pieceLength * lengthPairs
        pack(keys: queries + group.keyOffset, of: group, isCosine: scores.isCosine, into: keys)
        packRows(
            queries + group.valueOffset, rowOffsets: group.offsets, rowCount: group.count, columnCount: headLength,
            into: numbers(values))
        withUnsafeTemporaryAllocation(of: Float.self, capacity: Self.pieceLength) { scales in
            for first in Swift.stride(from: 0, to: group.count, by: Self.pieceLength) {
                let rowCount = min(Self.pieceLength, group.count - first)
                let offsets = group.offsets + first
                var noOffset = 0
                roundRows(
                    queries, rowOffsets: offsets, rowCount: rowCount, segmentOffsets: &noOffset, segmentCount: 1,
                    segmentLength: headLength, into: numbers(roundedQueries), stride: 2 * lengthPairs)
                BrainFloatRows.withMatrix(
                    numbers(roundedQueries), rowCount: rowCount, stride: 2 * lengthPairs, pairCount: lengthPairs
                ) {
                    multiply(
                        $0, panels: numbers(keys), columnCount: stride, bias: scratch, activation: .identity,
                        into: .floats(weights, stride: stride))
                }
                weigh(
                    weights, rows: first..<first + rowCount, of: group, queries: queries, scores: scores,
                    inverseSums: scales.baseAddress!)
                // Weights beyond the group are zeros, so that an odd number of them ends in a whole pair.
                roundMatrix(
                    weights, stride: stride, rowCount: rowCount, columnCount: 2 * countPairs,
                    into: numbers(roundedWeights), stride: 2 * countPairs)
                BrainFloatRows.withMatrix(
                    numbers(roundedWeights), rowCount: rowCount, stride: 2 * countPairs, pairCount: countPairs
                ) {
                    multiply(
                        $0, panels: numbers(values), columnCount: paddedLength, bias: scratch,
                        activation: .identity, into: .floats(weighted, stride: paddedLength))
                }
                put(weighted, rows: first..<first + rowCount, of: group, factors: scales.baseAddress!, into: result)
            }
        }
    }

    /// K^T: a token is a column.
    private func pack(
        keys: UnsafePointer<Float>, of group: AttentionGroup, isCosine: Bool, into panels: UnsafeMutablePointer<Float>
    ) {
        let width = PackedMatrix.panelWidth
        let pairs = UnsafeMutableRawPointer(panels).assumingMemoryBound(to: UInt32.self)
        for token in 0..<Self.paddedCount(group.count) {
            let column = pairs + (token / width &* width &* lengthPairs &+ token % width)
            guard token < group.count else {
                for k in 0..<lengthPairs { column[k &* width] = 0 }
                continue
            }
            let key = keys + group.offsets[token]
            packColumn(
                key, length: headLength, factor: isCosine ? inverseLength(key, count: headLength) : 1, into: column)
        }
    }

    private func numbers(_ floats: UnsafeMutablePointer<Float>) -> UnsafeMutablePointer<UInt16> {
        UnsafeMutableRawPointer(floats).assumingMemoryBound(to: UInt16.self)
    }
}
