import Tensors
import Testing

/// Large layers of transformers go by a step of Strassen's algorithm: the rows of an image in pairs, the depth in pieces and the columns in
/// blocks of two halves.
@Suite struct StrassenTests {
    private struct Weights {
        let (depth, columnCount): (Int, Int)
        let values, biases: [Float]

        init(depth: Int, columnCount: Int, seed: UInt64) {
            (self.depth, self.columnCount) = (depth, columnCount)
            values = noise(columnCount * depth, seed: seed).map { $0 / 16 }
            biases = noise(columnCount, seed: seed + 1)
        }

        func layer(_ activation: ActivationFunction) -> Linear {
            Linear(
                inputCount: depth, outputCount: columnCount, weights: values, biases: biases, activation: activation)
        }

        /// A row of the product with a pair of rows, and the next one, as the algorithm makes them.
        func product(_ first: [Float], _ second: [Float]) -> ([Float], [Float]) {
            var (c1, c2) = (biases, biases)
            for piece in StrassenTests.pieces(of: depth) {
                let half = piece.count / 2
                let (a11, a12) = (first[piece].prefix(half), first[piece].suffix(half))
                let (a21, a22) = (second[piece].prefix(half), second[piece].suffix(half))
                let s1 = combined(a21, a22, +)
                let s2 = combined(s1, a11, -)
                let (s3, s4) = (combined(a11, a21, -), combined(a12, s2, -))
                for block in StrassenTests.pieces(of: columnCount) {
                    let distance = block.count / 2
                    for column in block.prefix(distance) {
                        let upper = piece.lowerBound..<piece.lowerBound + half
                        let lower = upper.upperBound..<piece.upperBound
                        let (b11, b12) = (weights(upper, column), weights(upper, column + distance))
                        let (b21, b22) = (weights(lower, column), weights(lower, column + distance))
                        let t1 = combined(b12, b11, -)
                        let t2 = combined(b22, t1, -)
                        let (t3, t4) = (combined(b22, b12, -), combined(b21, t2, -))
                        let p = sum(a11, b11)
                        let u = sum(s2, t2) + p
                        let v = sum(s3, t3) + u
                        let w = sum(s1, t1)
                        c1[column] = (sum(a12, b21) + p) + c1[column]
                        c1[column + distance] = ((sum(s4, b22) + u) + w) + c1[column + distance]
                        c2[column] = (sum(a22, t4) + v) + c2[column]
                        c2[column + distance] = (v + w) + c2[column + distance]
                    }
                }
            }
            return (c1, c2)
        }

        private func weights(_ rows: Range<Int>, _ column: Int) -> ArraySlice<Float> {
            values[column * depth..<(column + 1) * depth].dropFirst(rows.lowerBound).prefix(rows.count)
        }

        private func combined(
            _ x: some Sequence<Float>, _ y: some Sequence<Float>, _ combine: (Float, Float) -> Float
        ) -> ArraySlice<Float> { ArraySlice(zip(x, y).map { combine($0, $1) }) }

        /// One chain of fused multiply-adds.
        private func sum(_ x: ArraySlice<Float>, _ y: ArraySlice<Float>) -> Float {
            zip(x, y).reduce(Float(0)) { $0.addingProduct($1.0, $1.1) }
        }
    }

    /// 768 at most, in steps of 128.
    private static func pieces(of length: Int) -> [Range<Int>] {
        switch length {
        case 384, 768: [0..<length]
        case 1152: [0..<640, 640..<1152]
        default: preconditionFailure("\(length)")
        }
    }

    /// Channels of a block, and of its wide layer: depths and columns of one piece, and of two that differ.
    private static let shapes = [
        (channels: 768, hidden: 1152), (channels: 1152, hidden: 768), (channels: 384, hidden: 1152),
    ]

    private struct Block {
        let channelCount, hiddenCount: Int
        let widening, narrowing: Weights

        init(_ shape: (channels: Int, hidden: Int)) {
            (channelCount, hiddenCount) = (shape.channels, shape.hidden)
            widening = Weights(depth: channelCount, columnCount: hiddenCount, seed: 2)
            narrowing = Weights(depth: hiddenCount, columnCount: channelCount, seed: 4)
        }

        func output(
            of input: Tensor, adding residual: Tensor? = nil, activation: ActivationFunction = .identity,
            normalisations: (LayerNormalisation?, LayerNormalisation?) = (nil, nil)
        ) -> Tensor {
            let workspace = Workspace()
            let layer = FeedForward(
                inputNormalisation: normalisations.0, widening: widening.layer(activation),
                narrowing: narrowing.layer(.identity), outputNormalisation: normalisations.1)
            return layer(
                Activations(copying: input, in: workspace),
                adding: residual.map { Activations(copying: $0, in: workspace) }, in: workspace
            ).tensor()
        }
    }

