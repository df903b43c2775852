import CBrainFloatShim

// The innermost loop of products whose operands are brain floats (bfloat16), for processors with AVX512-BF16: as in `WideKernels`, a tile of
// 6 rows by 4 panels of 16 columns, 8 by 3, or 12 by 2 or 1, whose sums stay in registers as floats.
//
// A row of A is a row of numbers, used two at a time; a panel of B holds for each two rows of it the 16 pairs of its columns,
// [pairs of k][16][2]. Every element is one chain in the order of the pairs: in each, the product of the second numbers is added, then
// that of the first, both as fused multiply-adds; then the bias, then the residual. So it depends neither on how many rows the
// product has nor on where in a tile a row falls.
//
// A target of its own, without types, for the reasons that `WideKernels` gives. The callers have checked the shapes.

private typealias Vector = SIMD16<Float>

/// relu?(A * B + bias + residual) for 64 columns of B: four panels, `panelLength` numbers apart.
///
/// - Parameters:
///   - ahead: the panels that are wanted next: they are fetched into the second cache meanwhile.
///   - pairCount: of each of the `segmentCount` pieces of a row, which begin at `rowOffsets` + `segmentOffsets`.
///   - residual: as many rows as the result has, or nil. It may be the result.
public func multiplyFourPanels(
    _ a: UnsafePointer<UInt16>, rowOffsets: UnsafePointer<Int>, rowCount: Int, segmentOffsets: UnsafePointer<Int>,
    segmentCount: Int, pairCount: Int, panels: UnsafePointer<UInt16>, panelLength: Int, ahead: UnsafePointer<UInt16>,
    bias: UnsafePointer<Float>, residual: UnsafePointer<Float>?, residualStride: Int, rectified: Bool,
    into c: UnsafeMutablePointer<Float>, stride: Int
) {
    let last = rowCount &- 1
    let aheadEnd = ahead + 4 &* panelLength
    var next = ahead
    var row = 0
    while row < rowCount {
        let start0 = a + rowOffsets[row]
        let start1 = a + rowOffsets[min(row &+ 1, last)]
        let start2 = a + rowOffsets[min(row &+ 2, last)]
        let start3 = a + rowOffsets[min(row &+ 3, last)]
        let start4 = a + rowOffsets[min(row &+ 4, last)]
        let start5 = a + rowOffsets[min(row &+ 5, last)]
        var c00 = Vector()
        var c01 = Vector()
        var c02 = Vector()
        var c03 = Vector()
        var c10 = Vector()
        var c11 = Vector()
        var c12 = Vector()
        var c13 = Vector()
        var c20 = Vector()
        var c21 = Vector()
        var c22 = Vector()
        var c23 = Vector()
        var c30 = Vector()
        var c31 = Vector()
        var c32 = Vector()
        var c33 = Vector()
        var c40 = Vector()
        var c41 = Vector()
        var c42 = Vector()
        var c43 = Vector()
        var c50 = Vector()
        var c51 = Vector()
        var c52 = Vector()
        var c53 = Vector()
        var b = panels
        var segment = 0
        while segment < segmentCount {
            let offset = segmentOffsets[segment]
            let a0 = start0 + offset
            let a1 = start1 + offset
            let a2 = start2 + offset
            let a3 = start3 + offset
            let a4 = start4 + offset
            let a5 = start5 + offset
            var k = 0
            while k < pairCount {
                let b0 = pairs(b)
                let b1 = pairs(b + panelLength)
                let b2 = pairs(b + 2 &* panelLength)
                let b3 = pairs(b + 3 &* panelLength)
                b += 32
                cbrainfloat_prefetch(next)
                next += 8
                var x = pair(a0, k)
                c00 = cbrainfloat_add_products(c00, x, b0)
                c01 = cbrainfloat_add_products(c01, x, b1)
                c02 = cbrainfloat_add_products(c02, x, b2)
                c03 = cbrainfloat_add_products(c03, x, b3)
                x = pair(a1, k)
                c10 = cbrainfloat_add_products(c10, x, b0)
                c11 = cbrainfloat_add_products(c11, x, b1)
                c12 = cbrainfloat_add_products(c12, x, b2)
                c13 = cbrainfloat_add_products(c13, x, b3)
                x = pair(a2, k)
                c20 = cbrainfloat_add_products(c20, x, b0)
                c21 = cbrainfloat_add_products(c21, x, b1)
                c22 = cbrainfloat_add_products(c22, x, b2)
                c23 = cbrainfloat_add_products(c23, x, b3)
                x = pair(a3, k)
                c30 = cbrainfloat_add_products(c30, x, b0)
                c31 = cbrainfloat_add_products(c31, x, b1)
                c32 = cbrainfloat_add_products(c32, x, b2)
                c33 = cbrainfloat_add_products(c33, x, b3)
                x = pair(a4, k)
                c40 = cbrainfloat_add_products(c40, x, b0)
                c41 = cbrainfloat_add_products(c41, x, b1)
                c42 = cbrainfloat_add_products(c42, x, b2)
                c43 = cbrainfloat_add_products(c43, x, b3)
                x = pair(a5, k)
                c50 = cbrainfloat_add_products(c50, x, b0)
                c51 = cbrainfloat_add_products(c51, x, b1)
                c52 = cbrainfloat_add_products(c52, x, b2)
                c53 = cbrainfloat_add_products(c53, x, b3)
                k &+= 1
            }
            segment &+= 1
        }
        if next >= aheadEnd { next = ahead }
        let tile = c + row &* stride
        let added = residual.map { $0 + row &* residualStride }
        let bias0 = load(bias)
        let bias1 = load(bias + 16)
        let bias2 = load(bias + 32)
        let bias3 = load(bias + 48)
        store(c00 + bias0, plus: added, rectified, to: tile)
        store(c01 + bias1, plus: added.map { $0 + 16 }, rectified, to: tile + 16)
        store(c02 + bias2, plus: added.map { $0 + 32 }, rectified, to: tile + 32)
        store(c03 + bias3, plus: added.map { $0 + 48 }, rectified, to: tile + 48)
        if row &+ 1 <= last {
            let (tile, added) = (tile + stride, added.map { $0 + 1 &* residualStride })
            store(c10 + bias0, plus: added, rectified, to: tile)
            store(c11 + bias1, plus: added.map { $0 + 16 }, rectified, to: tile + 16)
            store(c12 + bias2, plus: added.map { $0 + 32 }, rectified, to: tile + 32)
            store(c13 + bias3, plus: added.map { $0 + 48 }, rectified, to: tile + 48)
        }
        if row &+ 2 <= last {
            let (tile, added) = (tile + 2 &* stride, added.map { $0 + 2 &* residualStride })
            store(c20 + bias0, plus: added, rectified, to: tile)
            store(c21 + bias1, plus: added.map { $0 + 16 }, rectified, to: tile + 16)
            store(c22 + bias2, plus: added.map { $0 + 32 }, rectified, to: tile + 32)
            store(c23 + bias3, plus: added.map { $0 + 48 }, rectified, to: tile + 48)
        }
        if row &+ 3 <= last {
            let (tile, added) = (tile + 3 &* stride, added.map { $0 + 3 &* residualStride })
            store(c30 + bias0, plus: added, rectified, to: tile)
            store(c31 + bias1, plus: added.map { $0 + 16 }, rectified, to: tile + 16)
            store(c32 + bias2, plus: added.map { $0 + 32 }, rectified, to: tile + 32)
            store(c33 + bias3, plus: added.map { $0 + 48 }, rectified, to: tile + 48)
        }
        if row &+ 4 <= last {
            let (tile, added) = (tile + 4 &* stride, added.map { $0 + 4 &* residualStride })
            store(c40 + bias0, plus: added, rectified, to: tile)
            store(c41 + bias1, plus: added.map { $0 + 16 }, rectified, to: tile + 16)
            store(c42 + bias2, plus: added.map { $0 + 32 }, rectified, to: tile + 32)
            store(c43 + bias3, plus: added.map { $0 + 48 }, rectified, to: tile + 48)
        }
        if row &+ 5 <= last {
            let (tile, added) = (tile + 5 &* stride, added.map { $0 + 5 &* residualStride })
            store(c50 + bias0, plus: added, rectified, to: tile)
            store(c51 + bias1, plus: added.map { $0 + 16 }, rectified, to: tile + 16)
            store(c52 + bias2, plus: added.map { $0 + 32 }, rectified, to: tile + 32)
            store(c53 + bias3, plus: added.map { $0 + 48 }, rectified, to: tile + 48)
        }
        row &+= 6
    }
}

