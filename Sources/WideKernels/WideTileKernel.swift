import CVectorShim

// The tile kernel of `Tensors` for processors with AVX-512: the same chains of fused multiply-adds, and so the same bits, with
// registers twice as wide and twice as many. A tile is 6 rows by 4 or 2 panels of 16 columns, or 12 rows by one.
//
// A target of its own because it is compiled for another processor than the rest. Nothing in it is called before the
// processor has been asked. It has no types: the code that the compiler makes for those can be shared between modules, and
// must not be this one's.
//
// The rows of A lie as `GatheredRows` in `Tensors` says, those of B in panels as `PackedMatrix` does, what is added as
// `AddedRows` does. All index arithmetic wraps: the callers have checked the shapes, and a check in the innermost loop would
// cost as much as its work.

private typealias Vector = SIMD16<Float>

/// relu?(A * B + added) for 64 columns of B: four panels, `panelLength` floats apart.
public func multiplyFourPanels(
    _ a: UnsafePointer<Float>, rowOffsets: UnsafePointer<Int>, rowCount: Int, segmentOffsets: UnsafePointer<Int>,
    segmentCount: Int, segmentLength: Int, panels: UnsafePointer<Float>, panelLength: Int,
    adding added: UnsafePointer<Float>, addedStride: Int, rectified: Bool, into c: UnsafeMutablePointer<Float>,
    stride: Int
) {
    multiplyFourPanels(
        a, rowOffsets, rowCount, segmentOffsets, segmentCount, segmentLength, panels, panelLength, added, addedStride,
        rectified, c, stride, upcoming: nil, 0)
}

/// The same for rows that are in no cache of the core: while a tile is computed, the rows of the next one are fetched. So is, with every
/// sixteen terms of a tile's sums, what is needed after this call: 64 floats at `upcoming`, then those `upcomingStride` floats further on.
public func multiplyFourPanelsFetchingRows(
    _ a: UnsafePointer<Float>, rowOffsets: UnsafePointer<Int>, rowCount: Int, segmentOffsets: UnsafePointer<Int>,
    segmentCount: Int, segmentLength: Int, panels: UnsafePointer<Float>, panelLength: Int,
    adding added: UnsafePointer<Float>, addedStride: Int, rectified: Bool, into c: UnsafeMutablePointer<Float>,
    stride: Int, upcoming: UnsafePointer<Float>, upcomingStride: Int
) {
    multiplyFourPanels(
        a, rowOffsets, rowCount, segmentOffsets, segmentCount, segmentLength, panels, panelLength, added, addedStride,
        rectified, c, stride, upcoming: upcoming, upcomingStride)
}

