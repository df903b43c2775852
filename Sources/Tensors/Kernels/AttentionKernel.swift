/// Tokens that attend to each other: where their queries, keys and values lie and where their results go.
struct AttentionGroup {
    let count: Int
    /// Offset of each token's query; its key and value are `keyOffset` and `valueOffset` further on.
    let offsets: UnsafePointer<Int>
    let keyOffset: Int
    let valueOffset: Int
    /// Offset of each token's result, negative if it is not wanted.
    let resultOffsets: UnsafePointer<Int>
}

/// How scores become weights.
struct AttentionScores {
    let factor: Float
    /// Whether queries and keys count with length 1.
    let isCosine: Bool
    /// Added to the scores: [count, padded count], and without a row if nil.
    let bias: UnsafePointer<Float>?
    let mask: UnsafePointer<Float>?
}

/// softmax(factor Q K^T + bias + mask) V for one head of one group.
///
/// Keys and values are packed into panels; then pieces of the queries, read in place, go through the tile kernel, the
/// softmax and the tile kernel again while their scores stay in the cache. Every element's chain of operations depends on
/// its group alone.
struct AttentionKernel {
    let headLength: Int
    /// Tokens in a group, at most.
    let capacity: Int

    /// The stride of scores, biases and masks of `count` tokens.
    static func paddedCount(_ count: Int) -> Int { (count + 15) / 16 * 16 }

    var paddedLength: Int { (headLength + 15) / 16 * 16 }
    var paddedCapacity: Int { Self.paddedCount(capacity) }
    static let pieceLength = 96

    /// Floats of scratch memory that `callAsFunction` needs; the first `zeroCount` have to be zeros and stay so.
    var scratchCount: Int {
        zeroCount + paddedCapacity * headLength + paddedLength * capacity
            + Self.pieceLength * (paddedCapacity + paddedLength) + brainFloatScratchCount
    }
    var zeroCount: Int { max(paddedCapacity, paddedLength) }

    func callAsFunction(
        _ group: AttentionGroup, queries: UnsafePointer<Float>, scores: AttentionScores,
        into result: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>, in workspace: Workspace
    ) {
        if workspace.compute == .bf16 {
            return attendRounded(group, queries: queries, scores: scores, into: result, scratch: scratch)
        }
        let stride = Self.paddedCount(group.count)
        let zeros = AddedRows(repeating: scratch)
        let keys = scratch + zeroCount
        let values = keys + paddedCapacity * headLength
        let weights = values + paddedLength * capacity
        let weighted = weights + Self.pieceLength * paddedCapacity
        pack(keys: queries + group.keyOffset, of: group, isCosine: scores.isCosine, into: keys)
        pack(values: queries + group.valueOffset, of: group, into: values)
        withUnsafeTemporaryAllocation(of: Int.self, capacity: Self.pieceLength + 1) { rows in
            for row in 0..<Self.pieceLength { rows[row] = row * stride }
            rows[Self.pieceLength] = 0
            let weightOffsets = UnsafePointer(rows.baseAddress!)
            let noOffset = weightOffsets + Self.pieceLength
            withUnsafeTemporaryAllocation(of: Float.self, capacity: Self.pieceLength) { scales in
                for first in Swift.stride(from: 0, to: group.count, by: Self.pieceLength) {
                    let rowCount = min(Self.pieceLength, group.count - first)
                    multiply(
                        GatheredRows(
                            base: queries, rowOffsets: group.offsets + first, rowCount: rowCount,
                            segmentOffsets: noOffset, segmentCount: 1, segmentLength: headLength),
                        panels: keys, depth: headLength, columnCount: stride, adding: zeros,
                        activation: .identity, into: weights, stride: stride, in: workspace)
                    weigh(
                        weights, rows: first..<first + rowCount, of: group, queries: queries, scores: scores,
                        inverseSums: scales.baseAddress!)
                    multiply(
                        GatheredRows(
                            base: weights, rowOffsets: weightOffsets, rowCount: rowCount, segmentOffsets: noOffset,
                            segmentCount: 1, segmentLength: group.count),
                        panels: values, depth: group.count, columnCount: headLength, adding: zeros,
                        activation: .identity, into: weighted, stride: paddedLength, in: workspace)
                    put(weighted, rows: first..<first + rowCount, of: group, factors: scales.baseAddress!, into: result)
                }
            }
        }
    }