/// The same for 48 columns: three panels.
public func multiplyThreePanels(
    _ a: UnsafePointer<UInt16>, rowOffsets: UnsafePointer<Int>, rowCount: Int, segmentOffsets: UnsafePointer<Int>,
    segmentCount: Int, pairCount: Int, panels: UnsafePointer<UInt16>, panelLength: Int, ahead: UnsafePointer<UInt16>,
    bias: UnsafePointer<Float>, residual: UnsafePointer<Float>?, residualStride: Int, rectified: Bool,
    into c: UnsafeMutablePointer<Float>, stride: Int
) {
    let last = rowCount &- 1
    let aheadEnd = ahead + 3 &* panelLength
    var next = ahead
    var row = 0
    while row < rowCount {
        let start0 = a + rowOffsets[row]
        let start1 = a + rowOffsets[min(row &+ 1, last)]
        let start2 = a + rowOffsets[min(row &+ 2, last)]
        let start3 = a + rowOffsets[min(row &+ 3, last)]
        let start4 = a + rowOffsets[min(row &+ 4, last)]
        let start5 = a + rowOffsets[min(row &+ 5, last)]
        let start6 = a + rowOffsets[min(row &+ 6, last)]
        let start7 = a + rowOffsets[min(row &+ 7, last)]
        var c00 = Vector()
        var c01 = Vector()
        var c02 = Vector()
        var c10 = Vector()
        var c11 = Vector()
        var c12 = Vector()
        var c20 = Vector()
        var c21 = Vector()
        var c22 = Vector()
        var c30 = Vector()
        var c31 = Vector()
        var c32 = Vector()
        var c40 = Vector()
        var c41 = Vector()
        var c42 = Vector()
        var c50 = Vector()
        var c51 = Vector()
        var c52 = Vector()
        var c60 = Vector()
        var c61 = Vector()
        var c62 = Vector()
        var c70 = Vector()
        var c71 = Vector()
        var c72 = Vector()
        var b = panels
        var segment = 0
        while segment < segmentCount {
            let offset = segmentOffsets[segment]
            let a0 = start0 + offset
            let a1 = start1 + offset
            let a2 = start2 + offset
            let a3 = start3 + offset
            let a4 = start4 + offset
            let a5 = start5 + offset
            let a6 = start6 + offset
            let a7 = start7 + offset
            var k = 0
            while k < pairCount {
                let b0 = pairs(b)
                let b1 = pairs(b + panelLength)
                let b2 = pairs(b + 2 &* panelLength)
                b += 32
                cbrainfloat_prefetch(next)
                next += 8
                var x = pair(a0, k)
                c00 = cbrainfloat_add_products(c00, x, b0)
                c01 = cbrainfloat_add_products(c01, x, b1)
                c02 = cbrainfloat_add_products(c02, x, b2)
                x = pair(a1, k)
                c10 = cbrainfloat_add_products(c10, x, b0)
                c11 = cbrainfloat_add_products(c11, x, b1)
                c12 = cbrainfloat_add_products(c12, x, b2)
                x = pair(a2, k)
                c20 = cbrainfloat_add_products(c20, x, b0)
                c21 = cbrainfloat_add_products(c21, x, b1)
                c22 = cbrainfloat_add_products(c22, x, b2)
                x = pair(a3, k)
                c30 = cbrainfloat_add_products(c30, x, b0)
                c31 = cbrainfloat_add_products(c31, x, b1)
                c32 = cbrainfloat_add_products(c32, x, b2)
                x = pair(a4, k)
                c40 = cbrainfloat_add_products(c40, x, b0)
                c41 = cbrainfloat_add_products(c41, x, b1)
                c42 = cbrainfloat_add_products(c42, x, b2)
                x = pair(a5, k)
                c50 = cbrainfloat_add_products(c50, x, b0)
                c51 = cbrainfloat_add_products(c51, x, b1)
                c52 = cbrainfloat_add_products(c52, x, b2)
                x = pair(a6, k)
                c60 = cbrainfloat_add_products(c60, x, b0)
                c61 = cbrainfloat_add_products(c61, x, b1)
                c62 = cbrainfloat_add_products(c62, x, b2)
                x = pair(a7, k)
                c70 = cbrainfloat_add_products(c70, x, b0)
                c71 = cbrainfloat_add_products(c71, x, b1)
                c72 = cbrainfloat_add_products(c72, x, b2)
                k &+= 1
            }
            segment &+= 1
        }
        if next >= aheadEnd { next = ahead }
        let tile = c + row &* stride
        let added = residual.map { $0 + row &* residualStride }
        let bias0 = load(bias)
        let bias1 = load(bias + 16)
        let bias2 = load(bias + 32)
        store(c00 + bias0, plus: added, rectified, to: tile)
        store(c01 + bias1, plus: added.map { $0 + 16 }, rectified, to: tile + 16)
        store(c02 + bias2, plus: added.map { $0 + 32 }, rectified, to: tile + 32)
        if row &+ 1 <= last {
            let (tile, added) = (tile + stride, added.map { $0 + 1 &* residualStride })
            store(c10 + bias0, plus: added, rectified, to: tile)
            store(c11 + bias1, plus: added.map { $0 + 16 }, rectified, to: tile + 16)
            store(c12 + bias2, plus: added.map { $0 + 32 }, rectified, to: tile + 32)
        }
        if row &+ 2 <= last {
            let (tile, added) = (tile + 2 &* stride, added.map { $0 + 2 &* residualStride })
            store(c20 + bias0, plus: added, rectified, to: tile)
            store(c21 + bias1, plus: added.map { $0 + 16 }, rectified, to: tile + 16)
            store(c22 + bias2, plus: added.map { $0 + 32 }, rectified, to: tile + 32)
        }
        if row &+ 3 <= last {
            let (tile, added) = (tile + 3 &* stride, added.map { $0 + 3 &* residualStride })
            store(c30 + bias0, plus: added, rectified, to: tile)
            store(c31 + bias1, plus: added.map { $0 + 16 }, rectified, to: tile + 16)
            store(c32 + bias2, plus: added.map { $0 + 32 }, rectified, to: tile + 32)
        }
        if row &+ 4 <= last {
            let (tile, added) = (tile + 4 &* stride, added.map { $0 + 4 &* residualStride })
            store(c40 + bias0, plus: added, rectified, to: tile)
            store(c41 + bias1, plus: added.map { $0 + 16 }, rectified, to: tile + 16)
            store(c42 + bias2, plus: added.map { $0 + 32 }, rectified, to: tile + 32)
        }
        if row &+ 5 <= last {
            let (tile, added) = (tile + 5 &* stride, added.map { $0 + 5 &* residualStride })
            store(c50 + bias0, plus: added, rectified, to: tile)
            store(c51 + bias1, plus: added.map { $0 + 16 }, rectified, to: tile + 16)
            store(c52 + bias2, plus: added.map { $0 + 32 }, rectified, to: tile + 32)
        }
        if row &+ 6 <= last {
            let (tile, added) = (tile + 6 &* stride, added.map { $0 + 6 &* residualStride })
            store(c60 + bias0, plus: added, rectified, to: tile)
            store(c61 + bias1, plus: added.map { $0 + 16 }, rectified, to: tile + 16)
            store(c62 + bias2, plus: added.map { $0 + 32 }, rectified, to: tile + 32)
        }
        if row &+ 7 <= last {
            let (tile, added) = (tile + 7 &* stride, added.map { $0 + 7 &* residualStride })
            store(c70 + bias0, plus: added, rectified, to: tile)
            store(c71 + bias1, plus: added.map { $0 + 16 }, rectified, to: tile + 16)
            store(c72 + bias2, plus: added.map { $0 + 32 }, rectified, to: tile + 32)
        }
        row &+= 8
    }
}

