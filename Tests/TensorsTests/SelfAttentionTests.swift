import Tensors
import Testing

@Suite struct SelfAttentionTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let size: SpatialSize
        let headCount: Int
        let headLength: Int
        var windows: SelfAttention.Windows?
        var hasBias = false
        var isCosine = false
        var normalisesOutput = false

        var channelCount: Int { headCount * headLength }
        var testDescription: String {
            "\(size), \(headCount) heads of \(headLength), \(windows.map { "\($0.isShifted ? "shifted " : "")windows of \($0.size)" } ?? "no windows")"
                + (isCosine ? ", cosines" : "")
        }
    }

    static let cases: [Case] = [
        // More tokens than one piece of queries, and no multiple of any tile.
        Case(size: SpatialSize(height: 107, width: 1), headCount: 3, headLength: 16),
        Case(size: SpatialSize(height: 5, width: 4), headCount: 2, headLength: 5),
        Case(size: SpatialSize(height: 1, width: 1), headCount: 1, headLength: 8),
        Case(
            size: SpatialSize(height: 8, width: 12), headCount: 2, headLength: 8, windows: .init(side: 4), hasBias: true
        ),
        Case(
            size: SpatialSize(height: 8, width: 12), headCount: 3, headLength: 32,
            windows: .init(side: 4, isShifted: true),
            hasBias: true),
        // Filled up along both axes, one or both of which a window covers.
        Case(
            size: SpatialSize(height: 9, width: 10), headCount: 2, headLength: 8,
            windows: .init(side: 4, isShifted: true),
            hasBias: true),
        Case(
            size: SpatialSize(height: 3, width: 10), headCount: 2, headLength: 8,
            windows: .init(side: 4, isShifted: true),
            hasBias: true),
        Case(
            size: SpatialSize(height: 3, width: 2), headCount: 2, headLength: 8,
            windows: .init(side: 4, isShifted: true),
            hasBias: true),
        Case(
            size: SpatialSize(height: 3, width: 10), headCount: 2, headLength: 8,
            windows: .init(size: SpatialSize(height: 3, width: 5), isShifted: true), hasBias: true),
        Case(
            size: SpatialSize(height: 11, width: 7), headCount: 2, headLength: 8,
            windows: .init(size: SpatialSize(height: 4, width: 3), isShifted: true), hasBias: true),
        // A shift beyond the filled-up rows.
        Case(
            size: SpatialSize(height: 5, width: 8), headCount: 2, headLength: 8,
            windows: .init(side: 4, isShifted: true),
            hasBias: true, isCosine: true, normalisesOutput: true),
        Case(
            size: SpatialSize(height: 14, width: 7), headCount: 2, headLength: 16,
            windows: .init(side: 7, isShifted: true),
            hasBias: true, isCosine: true, normalisesOutput: true),
        // Large enough for rows in pairs.
        Case(size: SpatialSize(height: 43, width: 3), headCount: 12, headLength: 64),
    ]

    struct Parameters {
        let qkvWeights, qkvBiases, projectionWeights, projectionBiases, normWeight, normBias, bias: [Float]
        let factors: [Float]

        init(_ test: Case) {
            let d = test.channelCount
            qkvWeights = noise(3 * d * d, seed: 2).map { $0 * 2 / Float(d).squareRoot() }
            qkvBiases = noise(3 * d, seed: 3)
            projectionWeights = noise(d * d, seed: 4)
            projectionBiases = noise(d, seed: 5)
            normWeight = noise(d, seed: 6)
            normBias = noise(d, seed: 7)
            let area = test.windows?.size.area ?? 0
            bias = test.hasBias ? noise(test.headCount * area * area, seed: 8) : []
            factors = (0..<test.headCount).map { 1.5 + Float($0) }
        }
    }

    static func layer(_ test: Case) -> SelfAttention {
        let parameters = Parameters(test)
        let d = test.channelCount
        let norm = LayerNormalisation(weight: parameters.normWeight, bias: parameters.normBias)
        let attention = SelfAttention(
            headCount: test.headCount, scores: test.isCosine ? .cosines(factors: parameters.factors) : .products,
            inputNormalisation: test.normalisesOutput ? nil : norm,
            queriesKeysValues: Linear(
                inputCount: d, outputCount: 3 * d, weights: parameters.qkvWeights, biases: parameters.qkvBiases),
            projection: Linear(
                inputCount: d, outputCount: d, weights: parameters.projectionWeights,
                biases: parameters.projectionBiases),
            outputNormalisation: test.normalisesOutput ? norm : nil)
        return test.windows.map { attention.within($0, positionBias: parameters.bias) } ?? attention
    }

    static func reference(_ input: Tensor, _ test: Case) -> [Double] {
        let parameters = Parameters(test)
        let d = test.channelCount
        let window = test.windows?.size ?? test.size
        let area = window.area
        let padding = referenceLinear(Array(repeating: 0, count: d), parameters.qkvWeights, parameters.qkvBiases)
        return (0..<input.shape[0]).flatMap { image in
            let x = input.images(image..<image + 1).values.map(Double.init)
            let rows = test.normalisesOutput ? x : referenceNormalisation(x, parameters.normWeight, parameters.normBias)
            let attended = referenceAttention(
                referenceLinear(rows, parameters.qkvWeights, parameters.qkvBiases), padding: padding, size: test.size,
                headCount: test.headCount, window: window, isShifted: test.windows?.isShifted ?? false,
                cosineFactors: test.isCosine ? parameters.factors : nil
            ) { head, query, key in
                test.hasBias ? Double(parameters.bias[(head * area + query) * area + key]) : 0
            }
            var change = referenceLinear(attended, parameters.projectionWeights, parameters.projectionBiases)
            if test.normalisesOutput {
                change = referenceNormalisation(change, parameters.normWeight, parameters.normBias)
            }
            return zip(x, change).map { $0 + $1 }
        }
    }

    @Test(arguments: cases)
    func agreesWithItsDefinition(test: Case) {
        let input = Tensor.noise([2, test.size.height, test.size.width, test.channelCount])
        let workspace = Workspace()
        let output = Self.layer(test)(Activations(copying: input, in: workspace), in: workspace).tensor()
        #expect(output.shape == input.shape)
        #expect(relativeError(output.values, Self.reference(input, test)) < 1e-5)
    }

    @Test(arguments: cases)
    func anImageDoesNotDependOnItsBatch(test: Case) {
        let input = Tensor.noise([4, test.size.height, test.size.width, test.channelCount], seed: 11)
        let layer = Self.layer(test)
        let workspace = Workspace()
        let together = layer(Activations(copying: input, in: workspace), in: workspace).tensor()
        for image in 0..<4 {
            let alone = layer(Activations(copying: input, images: image..<image + 1, in: workspace), in: workspace)
            #expect(alone.tensor() == together.images(image..<image + 1))
        }
    }

    /// Scores far beyond the exponential's range, as an untrained or diverged network has them.
    @Test func hugeScoresSelectOneToken() {
        let d = 8
        var qkv = [Float](repeating: 0, count: 3 * d * d)
        for c in 0..<d {
            qkv[c * d + c] = 1e4
            qkv[(d + c) * d + c] = 1e4
            qkv[(2 * d + c) * d + c] = 1
        }
        var identity = [Float](repeating: 0, count: d * d)
        for c in 0..<d { identity[c * d + c] = 1 }
        let layer = SelfAttention(
            headCount: 1, queriesKeysValues: Linear(inputCount: d, outputCount: 3 * d, weights: qkv),
            projection: Linear(inputCount: d, outputCount: d, weights: identity))
        let input = Tensor(
            shape: [1, 3, 1, d], values: (0..<3).flatMap { t in (0..<d).map { $0 == t ? Float(t + 1) : 0 } })
        let workspace = Workspace()
        let output = layer(Activations(copying: input, in: workspace), in: workspace).tensor()
        let doubled: [Float] = input.values.map { 2 * $0 }
        #expect(output.values == doubled)
    }

    @Test(arguments: [Float.nan, .infinity])
    func aBrokenTokenBreaksWhatSeesItAndNoOtherImage(broken: Float) {
        let test = Self.cases[0]
        var input = Tensor.noise([2, test.size.height, test.size.width, test.channelCount])
        input.values[5] = broken
        let workspace = Workspace()
        let output = Self.layer(test)(Activations(copying: input, in: workspace), in: workspace).tensor()
        #expect(output.images(0..<1).values.allSatisfy { $0.isNaN })
        #expect(output.images(1..<2).values.allSatisfy { $0.isFinite })
    }
}