    /// Products of queries with keys to weights, whose sums are still to be divided by.
    ///
    /// - Parameter weights: of the tokens `rows`, a row each.
    func weigh(
        _ weights: UnsafeMutablePointer<Float>, rows: Range<Int>, of group: AttentionGroup,
        queries: UnsafePointer<Float>, scores: AttentionScores, inverseSums: UnsafeMutablePointer<Float>
    ) {
        let stride = Self.paddedCount(group.count)
        for (row, token) in rows.enumerated() {
            let factor = scores.isCosine ? inverseLength(queries + group.offsets[token], count: headLength) : 1
            let sums = exponentiateScores(
                weights + row * stride, factor: factor * scores.factor,
                bias: scores.bias.map { $0 + token * stride }, mask: scores.mask.map { $0 + token * stride },
                count: group.count, paddedCount: stride)
            inverseSums[row] = 1 / sums.sum()
        }
    }

    /// The weighted values of the tokens `rows`, times their factors, to where they belong.
    func put(
        _ weighted: UnsafePointer<Float>, rows: Range<Int>, of group: AttentionGroup, factors: UnsafePointer<Float>,
        into result: UnsafeMutablePointer<Float>
    ) {
        for (row, token) in rows.enumerated() where group.resultOffsets[token] >= 0 {
            scale(
                weighted + row * paddedLength, by: factors[row], count: headLength,
                into: result + group.resultOffsets[token])
        }
    }

    /// K^T: a token is a column.
    private func pack(
        keys: UnsafePointer<Float>, of group: AttentionGroup, isCosine: Bool, into panels: UnsafeMutablePointer<Float>
    ) {
        let width = PackedMatrix.panelWidth
        let (wholeCount, wholeLength) = (group.count & ~7, headLength & ~7)
        /// Where a token's column begins; its neighbours' follow it.
        func column(_ token: Int) -> UnsafeMutablePointer<Float> {
            panels + (token / width &* width &* headLength &+ token % width)
        }
        func factor(_ token: Int) -> Float {
            isCosine ? inverseLength(keys + group.offsets[token], count: headLength) : 1
        }
        // Eight tokens at a time: their keys lie far apart, and so are fetched together.
        for token in Swift.stride(from: 0, to: wholeCount, by: 8) {
            var factors: SIMD8<Float>?
            if isCosine {
                factors = SIMD8()
                for lane in 0..<8 { factors![lane] = factor(token &+ lane) }
            }
            for k in Swift.stride(from: 0, to: wholeLength, by: 8) {
                transposeBlock(into: column(token) + k &* width, stride: width, multiplyingBy: factors) {
                    keys + (group.offsets[token &+ $0] &+ k)
                }
            }
        }
        for token in 0..<Self.paddedCount(group.count) {
            let column = column(token)
            guard token < group.count else {
                for k in 0..<headLength { column[k &* width] = 0 }
                continue
            }
            let first = token < wholeCount ? wholeLength : 0
            guard first < headLength else { continue }
            let (key, factor) = (keys + group.offsets[token], factor(token))
            for k in first..<headLength { column[k &* width] = key[k] * factor }
        }
    }

    /// V: a token is a row.
    private func pack(
        values: UnsafePointer<Float>, of group: AttentionGroup, into panels: UnsafeMutablePointer<Float>
    ) {
        let width = PackedMatrix.panelWidth
        for first in Swift.stride(from: 0, to: headLength, by: width) {
            var row = panels + first * group.count
            let count = min(width, headLength - first)
            for token in 0..<group.count {
                let value = values + group.offsets[token] + first
                if count == width {
                    store(load(value), to: row)
                    store(load(value + 8), to: row + 8)
                } else {
                    for i in 0..<width { row[i] = i < count ? value[i] : 0 }
                }
                row += width
            }
        }
    }

    private func scale(
        _ x: UnsafePointer<Float>, by factor: Float, count: Int, into y: UnsafeMutablePointer<Float>
    ) {
        let factors = SIMD8<Float>(repeating: factor)
        var i = 0
        while i &+ 8 <= count {
            store(load(x + i) * factors, to: y + i)
            i &+= 8
        }
        while i < count {
            y[i] = x[i] * factor
            i &+= 1
        }
    }
}