/// The same for 32 columns: two panels.
public func multiplyTwoPanels(
    _ a: UnsafePointer<UInt16>, rowOffsets: UnsafePointer<Int>, rowCount: Int, segmentOffsets: UnsafePointer<Int>,
    segmentCount: Int, pairCount: Int, panels: UnsafePointer<UInt16>, panelLength: Int, ahead: UnsafePointer<UInt16>,
    bias: UnsafePointer<Float>, residual: UnsafePointer<Float>?, residualStride: Int, rectified: Bool,
    into c: UnsafeMutablePointer<Float>, stride: Int
) {
    let last = rowCount &- 1
    let aheadEnd = ahead + 2 &* panelLength
    var next = ahead
    var row = 0
    while row < rowCount {
        let start0 = a + rowOffsets[row]
        let start1 = a + rowOffsets[min(row &+ 1, last)]
        let start2 = a + rowOffsets[min(row &+ 2, last)]
        let start3 = a + rowOffsets[min(row &+ 3, last)]
        let start4 = a + rowOffsets[min(row &+ 4, last)]
        let start5 = a + rowOffsets[min(row &+ 5, last)]
        let start6 = a + rowOffsets[min(row &+ 6, last)]
        let start7 = a + rowOffsets[min(row &+ 7, last)]
        let start8 = a + rowOffsets[min(row &+ 8, last)]
        let start9 = a + rowOffsets[min(row &+ 9, last)]
        let start10 = a + rowOffsets[min(row &+ 10, last)]
        let start11 = a + rowOffsets[min(row &+ 11, last)]
        var c0x0 = Vector()
        var c0x1 = Vector()
        var c1x0 = Vector()
        var c1x1 = Vector()
        var c2x0 = Vector()
        var c2x1 = Vector()
        var c3x0 = Vector()
        var c3x1 = Vector()
        var c4x0 = Vector()
        var c4x1 = Vector()
        var c5x0 = Vector()
        var c5x1 = Vector()
        var c6x0 = Vector()
        var c6x1 = Vector()
        var c7x0 = Vector()
        var c7x1 = Vector()
        var c8x0 = Vector()
        var c8x1 = Vector()
        var c9x0 = Vector()
        var c9x1 = Vector()
        var c10x0 = Vector()
        var c10x1 = Vector()
        var c11x0 = Vector()
        var c11x1 = Vector()
        var b = panels
        var segment = 0
        while segment < segmentCount {
            let offset = segmentOffsets[segment]
            let a0 = start0 + offset
            let a1 = start1 + offset
            let a2 = start2 + offset
            let a3 = start3 + offset
            let a4 = start4 + offset
            let a5 = start5 + offset
            let a6 = start6 + offset
            let a7 = start7 + offset
            let a8 = start8 + offset
            let a9 = start9 + offset
            let a10 = start10 + offset
            let a11 = start11 + offset
            var k = 0
            while k < pairCount {
                let b0 = pairs(b)
                let b1 = pairs(b + panelLength)
                b += 32
                cbrainfloat_prefetch(next)
                next += 8
                var x = pair(a0, k)
                c0x0 = cbrainfloat_add_products(c0x0, x, b0)
                c0x1 = cbrainfloat_add_products(c0x1, x, b1)
                x = pair(a1, k)
                c1x0 = cbrainfloat_add_products(c1x0, x, b0)
                c1x1 = cbrainfloat_add_products(c1x1, x, b1)
                x = pair(a2, k)
                c2x0 = cbrainfloat_add_products(c2x0, x, b0)
                c2x1 = cbrainfloat_add_products(c2x1, x, b1)
                x = pair(a3, k)
                c3x0 = cbrainfloat_add_products(c3x0, x, b0)
                c3x1 = cbrainfloat_add_products(c3x1, x, b1)
                x = pair(a4, k)
                c4x0 = cbrainfloat_add_products(c4x0, x, b0)
                c4x1 = cbrainfloat_add_products(c4x1, x, b1)
                x = pair(a5, k)
                c5x0 = cbrainfloat_add_products(c5x0, x, b0)
                c5x1 = cbrainfloat_add_products(c5x1, x, b1)
                x = pair(a6, k)
                c6x0 = cbrainfloat_add_products(c6x0, x, b0)
                c6x1 = cbrainfloat_add_products(c6x1, x, b1)
                x = pair(a7, k)
                c7x0 = cbrainfloat_add_products(c7x0, x, b0)
                c7x1 = cbrainfloat_add_products(c7x1, x, b1)
                x = pair(a8, k)
                c8x0 = cbrainfloat_add_products(c8x0, x, b0)
                c8x1 = cbrainfloat_add_products(c8x1, x, b1)
                x = pair(a9, k)
                c9x0 = cbrainfloat_add_products(c9x0, x, b0)
                c9x1 = cbrainfloat_add_products(c9x1, x, b1)
                x = pair(a10, k)
                c10x0 = cbrainfloat_add_products(c10x0, x, b0)
                c10x1 = cbrainfloat_add_products(c10x1, x, b1)
                x = pair(a11, k)
                c11x0 = cbrainfloat_add_products(c11x0, x, b0)
                c11x1 = cbrainfloat_add_products(c11x1, x, b1)
                k &+= 1
            }
            segment &+= 1
        }
        if next >= aheadEnd { next = ahead }
        let tile = c + row &* stride
        let added = residual.map { $0 + row &* residualStride }
        let bias0 = load(bias)
        let bias1 = load(bias + 16)
        store(c0x0 + bias0, plus: added, rectified, to: tile)
        store(c0x1 + bias1, plus: added.map { $0 + 16 }, rectified, to: tile + 16)
        if row &+ 1 <= last {
            let (tile, added) = (tile + stride, added.map { $0 + 1 &* residualStride })
            store(c1x0 + bias0, plus: added, rectified, to: tile)
            store(c1x1 + bias1, plus: added.map { $0 + 16 }, rectified, to: tile + 16)
        }
        if row &+ 2 <= last {
            let (tile, added) = (tile + 2 &* stride, added.map { $0 + 2 &* residualStride })
            store(c2x0 + bias0, plus: added, rectified, to: tile)
            store(c2x1 + bias1, plus: added.map { $0 + 16 }, rectified, to: tile + 16)
        }
        if row &+ 3 <= last {
            let (tile, added) = (tile + 3 &* stride, added.map { $0 + 3 &* residualStride })
            store(c3x0 + bias0, plus: added, rectified, to: tile)
            store(c3x1 + bias1, plus: added.map { $0 + 16 }, rectified, to: tile + 16)
        }
        if row &+ 4 <= last {
            let (tile, added) = (tile + 4 &* stride, added.map { $0 + 4 &* residualStride })
            store(c4x0 + bias0, plus: added, rectified, to: tile)
            store(c4x1 + bias1, plus: added.map { $0 + 16 }, rectified, to: tile + 16)
        }
        if row &+ 5 <= last {
            let (tile, added) = (tile + 5 &* stride, added.map { $0 + 5 &* residualStride })
            store(c5x0 + bias0, plus: added, rectified, to: tile)
            store(c5x1 + bias1, plus: added.map { $0 + 16 }, rectified, to: tile + 16)
        }
        if row &+ 6 <= last {
            let (tile, added) = (tile + 6 &* stride, added.map { $0 + 6 &* residualStride })
            store(c6x0 + bias0, plus: added, rectified, to: tile)
            store(c6x1 + bias1, plus: added.map { $0 + 16 }, rectified, to: tile + 16)
        }
        if row &+ 7 <= last {
            let (tile, added) = (tile + 7 &* stride, added.map { $0 + 7 &* residualStride })
            store(c7x0 + bias0, plus: added, rectified, to: tile)
            store(c7x1 + bias1, plus: added.map { $0 + 16 }, rectified, to: tile + 16)
        }
        if row &+ 8 <= last {
            let (tile, added) = (tile + 8 &* stride, added.map { $0 + 8 &* residualStride })
            store(c8x0 + bias0, plus: added, rectified, to: tile)
            store(c8x1 + bias1, plus: added.map { $0 + 16 }, rectified, to: tile + 16)
        }
        if row &+ 9 <= last {
            let (tile, added) = (tile + 9 &* stride, added.map { $0 + 9 &* residualStride })
            store(c9x0 + bias0, plus: added, rectified, to: tile)
            store(c9x1 + bias1, plus: added.map { $0 + 16 }, rectified, to: tile + 16)
        }
        if row &+ 10 <= last {
            let (tile, added) = (tile + 10 &* stride, added.map { $0 + 10 &* residualStride })
            store(c10x0 + bias0, plus: added, rectified, to: tile)
            store(c10x1 + bias1, plus: added.map { $0 + 16 }, rectified, to: tile + 16)
        }
        if row &+ 11 <= last {
            let (tile, added) = (tile + 11 &* stride, added.map { $0 + 11 &* residualStride })
            store(c11x0 + bias0, plus: added, rectified, to: tile)
            store(c11x1 + bias1, plus: added.map { $0 + 16 }, rectified, to: tile + 16)
        }
        row &+= 12
    }
}

