import Foundation
import SystemFacts
import Testing
import VectorKernels
import WideKernels

/// The loops that are compiled for AVX2 and for AVX-512 give the same bits; lengths fill vectors and do not.
@Suite(.enabled(if: ProcessorFeatures.here.has(["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"])))
struct VectorKernelTests {
    private static let counts = [1, 7, 8, 15, 16, 17, 24, 40, 63, 64, 100]

    /// What `narrow` and `wide` write to `count` floats that were `initial`.
    private func expectTheSame(
        _ initial: [Float], _ narrow: (UnsafeMutablePointer<Float>) -> Void,
        _ wide: (UnsafeMutablePointer<Float>) -> Void, location: SourceLocation = #_sourceLocation
    ) {
        var (first, second) = (initial, initial)
        first.withUnsafeMutableBufferPointer { narrow($0.baseAddress!) }
        second.withUnsafeMutableBufferPointer { wide($0.baseAddress!) }
        #expect(first.map(\.bitPattern) == second.map(\.bitPattern), sourceLocation: location)
        #expect(first != initial || initial.isEmpty, "something was written", sourceLocation: location)
    }

    @Test(arguments: counts, [false, true])
    func sums(count: Int, rectified: Bool) {
        let other = noise(count, seed: 2)
        expectTheSame(
            noise(count, seed: 1), { VectorKernels.add(other, to: $0, count: count, rectified: rectified) },
            { WideKernels.add(other, to: $0, count: count, rectified: rectified) })
    }

    @Test func partsOfStrassensAlgorithm() {
        let (x, y) = (noise(256, seed: 1), noise(256, seed: 2))
        let nothing = [Float](repeating: -1, count: 4 * 96)
        x.withUnsafeBufferPointer { x in
            y.withUnsafeBufferPointer { y in
                let (x, y) = (x.baseAddress!, y.baseAddress!)
                expectTheSame(
                    nothing, { VectorKernels.makeStrassenRowSums(x, y, halfDepth: 48, into: $0, distance: 96) },
                    { WideKernels.makeStrassenRowSums(x, y, halfDepth: 48, into: $0, distance: 96) })
                expectTheSame(
                    nothing,
                    {
                        VectorKernels.makeStrassenColumnSums(
                            upper: x, lower: y, columnDistance: 128, count: 48, into: $0, distance: 96)
                    },
                    {
                        WideKernels.makeStrassenColumnSums(
                            upper: x, lower: y, columnDistance: 128, count: 48, into: $0, distance: 96)
                    })
                for rowsPerPair in [1, 2] {
                    expectTheSame(
                        nothing,
                        {
                            VectorKernels.finishStrassenRows(
                                x, slotDistance: 48, pairCount: 3, rowsPerPair: rowsPerPair, count: 16, adding: y,
                                addedStride: 20, into: $0, stride: 64, columnDistance: 32)
                        },
                        {
                            WideKernels.finishStrassenRows(
                                x, slotDistance: 48, pairCount: 3, rowsPerPair: rowsPerPair, count: 16, adding: y,
                                addedStride: 20, into: $0, stride: 64, columnDistance: 32)
                        })
                }
            }
        }
    }

    @Test(arguments: counts)
    func gelu(count: Int) {
        let values = noise(3 * count, seed: 1).map { 4 * $0 }
        expectTheSame(
            values, { VectorKernels.applyGELU(to: $0, rowCount: 3, columnCount: count, stride: count) },
            { WideKernels.applyGELU(to: $0, rowCount: 3, columnCount: count, stride: count) })
    }

    @Test(arguments: counts)
    func rectifiedAffineMaps(count: Int) {
        let (x, scale, shift) = (noise(4 * count, seed: 1), noise(count, seed: 2), noise(count, seed: 3))
        let nothing = [Float](repeating: -1, count: count)
        expectTheSame(
            nothing, { VectorKernels.rectifiedAffine(x, scale: scale, shift: shift, into: $0, count: count) },
            { WideKernels.rectifiedAffine(x, scale: scale, shift: shift, into: $0, count: count) })
        expectTheSame(
            nothing,
            {
                VectorKernels.averageOfRectified(
                    x, right: count, below: 2 * count, scale: scale, shift: shift, into: $0, count: count)
            },
            {
                WideKernels.averageOfRectified(
                    x, right: count, below: 2 * count, scale: scale, shift: shift, into: $0, count: count)
            })
    }