@inline(__always)
private func multiplyFourPanels(
    _ a: UnsafePointer<Float>, _ rowOffsets: UnsafePointer<Int>, _ rowCount: Int,
    _ segmentOffsets: UnsafePointer<Int>, _ segmentCount: Int, _ segmentLength: Int, _ panels: UnsafePointer<Float>,
    _ panelLength: Int, _ added: UnsafePointer<Float>, _ addedStride: Int, _ rectified: Bool,
    _ c: UnsafeMutablePointer<Float>, _ stride: Int, upcoming: UnsafePointer<Float>?, _ upcomingStride: Int
) {
    let last = rowCount &- 1
    var upcoming = upcoming
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
            while k < segmentLength {
                if let later = upcoming, k & 15 == 0 {
                    cvector_prefetch_for_later(later)
                    cvector_prefetch_for_later(later + 16)
                    cvector_prefetch_for_later(later + 32)
                    cvector_prefetch_for_later(later + 48)
                    upcoming = later + upcomingStride
                    let next = a + (offset &+ k)
                    cvector_prefetch_for_reading(next + rowOffsets[min(row &+ 6, last)])
                    cvector_prefetch_for_reading(next + rowOffsets[min(row &+ 7, last)])
                    cvector_prefetch_for_reading(next + rowOffsets[min(row &+ 8, last)])
                    cvector_prefetch_for_reading(next + rowOffsets[min(row &+ 9, last)])
                    cvector_prefetch_for_reading(next + rowOffsets[min(row &+ 10, last)])
                    cvector_prefetch_for_reading(next + rowOffsets[min(row &+ 11, last)])
                }
                let b0 = load(b)
                let b1 = load(b + panelLength)
                let b2 = load(b + 2 &* panelLength)
                let b3 = load(b + 3 &* panelLength)
                b += 16
                var x = Vector(repeating: a0[k])
                c00.addProduct(x, b0)
                c01.addProduct(x, b1)
                c02.addProduct(x, b2)
                c03.addProduct(x, b3)
                x = Vector(repeating: a1[k])
                c10.addProduct(x, b0)
                c11.addProduct(x, b1)
                c12.addProduct(x, b2)
                c13.addProduct(x, b3)
                x = Vector(repeating: a2[k])
                c20.addProduct(x, b0)
                c21.addProduct(x, b1)
                c22.addProduct(x, b2)
                c23.addProduct(x, b3)
                x = Vector(repeating: a3[k])
                c30.addProduct(x, b0)
                c31.addProduct(x, b1)
                c32.addProduct(x, b2)
                c33.addProduct(x, b3)
                x = Vector(repeating: a4[k])
                c40.addProduct(x, b0)
                c41.addProduct(x, b1)
                c42.addProduct(x, b2)
                c43.addProduct(x, b3)
                x = Vector(repeating: a5[k])
                c50.addProduct(x, b0)
                c51.addProduct(x, b1)
                c52.addProduct(x, b2)
                c53.addProduct(x, b3)
                k &+= 1
            }
            segment &+= 1
        }
        let tile = c + row &* stride
        let rows = added + row &* addedStride
        store(c00 + load(rows), rectified, to: tile)
        store(c01 + load(rows + 16), rectified, to: tile + 16)
        store(c02 + load(rows + 32), rectified, to: tile + 32)
        store(c03 + load(rows + 48), rectified, to: tile + 48)
        if row &+ 1 <= last {
            store(c10 + load(rows + addedStride), rectified, to: tile + stride)
            store(c11 + load(rows + addedStride + 16), rectified, to: tile + stride + 16)
            store(c12 + load(rows + addedStride + 32), rectified, to: tile + stride + 32)
            store(c13 + load(rows + addedStride + 48), rectified, to: tile + stride + 48)
        }
        if row &+ 2 <= last {
            store(c20 + load(rows + 2 &* addedStride), rectified, to: tile + 2 &* stride)
            store(c21 + load(rows + 2 &* addedStride + 16), rectified, to: tile + 2 &* stride + 16)
            store(c22 + load(rows + 2 &* addedStride + 32), rectified, to: tile + 2 &* stride + 32)
            store(c23 + load(rows + 2 &* addedStride + 48), rectified, to: tile + 2 &* stride + 48)
        }
        if row &+ 3 <= last {
            store(c30 + load(rows + 3 &* addedStride), rectified, to: tile + 3 &* stride)
            store(c31 + load(rows + 3 &* addedStride + 16), rectified, to: tile + 3 &* stride + 16)
            store(c32 + load(rows + 3 &* addedStride + 32), rectified, to: tile + 3 &* stride + 32)
            store(c33 + load(rows + 3 &* addedStride + 48), rectified, to: tile + 3 &* stride + 48)
        }
        if row &+ 4 <= last {
            store(c40 + load(rows + 4 &* addedStride), rectified, to: tile + 4 &* stride)
            store(c41 + load(rows + 4 &* addedStride + 16), rectified, to: tile + 4 &* stride + 16)
            store(c42 + load(rows + 4 &* addedStride + 32), rectified, to: tile + 4 &* stride + 32)
            store(c43 + load(rows + 4 &* addedStride + 48), rectified, to: tile + 4 &* stride + 48)
        }
        if row &+ 5 <= last {
            store(c50 + load(rows + 5 &* addedStride), rectified, to: tile + 5 &* stride)
            store(c51 + load(rows + 5 &* addedStride + 16), rectified, to: tile + 5 &* stride + 16)
            store(c52 + load(rows + 5 &* addedStride + 32), rectified, to: tile + 5 &* stride + 32)
            store(c53 + load(rows + 5 &* addedStride + 48), rectified, to: tile + 5 &* stride + 48)
        }
        row &+= 6
    }
}

/// The same for 32 columns: two panels.
public func multiplyTwoPanels(
    _ a: UnsafePointer<Float>, rowOffsets: UnsafePointer<Int>, rowCount: Int, segmentOffsets: UnsafePointer<Int>,
    segmentCount: Int, segmentLength: Int, panels: UnsafePointer<Float>, panelLength: Int,
    adding added: UnsafePointer<Float>, addedStride: Int, rectified: Bool, into c: UnsafeMutablePointer<Float>,
    stride: Int
) {
    let last = rowCount &- 1
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
        var c10 = Vector()
        var c11 = Vector()
        var c20 = Vector()
        var c21 = Vector()
        var c30 = Vector()
        var c31 = Vector()
        var c40 = Vector()
        var c41 = Vector()
        var c50 = Vector()
        var c51 = Vector()
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
            while k < segmentLength {
                let b0 = load(b)
                let b1 = load(b + panelLength)
                b += 16
                var x = Vector(repeating: a0[k])
                c00.addProduct(x, b0)
                c01.addProduct(x, b1)
                x = Vector(repeating: a1[k])
                c10.addProduct(x, b0)
                c11.addProduct(x, b1)
                x = Vector(repeating: a2[k])
                c20.addProduct(x, b0)
                c21.addProduct(x, b1)
                x = Vector(repeating: a3[k])
                c30.addProduct(x, b0)
                c31.addProduct(x, b1)
                x = Vector(repeating: a4[k])
                c40.addProduct(x, b0)
                c41.addProduct(x, b1)
                x = Vector(repeating: a5[k])
                c50.addProduct(x, b0)
                c51.addProduct(x, b1)
                k &+= 1
            }
            segment &+= 1
        }
        let tile = c + row &* stride
        let rows = added + row &* addedStride
        store(c00 + load(rows), rectified, to: tile)
        store(c01 + load(rows + 16), rectified, to: tile + 16)
        if row &+ 1 <= last {
            store(c10 + load(rows + addedStride), rectified, to: tile + stride)
            store(c11 + load(rows + addedStride + 16), rectified, to: tile + stride + 16)
        }
        if row &+ 2 <= last {
            store(c20 + load(rows + 2 &* addedStride), rectified, to: tile + 2 &* stride)
            store(c21 + load(rows + 2 &* addedStride + 16), rectified, to: tile + 2 &* stride + 16)
        }
        if row &+ 3 <= last {
            store(c30 + load(rows + 3 &* addedStride), rectified, to: tile + 3 &* stride)
            store(c31 + load(rows + 3 &* addedStride + 16), rectified, to: tile + 3 &* stride + 16)
        }
        if row &+ 4 <= last {
            store(c40 + load(rows + 4 &* addedStride), rectified, to: tile + 4 &* stride)
            store(c41 + load(rows + 4 &* addedStride + 16), rectified, to: tile + 4 &* stride + 16)
        }
        if row &+ 5 <= last {
            store(c50 + load(rows + 5 &* addedStride), rectified, to: tile + 5 &* stride)
            store(c51 + load(rows + 5 &* addedStride + 16), rectified, to: tile + 5 &* stride + 16)
        }
        row &+= 6
    }
}

