import SystemFacts
import Tensors
import Testing
import VectorKernels
import WideKernels

/// Rows with many zeros are multiplied by the places that are not zero, and get the bits of the whole chains.
@Suite struct SparseRowTests {
    /// Rows of which about so much is not zero, zeros of either sign, in which every second row repeats half of the zeros of the row before.
    private func rows(_ count: Int, depth: Int, share: Float) -> [Float] {
        let (values, chances) = (noise(count * depth, seed: 1), noise(count * depth, seed: 2))
        return values.indices.map { index in
            let row = index / depth
            let chance = chances[row % 2 == 1 && index % 2 == 0 ? index - depth : index]
            return (chance + 1) / 2 < share ? values[index] : index % 3 == 0 ? -0.0 : 0
        }
    }

    /// One chain of fused multiply-adds over all places.
    private func chain(_ row: ArraySlice<Float>, _ column: ArraySlice<Float>) -> Float {
        zip(row, column).reduce(Float(0)) { $0.addingProduct($1.0, $1.1) }
    }

    private func bits(_ values: [Float]) -> [UInt32] { values.map(\.bitPattern) }

    /// Depths in several pieces, one of which is no whole vector; columns of no group, of one and of two, and more.
    @Test(arguments: [64, 80, 100, 272], [16, 40, 128, 150, 300])
    func haveTheBitsOfWholeChains(depth: Int, columnCount: Int) {
        for (rowCount, share) in [(515, Float(0.4)), (37, 0), (48, 0.1), (16, 0.65), (131, 1)] {
            let a = rows(rowCount, depth: depth, share: share)
            let weights = noise(columnCount * depth, seed: 3)
            let factor = RowFactor(
                transposing: weights, columnCount: columnCount, depth: depth, team: WorkerTeam(workerCount: 2))
            let isSparse = share < 0.6 && depth.isMultiple(of: 16)
            if columnCount >= 128, share < 0.6 || share == 1 {
                #expect(factor.leavesOutZeros(ofRows: rowCount, a) == isSparse, "\(share) of \(depth)")
            }
            // The first columns, those that begin elsewhere, and a margin that is left alone.
            for first in stride(from: 0, to: columnCount, by: 9 * RowFactor.columnStep) {
                let columns = first..<columnCount
                let stride = columns.count + 5
                var product = [Float](repeating: 7, count: rowCount * stride)
                factor.multiply(rows: rowCount, a, columns: columns, into: &product, stride: stride)
                for row in [0, 1, 15, rowCount / 2, rowCount - 2, rowCount - 1] {
                    let expected = columns.map {
                        chain(a[row * depth..<(row + 1) * depth], weights[$0 * depth..<($0 + 1) * depth]) + 0
                    }
                    let found = product[row * stride..<(row + 1) * stride]
                    #expect(
                        bits(Array(found)) == bits(expected + Array(repeating: 7, count: 5)),
                        "row \(row) of \(rowCount), \(share) of them")
                }
            }
        }
    }

    /// 1x1 convolutions, the second with every other pixel.
    @Test(arguments: [1, 2], [ActivationFunction.identity, .relu, .gelu])
    func serveConvolutions(stride: Int, activation: ActivationFunction) {
        let (inputs, outputs, side) = (96, 200, 13)
        let weights = noise(outputs * inputs, seed: 3).map { $0 / 8 }
        let biases = noise(outputs, seed: 4).enumerated().map { $0 % 10 == 0 ? -0.0 : $1 }
        let layer = Convolution2D(
            inputChannelCount: inputs, outputChannelCount: outputs,
            window: SlidingWindow(kernel: 1, stride: stride), weights: weights, biases: biases,
            activation: activation)
        let workspace = Workspace()
        let pixels = rows(2 * side * side, depth: inputs, share: 0.4)
        let input = Tensor(shape: [2, side, side, inputs], values: pixels)
        let whole = layer(Activations(copying: input, in: workspace), in: workspace).tensor()
        let outputSide = (side + stride - 1) / stride
        #expect(whole.shape == [2, outputSide, outputSide, outputs])
        // A pixel alone is no pair.
        for pixel in 0..<2 * outputSide * outputSide {
            let (image, rest) = pixel.quotientAndRemainder(dividingBy: outputSide * outputSide)
            let source =
                (image * side + rest / outputSide * stride) * side + rest % outputSide * stride
            let alone = layer(
                Activations(
                    copying: Tensor(
                        shape: [1, 1, 1, inputs], values: Array(pixels[source * inputs..<(source + 1) * inputs])),
                    in: workspace), in: workspace
            ).tensor().values
            #expect(bits(alone) == bits(Array(whole.values[pixel * outputs..<(pixel + 1) * outputs])))
        }
    }

    /// What is not a number, infinite or tiny in A counts; what is in B counts even where A is zero.
    @Test func nothingIsLostThatIsNotFinite() {
        let (depth, columnCount, rowCount) = (128, 256, 32)
        var a = rows(rowCount, depth: depth, share: 0.3)
        a[5] = .nan
        a[3 * depth + 70] = .infinity
        a[6 * depth..<7 * depth] = Array(repeating: 1e-45, count: depth)[...]
        var weights = noise(columnCount * depth, seed: 3)
        func product() -> [Float] {
            let factor = RowFactor(
                transposing: weights, columnCount: columnCount, depth: depth, team: WorkerTeam(workerCount: 1))
            #expect(factor.leavesOutZeros(ofRows: rowCount, a) == weights.allSatisfy { $0.isFinite })
            var product = [Float](repeating: 7, count: rowCount * columnCount)
            factor.multiply(rows: rowCount, a, columns: 0..<columnCount, into: &product, stride: columnCount)
            return product
        }
        let finite = product()
        #expect(finite[..<columnCount].allSatisfy { $0.isNaN })
        #expect(finite[3 * columnCount..<4 * columnCount].allSatisfy { !$0.isFinite })
        for row in [1, 2, 4, 6, 7] {
            #expect(finite[row * columnCount..<(row + 1) * columnCount].allSatisfy { $0.isFinite }, "row \(row)")
        }
        let tiny = (0..<columnCount).map { chain(a[6 * depth..<7 * depth], weights[$0 * depth..<($0 + 1) * depth]) + 0 }
        #expect(bits(Array(finite[6 * columnCount..<7 * columnCount])) == bits(tiny))
        #expect(tiny.contains { $0 != 0 })

        let place = (0..<depth).first { a[8 * depth + $0] == 0 && a[9 * depth + $0] == 0 }!
        weights[place] = .infinity
        let infinite = product()
        #expect(infinite[8 * columnCount].isNaN, "zero times infinity")
        let others = 8 * columnCount + 1..<9 * columnCount
        #expect(bits(Array(infinite[others])) == bits(Array(finite[others])))
    }

    @Test func aConvolutionKnowsWhetherItsWeightsAreFinite() {
        let (inputs, outputs) = (64, 256)
        var weights = noise(outputs * inputs, seed: 3)
        weights[5] = .nan
        let layer = Convolution2D(
            inputChannelCount: inputs, outputChannelCount: outputs, window: SlidingWindow(kernel: 1), weights: weights)
        let workspace = Workspace()
        let input = Activations(
            copying: Tensor(shape: [1, 8, 8, inputs], values: Array(repeating: 0, count: 64 * inputs)), in: workspace)
        let output = layer(input, in: workspace).tensor().values
        #expect((0..<64).allSatisfy { output[$0 * outputs].isNaN && output[$0 * outputs + 1] == 0 })
    }

    private static let hasWideVectors = ProcessorFeatures.here.has([
        "avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl",
    ])

    /// Whichever of them this processor takes.
    @Test func theKernelsGiveTheSameInEitherRegisters() {
        let (depth, pairCount, listLength, columnCount) = (112, 5, 120, 128)
        let a = rows(2 * pairCount, depth: depth, share: 0.4)
        let offsets = (0..<2 * pairCount).map { $0 * depth }
        let table = (0..<256).map { byte in
            let bits = (0..<8).filter { byte >> $0 & 1 == 1 }
            var places = [UInt8](repeating: 0, count: 8)
            for (index, bit) in bits.enumerated() { places[index] = UInt8(bit) }
            return places.withUnsafeBytes { UInt64(littleEndian: $0.load(as: UInt64.self)) }
        }
        let expected: [[Int]] = (0..<pairCount).map { pair in
            (0..<depth).filter { a[2 * pair * depth + $0] != 0 || a[(2 * pair + 1) * depth + $0] != 0 }
        }
        // Panels [columns / 16][depth][16], and the chains behind what C has.
        let panels = noise(columnCount * depth, seed: 3)
        let (before, added) = (noise(2 * pairCount * columnCount, seed: 4), noise(columnCount, seed: 5))
        func element(_ row: Int, _ column: Int, isNew: Bool, isLast: Bool) -> Float {
            let b = (0..<depth).map { panels[(column / 16 * depth + $0) * 16 + column % 16] }
            let start = isNew ? 0 : before[row * columnCount + column]
            let sum = zip(a[row * depth..<(row + 1) * depth], b).reduce(start) { $0.addingProduct($1.0, $1.1) }
            return isLast ? max(0, sum + added[column]) : sum
        }
        for isWide in Self.hasWideVectors ? [false, true] : [false] {
            var indices = [UInt8](repeating: 0, count: pairCount * listLength)
            var counts = [Int](repeating: 0, count: pairCount)
            let list = isWide ? WideKernels.listNonzeros : VectorKernels.listNonzeros
            list(a, offsets, pairCount, depth, table, &indices, listLength, &counts)
            let found = (0..<pairCount).map { pair in
                indices[pair * listLength..<pair * listLength + counts[pair]].map(Int.init)
            }
            #expect(found == expected)
            let count = isWide ? WideKernels.countNonzeros : VectorKernels.countNonzeros
            a.withUnsafeBufferPointer { a in
                for pair in 0..<pairCount {
                    let first = a.baseAddress! + 2 * pair * depth
                    #expect(count(first, first + depth, depth) == expected[pair].count)
                }
            }

            let multiply =
                isWide
                ? WideKernels.multiplySparsePairsByEightPanels : VectorKernels.multiplySparsePairsByTwoPanels
            let width = isWide ? 128 : 32
            for (isNew, isLast) in [(true, false), (false, false), (false, true), (true, true)] {
                var c = before
                for column in stride(from: 0, to: columnCount, by: width) {
                    c.withUnsafeMutableBufferPointer { c in
                        panels.withUnsafeBufferPointer { panels in
                            added.withUnsafeBufferPointer { added in
                                multiply(
                                    a, offsets, pairCount, indices, listLength, counts,
                                    panels.baseAddress! + column * depth, 16 * depth, isNew,
                                    isLast ? added.baseAddress! + column : nil, true, c.baseAddress! + column,
                                    columnCount)
                            }
                        }
                    }
                }
                let expected = (0..<2 * pairCount * columnCount).map {
                    element($0 / columnCount, $0 % columnCount, isNew: isNew, isLast: isLast)
                }
                #expect(c == expected, "new \(isNew), last \(isLast)")
            }
        }
    }
}