    @Test(arguments: counts)
    func maxima(count: Int) {
        var x = noise(9 * count, seed: 1)
        x[4 * count + count / 2] = .nan
        x.withUnsafeBufferPointer { x in
            let pixels = (0..<9).map { x.baseAddress! + $0 * count }
            for pixelCount in [1, 4, 9] {
                let expected = (0..<count).map { channel in
                    let values = (0..<pixelCount).map { x[$0 * count + channel] }
                    return values.contains { $0.isNaN } ? Float.nan : values.max()!
                }
                var result = [Float](repeating: 0, count: count)
                VectorKernels.takeMaximum(of: pixels, pixelCount: pixelCount, into: &result, count: count)
                #expect(zip(result, expected).allSatisfy { $0 == $1 || ($0.isNaN && $1.isNaN) })
                expectTheSame(
                    [Float](repeating: -9, count: count),
                    { VectorKernels.takeMaximum(of: pixels, pixelCount: pixelCount, into: $0, count: count) },
                    { WideKernels.takeMaximum(of: pixels, pixelCount: pixelCount, into: $0, count: count) })
            }
        }
    }

    /// maxima, minima and their rows, as floats.
    private typealias Found = (values: [Float], isFinite: Bool)

    private func extrema(
        _ x: [Float], stride: Int, rowCount: Int, columnCount: Int,
        _ kernel: (
            UnsafePointer<Float>, Int, Int, Int, UnsafeMutablePointer<Float>, UnsafeMutablePointer<Int32>,
            UnsafeMutablePointer<Float>, UnsafeMutablePointer<Int32>
        ) -> Bool
    ) -> Found {
        // One more of each, which must stay as it is.
        var (maxima, minima) = (
            [Float](repeating: -7, count: columnCount + 1), [Float](repeating: -7, count: columnCount + 1)
        )
        var (highest, lowest) = (
            [Int32](repeating: -7, count: columnCount + 1), [Int32](repeating: -7, count: columnCount + 1)
        )
        let isFinite = kernel(x, stride, rowCount, columnCount, &maxima, &highest, &minima, &lowest)
        #expect(maxima.last == -7 && minima.last == -7 && highest.last == -7 && lowest.last == -7)
        return (
            maxima.dropLast() + minima.dropLast() + (highest.dropLast() + lowest.dropLast()).map(Float.init), isFinite
        )
    }

    @Test(arguments: counts, [1, 2, 49, 300])
    func extremaOfColumns(count: Int, rowCount: Int) {
        let stride = count + 16
        // Of few values, so that many columns have one twice, and both zeros.
        var x = noise(rowCount * stride + 16, seed: 4).map { ($0 * 8).rounded() / 4 }
        if rowCount > 2 { x[stride] = .greatestFiniteMagnitude }
        func both(_ x: [Float]) -> (Found, Found) {
            (
                extrema(x, stride: stride, rowCount: rowCount, columnCount: count) {
                    VectorKernels.findExtrema(
                        $0, stride: $1, rowCount: $2, columnCount: $3, maxima: $4, maximumRows: $5, minima: $6,
                        minimumRows: $7)
                },
                extrema(x, stride: stride, rowCount: rowCount, columnCount: count) {
                    WideKernels.findExtrema(
                        $0, stride: $1, rowCount: $2, columnCount: $3, maxima: $4, maximumRows: $5, minima: $6,
                        minimumRows: $7)
                }
            )
        }
        let columns = (0..<count).map { column in (0..<rowCount).map { x[$0 * stride + column] } }
        let expected =
            columns.map { $0.max()! } + columns.map { $0.min()! }
            + columns.map { Float($0.firstIndex(of: $0.max()!)!) }
            + columns.map { Float($0.firstIndex(of: $0.min()!)!) }
        let (narrow, wide) = both(x)
        #expect(narrow.values == expected && wide.values == expected && narrow.isFinite && wide.isFinite)
        #expect(narrow.values.map(\.bitPattern) == wide.values.map(\.bitPattern))
        for odd in [Float.nan, .infinity, -.infinity] {
            for (row, column) in [(0, 0), (rowCount - 1, count - 1), (rowCount / 2, count / 2)] {
                var broken = x
                broken[row * stride + column] = odd
                let (narrow, wide) = both(broken)
                #expect(!narrow.isFinite && !wide.isFinite)
            }
        }
    }

    @Test(arguments: [1, 15, 16, 33, 63, 64], [0, 1, 7])
    func sumsOfListedRows(columnCount: Int, count: Int) {
        let (panel, factors) = (noise(9 * 64, seed: 1), noise(7, seed: 2))
        let rows: [Int32] = [3, 3, 0, 8, 1, 7, 3]
        let expected = (0..<columnCount).map { column in
            (0..<count).reduce(Float(0)) { $0.addingProduct(panel[Int(rows[$1]) * 64 + column], factors[$1]) }
        }
        var sums = [Float](repeating: -7, count: columnCount + 1)
        VectorKernels.sumRows(
            of: panel, rows: rows, factors: factors, count: count, into: &sums, columnCount: columnCount)
        #expect(sums == expected + [-7])
        expectTheSame(
            [Float](repeating: -7, count: columnCount + 1),
            {
                VectorKernels.sumRows(
                    of: panel, rows: rows, factors: factors, count: count, into: $0, columnCount: columnCount)
            },
            {
                WideKernels.sumRows(
                    of: panel, rows: rows, factors: factors, count: count, into: $0, columnCount: columnCount)
            })
    }

