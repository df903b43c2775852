/// The first half of a transformer's block: y = x + projection(attention(x)), each head a softmax over tokens that attend to
/// each other: all pixels of an image, or those of a window.
///
/// Vaswani et al., "Attention Is All You Need", arXiv 1706.03762; windows, their cyclic shift and the position bias: Liu et
/// al., "Swin Transformer", arXiv 2103.14030; cosine scores: Liu et al., "Swin Transformer V2", arXiv 2111.09883.
public struct SelfAttention: Sendable {
    /// How a query and a key make a score.
    public enum Scores: Sendable {
        /// Their product divided by the square root of the head's length.
        case products
        /// The cosine of their angle times a factor for each head.
        case cosines(factors: [Float])
    }

    /// Rectangles of `size` pixels that attend each for itself. Shifted ones lie on a grid that begins half a window from the
    /// upper left corner and goes on at the opposite edge; there, pixels that are not neighbours in the image do not see each
    /// other.
    ///
    /// A map whose size is no multiple of a window's is filled up with zeros on the right and below, which take part as
    /// tokens. Along an axis on which one window covers the map there is no shift.
    public struct Windows: Equatable, Sendable {
        public var size: SpatialSize
        public var isShifted: Bool

        public init(size: SpatialSize, isShifted: Bool = false) {
            precondition(size.height > 0 && size.width > 0, "windows of \(size) pixels")
            self.size = size
            self.isShifted = isShifted
        }

        /// Squares.
        public init(side: Int, isShifted: Bool = false) {
            self.init(size: SpatialSize(side), isShifted: isShifted)
        }
    }

    public let headCount: Int
    private let scores: Scores
    /// Nil if all pixels of an image attend to each other.
    private(set) var windows: Windows?
    /// [heads, T, padded T] for windows of T pixels; empty without position bias.
    private var positionBias: [Float] = []
    private let inputNormalisation: LayerNormalisation?
    let queriesKeysValues: Linear
    let projection: Linear
    let outputNormalisation: LayerNormalisation?

    /// Over all pixels of an image; see `within`.
    ///
    /// - Parameters:
    ///   - queriesKeysValues: to three times as many channels: all heads' queries, keys, values.
    ///   - outputNormalisation: of what is added to x.
    public init(
        headCount: Int, scores: Scores = .products,
        inputNormalisation: LayerNormalisation? = nil, queriesKeysValues: Linear, projection: Linear,
        outputNormalisation: LayerNormalisation? = nil
    ) {
        if case .cosines(let factors) = scores {
            precondition(factors.count == headCount, "a factor for each of \(headCount) heads")
        }
        self.headCount = headCount
        self.scores = scores
        self.inputNormalisation = inputNormalisation
        self.queriesKeysValues = queriesKeysValues
        self.projection = projection
        self.outputNormalisation = outputNormalisation
    }

    /// The same layers within windows.
    ///
    /// - Parameter positionBias: [heads, T, T] for windows of T pixels, added to the scores of query and key.
    public func within(_ windows: Windows, positionBias: [Float]) -> SelfAttention {
        let count = windows.size.area
        precondition(positionBias.count == headCount * count * count, "a bias for all pairs of pixels of a window")
        let padding = [Float](repeating: 0, count: AttentionKernel.paddedCount(count) - count)
        var result = self
        result.windows = windows
        result.positionBias = (0..<headCount * count).flatMap {
            positionBias[$0 * count..<($0 + 1) * count] + padding
        }
        return result
    }

    /// [N, H, W, D] to the same shape, on the calling thread.
    ///
    /// An image's result is the same, bit for bit, whatever other images are in the batch.
    public func callAsFunction(_ input: Activations, in workspace: Workspace) -> Activations {
        let channelCount = input.channelCount
        precondition(
            queriesKeysValues.inputCount == channelCount && queriesKeysValues.outputCount == 3 * channelCount
                && projection.inputCount == channelCount && projection.outputCount == channelCount,
            "the layers fit \(channelCount) channels")
        precondition(channelCount.isMultiple(of: headCount), "\(headCount) heads divide \(channelCount) channels")
        let imageCount = input.imageCount
        let output = Activations(
            imageCount: imageCount, size: input.size, channelCount: channelCount, in: workspace)
        let grid = WindowGrid(windows, on: input.size)
        let kernel = AttentionKernel(headLength: channelCount / headCount, capacity: grid.windowArea)
        // Images whose products are made together: as many as share a second factor where rows go in pairs.
        let isPaired = windows == nil && queriesKeysValues.goesInPairs(rowsPerImage: input.size.area, in: workspace)
        let groupLength =
            isPaired ? max(1, min(imageCount, StrassenRows.imagesPerPiece(rowsPerImage: input.size.area))) : 1
        // A band's tokens, and behind them the one of all zeros that fills windows up.
        let tokenCount = groupLength * grid.bandArea + 1
        let normalBuffer = workspace.buffer(tokenCount * channelCount)
        let projectedBuffer = workspace.buffer(tokenCount * 3 * channelCount)
        let attendedBuffer = workspace.buffer(tokenCount * channelCount)
        let scratchBuffer = workspace.buffer(kernel.scratchCount)
        withExtendedLifetime((normalBuffer, projectedBuffer, attendedBuffer, scratchBuffer)) {
            let memory = Memory(
                normal: normalBuffer.pointer, projected: projectedBuffer.pointer,
                attended: attendedBuffer.pointer, scratch: scratchBuffer.pointer)
            memory.scratch.update(repeating: 0, count: kernel.zeroCount)
            if windows != nil {
                memory.normal.update(repeating: 0, count: channelCount)
                queriesKeysValues.apply(
                    to: memory.normal, rowCount: 1, into: memory.projected + grid.bandArea * 3 * channelCount,
                    in: workspace)
            }
            output.withMutablePointer { output in
                input.withPointer { input in
                    let imageLength = grid.size.area * channelCount
                    for image in stride(from: 0, to: imageCount, by: groupLength) {
                        for band in 0..<grid.bandCount {
                            compute(
                                band, of: grid, imageCount: min(groupLength, imageCount - image),
                                input + image * imageLength, kernel, memory,
                                into: output + image * imageLength, in: workspace)
                        }
                    }
                }
            }
        }
        return output
    }