/// The same for 16 columns: one panel. A tile has 12 rows, so that as many sums run as in that of two panels.
public func multiplyOnePanel(
    _ a: UnsafePointer<Float>, rowOffsets: UnsafePointer<Int>, rowCount: Int, segmentOffsets: UnsafePointer<Int>,
    segmentCount: Int, segmentLength: Int, panels: UnsafePointer<Float>, panelLength: Int,
    adding added: UnsafePointer<Float>, addedStride: Int, rectified: Bool, into c: UnsafeMutablePointer<Float>,
    stride: Int
) {
    let last = rowCount &- 1
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
            while k < segmentLength {
                let b0 = load(b)
                b += 16
                c0.addProduct(Vector(repeating: a0[k]), b0)
                c1.addProduct(Vector(repeating: a1[k]), b0)
                c2.addProduct(Vector(repeating: a2[k]), b0)
                c3.addProduct(Vector(repeating: a3[k]), b0)
                c4.addProduct(Vector(repeating: a4[k]), b0)
                c5.addProduct(Vector(repeating: a5[k]), b0)
                c6.addProduct(Vector(repeating: a6[k]), b0)
                c7.addProduct(Vector(repeating: a7[k]), b0)
                c8.addProduct(Vector(repeating: a8[k]), b0)
                c9.addProduct(Vector(repeating: a9[k]), b0)
                c10.addProduct(Vector(repeating: a10[k]), b0)
                c11.addProduct(Vector(repeating: a11[k]), b0)
                k &+= 1
            }
            segment &+= 1
        }
        let tile = c + row &* stride
        let rows = added + row &* addedStride
        store(c0 + load(rows), rectified, to: tile)
        if row &+ 1 <= last { store(c1 + load(rows + 1 &* addedStride), rectified, to: tile + 1 &* stride) }
        if row &+ 2 <= last { store(c2 + load(rows + 2 &* addedStride), rectified, to: tile + 2 &* stride) }
        if row &+ 3 <= last { store(c3 + load(rows + 3 &* addedStride), rectified, to: tile + 3 &* stride) }
        if row &+ 4 <= last { store(c4 + load(rows + 4 &* addedStride), rectified, to: tile + 4 &* stride) }
        if row &+ 5 <= last { store(c5 + load(rows + 5 &* addedStride), rectified, to: tile + 5 &* stride) }
        if row &+ 6 <= last { store(c6 + load(rows + 6 &* addedStride), rectified, to: tile + 6 &* stride) }
        if row &+ 7 <= last { store(c7 + load(rows + 7 &* addedStride), rectified, to: tile + 7 &* stride) }
        if row &+ 8 <= last { store(c8 + load(rows + 8 &* addedStride), rectified, to: tile + 8 &* stride) }
        if row &+ 9 <= last { store(c9 + load(rows + 9 &* addedStride), rectified, to: tile + 9 &* stride) }
        if row &+ 10 <= last { store(c10 + load(rows + 10 &* addedStride), rectified, to: tile + 10 &* stride) }
        if row &+ 11 <= last { store(c11 + load(rows + 11 &* addedStride), rectified, to: tile + 11 &* stride) }
        row &+= 12
    }
}

@inline(__always)
private func load(_ pointer: UnsafePointer<Float>) -> Vector {
    UnsafeRawPointer(pointer).loadUnaligned(as: Vector.self)
}

@inline(__always)
private func store(_ sums: Vector, _ rectified: Bool, to destination: UnsafeMutablePointer<Float>) {
    let result = rectified ? sums.replacing(with: 0, where: sums .< 0) : sums
    UnsafeMutableRawPointer(destination).storeBytes(of: result, as: Vector.self)
}