    @Test(arguments: counts, [false, true])
    func softmaxWeights(count: Int, isMasked: Bool) {
        let paddedCount = (count + 15) / 16 * 16
        let (bias, mask) = (noise(paddedCount, seed: 2), noise(paddedCount, seed: 3))
        var sums: [SIMD8<Float>] = []
        func weights(_ kernel: @escaping (UnsafeMutablePointer<Float>, UnsafePointer<Float>?) -> SIMD8<Float>)
            -> (UnsafeMutablePointer<Float>) -> Void
        {
            { x in mask.withUnsafeBufferPointer { sums.append(kernel(x, isMasked ? $0.baseAddress! : nil)) } }
        }
        expectTheSame(
            noise(paddedCount, seed: 1),
            weights {
                VectorKernels.exponentiateScores(
                    $0, factor: 3, bias: bias, mask: $1, count: count, paddedCount: paddedCount)
            },
            weights {
                WideKernels.exponentiateScores(
                    $0, factor: 3, bias: bias, mask: $1, count: count, paddedCount: paddedCount)
            })
        #expect(sums[0] == sums[1])
    }

    @Test(arguments: counts)
    func layerNormalisations(count: Int) {
        let (x, weight, bias) = (noise(3 * count, seed: 1), noise(count, seed: 2), noise(count, seed: 3))
        expectTheSame(
            [Float](repeating: 9, count: 3 * count),
            {
                VectorKernels.normaliseRows(
                    x, rowCount: 3, weight: weight, bias: bias, epsilon: 1e-5, count: count, into: $0)
            },
            {
                WideKernels.normaliseRows(
                    x, rowCount: 3, weight: weight, bias: bias, epsilon: 1e-5, count: count, into: $0)
            })
    }

    @Test(arguments: [8, 16], [3, 7, 10])
    func depthwiseConvolutions(sliceCount: Int, width: Int) {
        let (side, height, channelCount) = (5, 4, 24)
        let x = noise(height * width * channelCount, seed: 1)
        let (weights, biases) = (noise(side * side * 16, seed: 2), noise(16, seed: 3))
        func scratch() -> [Float] {
            [Float](repeating: 0, count: depthwiseScratchCount(height: height, width: width, kernelSide: side))
        }
        var (narrow, wide) = (scratch(), scratch())
        expectTheSame(
            [Float](repeating: 0, count: height * width * channelCount),
            {
                VectorKernels.convolveDepthwise(
                    x, channelCount: channelCount, sliceCount: sliceCount, weights: weights, kernelSide: side,
                    biases: biases, scratch: &narrow, into: $0, height: height, width: width)
            },
            {
                WideKernels.convolveDepthwise(
                    x, channelCount: channelCount, sliceCount: sliceCount, weights: weights, kernelSide: side,
                    biases: biases, scratch: &wide, into: $0, height: height, width: width)
            })
    }

    @Test(arguments: [16, 24, 64, 72])
    func winogradTransforms(channelCount: Int) {
        let x = noise(36 * channelCount, seed: 1)
        let (bias, residual) = (noise(channelCount, seed: 2), noise(16 * channelCount, seed: 3))
        var scratch = [Float](repeating: 0, count: winogradScratchCount)
        expectTheSame(
            [Float](repeating: 0, count: 36 * channelCount),
            {
                VectorKernels.transformWinogradInput(
                    x, rowStride: 6 * channelCount, channelCount: channelCount, into: $0,
                    positionStride: channelCount, scratch: &scratch)
            },
            {
                WideKernels.transformWinogradInput(
                    x, rowStride: 6 * channelCount, channelCount: channelCount, into: $0,
                    positionStride: channelCount, scratch: &scratch)
            })
        for (rows, columns) in [(4, 4), (3, 1)] {
            expectTheSame(
                [Float](repeating: 0, count: 16 * channelCount),
                {
                    VectorKernels.transformWinogradOutput(
                        x, positionStride: channelCount, channelCount: channelCount, bias: bias, adding: residual,
                        rectified: true, rows: rows, columns: columns, into: $0, rowStride: 4 * channelCount,
                        pixelStride: channelCount, scratch: &scratch)
                },
                {
                    WideKernels.transformWinogradOutput(
                        x, positionStride: channelCount, channelCount: channelCount, bias: bias, adding: residual,
                        rectified: true, rows: rows, columns: columns, into: $0, rowStride: 4 * channelCount,
                        pixelStride: channelCount, scratch: &scratch)
                })
        }
    }
}