    private struct Memory {
        let normal: UnsafeMutablePointer<Float>
        let projected: UnsafeMutablePointer<Float>
        let attended: UnsafeMutablePointer<Float>
        let scratch: UnsafeMutablePointer<Float>
    }

    /// All windows of one band of an image, so that its queries, keys and values are used while they are in the cache; or of several
    /// images whose one window is the whole map.
    private func compute(
        _ band: Int, of grid: WindowGrid, imageCount: Int, _ input: UnsafePointer<Float>, _ kernel: AttentionKernel,
        _ memory: Memory, into output: UnsafeMutablePointer<Float>, in workspace: Workspace
    ) {
        let channelCount = projection.outputCount
        let rows = grid.rows(ofBand: band)
        // Rows of the map that follow each other: two runs where the band goes round the edge.
        var first = 0
        for run in rows {
            let x = input + run.lowerBound * grid.size.width * channelCount
            let pairs = RowPairs(imageCount: imageCount, rowsPerImage: run.count * grid.size.width)
            var normal = x
            if let inputNormalisation {
                inputNormalisation.normalise(x, rowCount: pairs.rows.count, into: memory.normal)
                normal = UnsafePointer(memory.normal)
            }
            queriesKeysValues.apply(
                to: normal, pairs, into: memory.projected + first * 3 * channelCount, in: workspace)
            first += pairs.rows.count
        }
        for window in grid.windows(inBand: band) {
            for image in 0..<imageCount {
                attend(
                    window, firstToken: image * grid.bandArea, padding: grid.bandArea, channelCount, kernel, memory,
                    in: workspace)
            }
        }
        first = 0
        for run in rows {
            let start = run.lowerBound * grid.size.width * channelCount
            let pairs = RowPairs(imageCount: imageCount, rowsPerImage: run.count * grid.size.width)
            projection.apply(
                to: memory.attended + first * channelCount, pairs, normalisedBy: outputNormalisation,
                adding: input + start, into: output + start, in: workspace)
            first += pairs.rows.count
        }
    }

    /// All heads of one window, whose tokens are numbered from `firstToken` on.
    private func attend(
        _ window: WindowGrid.Window, firstToken: Int, padding: Int, _ channelCount: Int,
        _ kernel: AttentionKernel, _ memory: Memory, in workspace: Workspace
    ) {
        let tokenCount = window.tokens.count
        let stride = AttentionKernel.paddedCount(tokenCount)
        withUnsafeTemporaryAllocation(of: Int.self, capacity: 2 * tokenCount) { offsets in
            let resultOffsets = offsets.baseAddress! + tokenCount
            for (index, token) in window.tokens.enumerated() {
                offsets[index] = (token.map { firstToken + $0 } ?? padding) * 3 * channelCount
                resultOffsets[index] = token.map { (firstToken + $0) * channelCount } ?? -1
            }
            let group = AttentionGroup(
                count: tokenCount, offsets: UnsafePointer(offsets.baseAddress!), keyOffset: channelCount,
                valueOffset: 2 * channelCount, resultOffsets: UnsafePointer(resultOffsets))
            positionBias.withUnsafeBufferPointer { bias in
                (window.mask ?? []).withUnsafeBufferPointer { mask in
                    for head in 0..<headCount {
                        let start = head * kernel.headLength
                        kernel(
                            group, queries: memory.projected + start,
                            scores: AttentionScores(
                                factor: factor(ofHead: head, length: kernel.headLength), isCosine: isCosine,
                                bias: bias.isEmpty ? nil : bias.baseAddress! + head * tokenCount * stride,
                                mask: window.mask == nil ? nil : mask.baseAddress!),
                            into: memory.attended + start, scratch: memory.scratch, in: workspace)
                    }
                }
            }
        }
    }

    private var isCosine: Bool { if case .cosines = scores { true } else { false } }

    private func factor(ofHead head: Int, length: Int) -> Float {
        switch scores {
        case .products: 1 / Float(length).squareRoot()
        case .cosines(let factors): factors[head]
        }
    }
}