/// The same for 16 columns: one panel.
public func multiplyOnePanel(
    _ a: UnsafePointer<UInt16>, rowOffsets: UnsafePointer<Int>, rowCount: Int, segmentOffsets: UnsafePointer<Int>,
    segmentCount: Int, pairCount: Int, panels: UnsafePointer<UInt16>, panelLength: Int, ahead: UnsafePointer<UInt16>,
    bias: UnsafePointer<Float>, residual: UnsafePointer<Float>?, residualStride: Int, rectified: Bool,
    into c: UnsafeMutablePointer<Float>, stride: Int
) {
    let last = rowCount &- 1
    let aheadEnd = ahead + 1 &* panelLength
    var next = ahead
    var row = 0
    while row < rowCount {
        let start0 = a + rowOffsets[row]
        let start1 = a + rowOffsets[min(row &+ 1, last)]
        let start2 = a + rowOffsets[min(row &+ 2, last)]
        let start3 = a + rowOffsets[min(row &+ 3, last)]
        let start4 = a + rowOffsets[min(row &+ 4, last)]
        let start5 = a + rowOffsets[min(row &+ 5, last)]
        let start6 = a + rowOffsets[min(row &+ 6, last)]
        let start7 = a + rowOffsets[min(row &+ 7, last)]
        let start8 = a + rowOffsets[min(row &+ 8, last)]
        let start9 = a + rowOffsets[min(row &+ 9, last)]
        let start10 = a + rowOffsets[min(row &+ 10, last)]
        let start11 = a + rowOffsets[min(row &+ 11, last)]
        var c0 = Vector()
        var c1 = Vector()
        var c2 = Vector()
        var c3 = Vector()
        var c4 = Vector()
        var c5 = Vector()
        var c6 = Vector()
        var c7 = Vector()
        var c8 = Vector()
        var c9 = Vector()
        var c10 = Vector()
        var c11 = Vector()
        var b = panels
        var segment = 0
        while segment < segmentCount {
            let offset = segmentOffsets[segment]
            let a0 = start0 + offset
            let a1 = start1 + offset
            let a2 = start2 + offset
            let a3 = start3 + offset
            let a4 = start4 + offset
            let a5 = start5 + offset
            let a6 = start6 + offset
            let a7 = start7 + offset
            let a8 = start8 + offset
            let a9 = start9 + offset
            let a10 = start10 + offset
            let a11 = start11 + offset
            var k = 0
            while k < pairCount {
                let b0 = pairs(b)
                b += 32
                cbrainfloat_prefetch(next)
                next += 4
                c0 = cbrainfloat_add_products(c0, pair(a0, k), b0)
                c1 = cbrainfloat_add_products(c1, pair(a1, k), b0)
                c2 = cbrainfloat_add_products(c2, pair(a2, k), b0)
                c3 = cbrainfloat_add_products(c3, pair(a3, k), b0)
                c4 = cbrainfloat_add_products(c4, pair(a4, k), b0)
                c5 = cbrainfloat_add_products(c5, pair(a5, k), b0)
                c6 = cbrainfloat_add_products(c6, pair(a6, k), b0)
                c7 = cbrainfloat_add_products(c7, pair(a7, k), b0)
                c8 = cbrainfloat_add_products(c8, pair(a8, k), b0)
                c9 = cbrainfloat_add_products(c9, pair(a9, k), b0)
                c10 = cbrainfloat_add_products(c10, pair(a10, k), b0)
                c11 = cbrainfloat_add_products(c11, pair(a11, k), b0)
                k &+= 1
            }
            segment &+= 1
        }
        if next >= aheadEnd { next = ahead }
        let tile = c + row &* stride
        let added = residual.map { $0 + row &* residualStride }
        let bias0 = load(bias)
        store(c0 + bias0, plus: added, rectified, to: tile)
        if row &+ 1 <= last {
            store(c1 + bias0, plus: added.map { $0 + 1 &* residualStride }, rectified, to: tile + stride)
        }
        if row &+ 2 <= last {
            store(c2 + bias0, plus: added.map { $0 + 2 &* residualStride }, rectified, to: tile + 2 &* stride)
        }
        if row &+ 3 <= last {
            store(c3 + bias0, plus: added.map { $0 + 3 &* residualStride }, rectified, to: tile + 3 &* stride)
        }
        if row &+ 4 <= last {
            store(c4 + bias0, plus: added.map { $0 + 4 &* residualStride }, rectified, to: tile + 4 &* stride)
        }
        if row &+ 5 <= last {
            store(c5 + bias0, plus: added.map { $0 + 5 &* residualStride }, rectified, to: tile + 5 &* stride)
        }
        if row &+ 6 <= last {
            store(c6 + bias0, plus: added.map { $0 + 6 &* residualStride }, rectified, to: tile + 6 &* stride)
        }
        if row &+ 7 <= last {
            store(c7 + bias0, plus: added.map { $0 + 7 &* residualStride }, rectified, to: tile + 7 &* stride)
        }
        if row &+ 8 <= last {
            store(c8 + bias0, plus: added.map { $0 + 8 &* residualStride }, rectified, to: tile + 8 &* stride)
        }
        if row &+ 9 <= last {
            store(c9 + bias0, plus: added.map { $0 + 9 &* residualStride }, rectified, to: tile + 9 &* stride)
        }
        if row &+ 10 <= last {
            store(c10 + bias0, plus: added.map { $0 + 10 &* residualStride }, rectified, to: tile + 10 &* stride)
        }
        if row &+ 11 <= last {
            store(c11 + bias0, plus: added.map { $0 + 11 &* residualStride }, rectified, to: tile + 11 &* stride)
        }
        row &+= 12
    }
}

@inline(__always)
private func load(_ pointer: UnsafePointer<Float>) -> Vector {
    UnsafeRawPointer(pointer).loadUnaligned(as: Vector.self)
}

/// Two rows of a panel: a pair for each of its columns.
@inline(__always)
private func pairs(_ pointer: UnsafePointer<UInt16>) -> SIMD16<UInt32> {
    UnsafeRawPointer(pointer).loadUnaligned(as: SIMD16<UInt32>.self)
}

/// A pair of a row of A, for all columns.
@inline(__always)
private func pair(_ row: UnsafePointer<UInt16>, _ index: Int) -> SIMD16<UInt32> {
    SIMD16(repeating: UnsafeRawPointer(row).loadUnaligned(fromByteOffset: 4 &* index, as: UInt32.self))
}

@inline(__always)
private func store(
    _ sums: Vector, plus residual: UnsafePointer<Float>?, _ rectified: Bool,
    to destination: UnsafeMutablePointer<Float>
) {
    var result = sums
    if let residual { result += load(residual) }
    // Not a number stays one.
    if rectified { result.replace(with: 0, where: result .< 0) }
    UnsafeMutableRawPointer(destination).storeBytes(of: result, as: Vector.self)
}