    /// An even number of rows, and an odd one, of which the first is alone.
    @Test(arguments: shapes, [128, 129])
    func everyElementIsMadeOfTheSameChains(shape: (channels: Int, hidden: Int), rowCount: Int) {
        let block = Block(shape)
        let input = Tensor.noise([2, rowCount, 1, block.channelCount])
        let output = block.output(of: input)
        func row(_ index: Int, of tensor: Tensor) -> [Float] {
            Array(tensor.values[index * block.channelCount..<(index + 1) * block.channelCount])
        }
        /// Whether the rows of a pair are what they should be.
        func isAsDefined(_ first: Int, isAlone: Bool) -> Bool {
            let zeros = [Float](repeating: 0, count: 1152)
            let x = (row(first, of: input), isAlone ? zeros : row(first + 1, of: input))
            let hidden = block.widening.product(x.0, x.1)
            let y = block.narrowing.product(hidden.0, isAlone ? zeros : hidden.1)
            return row(first, of: output) == zip(y.0, x.0).map { $0 + $1 }
                && (isAlone || row(first + 1, of: output) == zip(y.1, x.1).map { $0 + $1 })
        }
        let isOdd = rowCount % 2 == 1
        for image in 0..<2 {
            if isOdd { #expect(isAsDefined(image * rowCount, isAlone: true), "the first of image \(image)") }
            for pair in [0, 1, 63] {
                let first = image * rowCount + 2 * pair + (isOdd ? 1 : 0)
                #expect(isAsDefined(first, isAlone: false), "rows \(first) and \(first + 1)")
            }
        }
    }

    /// The largest error is 0.9 to 1 millionths of the largest result; plain sums have 0.8 (random data).
    @Test(arguments: shapes, [128, 129])
    func agreesWithItsDefinition(shape: (channels: Int, hidden: Int), rowCount: Int) {
        let block = Block(shape)
        let input = Tensor.noise([1, rowCount, 1, block.channelCount])
        let x = input.values.map(Double.init)
        func change(of x: [Double]) -> [Double] {
            let wide = referenceLinear(x, block.widening.values, block.widening.biases).map(GELUTests.reference)
            return referenceLinear(wide, block.narrowing.values, block.narrowing.biases)
        }
        func expect(_ output: Tensor, _ expected: [Double]) {
            let largest = expected.reduce(0) { max($0, abs($1)) }
            let worst = zip(output.values, expected).reduce(0) { max($0, abs(Double($1.0) - $1.1)) }
            #expect(worst < 2e-6 * largest, "\(worst / largest)")
        }
        expect(block.output(of: input, activation: .gelu), zip(x, change(of: x)).map { $0 + $1 })
        // Normalised before and after, and beside something else.
        let (weight, bias) = (noise(block.channelCount, seed: 6), noise(block.channelCount, seed: 7))
        let normalisation = LayerNormalisation(weight: weight, bias: bias)
        let residual = Tensor.noise(input.shape, seed: 8)
        let normalised = referenceNormalisation(
            change(of: referenceNormalisation(x, weight, bias)), weight, bias)
        expect(
            block.output(
                of: input, adding: residual, activation: .gelu, normalisations: (normalisation, normalisation)),
            zip(residual.values, normalised).map { Double($0) + $1 })
    }

    /// More pairs than are multiplied together.
    @Test(arguments: shapes, [128, 129])
    func anImageDoesNotDependOnItsBatch(shape: (channels: Int, hidden: Int), rowCount: Int) {
        let block = Block(shape)
        let input = Tensor.noise([9, rowCount, 1, block.channelCount])
        let together = block.output(of: input, activation: .gelu)
        for image in 0..<9 {
            let alone = block.output(of: input.images(image..<image + 1), activation: .gelu)
            #expect(alone == together.images(image..<image + 1), "image \(image)")
        }
    }

    /// What is in a row is felt by the other one of its pair and by no further one.
    @Test(arguments: [Float.nan, 1e6])
    func aRowReachesItsPairAndNoOther(value: Float) {
        let block = Block(Self.shapes[0])
        let count = block.channelCount
        var input = Tensor.noise([1, 130, 1, count])
        let usual = block.output(of: input, activation: .gelu).values
        let changed = 70
        for channel in 0..<count { input.values[changed * count + channel] = value }
        let output = block.output(of: input, activation: .gelu).values
        for row in 0..<130 {
            let range = row * count..<(row + 1) * count
            switch row {
            case changed where value.isNaN:
                let areAllBroken = output[range].allSatisfy { $0.isNaN }
                #expect(areAllBroken)
            case changed, changed + 1: #expect(output[range] != usual[range])
            default: #expect(output[range] == usual[range], "row \(row)")
            }
        }
        guard !value.isNaN else { return }
        // The error of the small row is in proportion to the large one.
        let largest = output[changed * count..<(changed + 1) * count].map(abs).max()!
        let range = (changed + 1) * count..<(changed + 2) * count
        let worst = zip(output[range], usual[range]).map { abs($0 - $1) }.max()!
        #expect(worst < 2e-6 * largest, "\(worst / largest)")
    }
}
