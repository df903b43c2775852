import CVectorShim

// Products A * B of rows of A in which many elements are zero, as behind ReLU. Two rows go together, and of them only the places where
// one of the two is not zero: neighbouring pixels have their zeros in much the same places, and what is loaded of B serves both.
//
// A zero adds nothing to a chain of fused multiply-adds, so each element has the bits of the whole chain, as long as B is finite: a sum
// that is zero may have another sign on the way, which ends when something that is not -0 is added to it.

/// In how many of `count` places, a multiple of 16, one of two rows is not zero.
@inlinable @inline(__always)
public func countNonzeros(_ first: UnsafePointer<Float>, _ second: UnsafePointer<Float>, count: Int) -> Int {
    var found = 0
    var k = 0
    while k < count {
        found &+= cvector_nonzero_bits(first + k, second + k).nonzeroBitCount
        k &+= 16
    }
    return found
}

/// The indices of the places where one of two rows is not zero, of each of some pairs of rows.
///
/// - Parameters:
///   - a: the first of the elements that count, to which a row's offset is added: `count` of them, a multiple of 16 and at most 240.
///   - rowOffsets: of two rows for each pair.
///   - bitIndices: of each byte the numbers of the bits it has, in the bytes of an integer, the lowest first, then what may be anything.
///   - indices: of each pair `listLength` bytes, at least eight more than `count`: up to eight behind the last are written.
///   - counts: how many places each pair has.
@inlinable @inline(__always)
public func listNonzeros(
    _ a: UnsafePointer<Float>, rowOffsets: UnsafePointer<Int>, pairCount: Int, count: Int,
    bitIndices: UnsafePointer<UInt64>, indices: UnsafeMutablePointer<UInt8>, listLength: Int,
    counts: UnsafeMutablePointer<Int>
) {
    var list = UnsafeMutableRawPointer(indices)
    var pair = 0
    while pair < pairCount {
        let first = a + rowOffsets[2 &* pair]
        let second = a + rowOffsets[2 &* pair &+ 1]
        var found = 0
        var k = 0
        while k < count {
            var bits = cvector_nonzero_bits(first + k, second + k)
            var half = 0
            while half < 2 {
                let byte = bits & 0xff
                let offset = UInt64(truncatingIfNeeded: k &+ 8 &* half) &* 0x0101_0101_0101_0101
                list.storeBytes(of: bitIndices[byte] &+ offset, toByteOffset: found, as: UInt64.self)
                found &+= byte.nonzeroBitCount
                bits &>>= 8
                half &+= 1
            }
            k &+= 16
        }
        counts[pair] = found
        list += listLength
        pair &+= 1
    }
}

/// Two rows of sixteen columns of a product, while it is made.
@usableFromInline
struct RowPairSums {
    @usableFromInline var first = Vector()
    @usableFromInline var second = Vector()

    @inlinable @inline(__always)
    init() {}

    @inlinable @inline(__always)
    init(_ row: UnsafeMutablePointer<Float>, stride: Int) {
        first = load(row)
        second = load(row + stride)
    }

    @inlinable @inline(__always)
    mutating func add(_ x: Vector, _ y: Vector, times row: UnsafePointer<Float>) {
        let row = load(row)
        first.addProduct(x, row)
        second.addProduct(y, row)
    }

    @inlinable @inline(__always)
    func write(to row: UnsafeMutablePointer<Float>, stride: Int) {
        store(first, to: row)
        store(second, to: row + stride)
    }

    /// With what is added at the end of the sums; what is below `floor` then becomes zero.
    @inlinable @inline(__always)
    func write(
        to row: UnsafeMutablePointer<Float>, stride: Int, adding added: UnsafePointer<Float>, floor: Vector
    ) {
        let added = load(added)
        let (x, y) = (first + added, second + added)
        store(x.replacing(with: Vector(), where: x .< floor), to: row)
        store(y.replacing(with: Vector(), where: y .< floor), to: row + stride)
    }
}

/// C + A * B in the place of C, or A * B if C `isNew`, for pairs of rows and 32 columns of B, two panels.
///
/// - Parameters:
///   - a: the first of the elements that are multiplied, to which a row's offset is added.
///   - rowOffsets, indices, listLength, counts: as `listNonzeros` has them.
///   - panels: the rows of B that belong to these elements, 16 columns; of the next 16 they are `panelLength` floats further on.
///   - added: if the sums end here, what is added to each row, nowhere -0.
///   - rectified: whether relu of it is wanted then.
///   - c: the first row.
@inlinable @inline(__always)
public func multiplySparsePairsByTwoPanels(
    _ a: UnsafePointer<Float>, rowOffsets: UnsafePointer<Int>, pairCount: Int, indices: UnsafePointer<UInt8>,
    listLength: Int, counts: UnsafePointer<Int>, panels: UnsafePointer<Float>, panelLength: Int, isNew: Bool,
    adding added: UnsafePointer<Float>?, rectified: Bool, into c: UnsafeMutablePointer<Float>, stride: Int
) {
    let floor = Vector(repeating: rectified ? 0 : -.infinity)
    var (list, row) = (indices, c)
    var pair = 0
    while pair < pairCount {
        let first = a + rowOffsets[2 &* pair]
        let second = a + rowOffsets[2 &* pair &+ 1]
        var s0 = RowPairSums()
        var s1 = RowPairSums()
        if !isNew {
            s0 = RowPairSums(row, stride: stride)
            s1 = RowPairSums(row + 16, stride: stride)
        }
        let count = counts[pair]
        var i = 0
        while i < count {
            let k = Int(truncatingIfNeeded: list[i])
            let (x, y) = (Vector(repeating: first[k]), Vector(repeating: second[k]))
            let b = panels + 16 &* k
            s0.add(x, y, times: b)
            s1.add(x, y, times: b + panelLength)
            i &+= 1
        }
        if let added {
            s0.write(to: row, stride: stride, adding: added, floor: floor)
            s1.write(to: row + 16, stride: stride, adding: added + 16, floor: floor)
        } else {
            s0.write(to: row, stride: stride)
            s1.write(to: row + 16, stride: stride)
        }
        list += listLength
        row += 2 &* stride
        pair &+= 1
    }
}

/// The same with 128 columns, eight panels.
@inlinable @inline(__always)
public func multiplySparsePairsByEightPanels(
    _ a: UnsafePointer<Float>, rowOffsets: UnsafePointer<Int>, pairCount: Int, indices: UnsafePointer<UInt8>,
    listLength: Int, counts: UnsafePointer<Int>, panels: UnsafePointer<Float>, panelLength: Int, isNew: Bool,
    adding added: UnsafePointer<Float>?, rectified: Bool, into c: UnsafeMutablePointer<Float>, stride: Int
) {
    let floor = Vector(repeating: rectified ? 0 : -.infinity)
    var (list, row) = (indices, c)
    var pair = 0
    while pair < pairCount {
        let first = a + rowOffsets[2 &* pair]
        let second = a + rowOffsets[2 &* pair &+ 1]
        var s0 = RowPairSums()
        var s1 = RowPairSums()
        var s2 = RowPairSums()
        var s3 = RowPairSums()
        var s4 = RowPairSums()
        var s5 = RowPairSums()
        var s6 = RowPairSums()
        var s7 = RowPairSums()
        if !isNew {
            s0 = RowPairSums(row, stride: stride)
            s1 = RowPairSums(row + 16, stride: stride)
            s2 = RowPairSums(row + 32, stride: stride)
            s3 = RowPairSums(row + 48, stride: stride)
            s4 = RowPairSums(row + 64, stride: stride)
            s5 = RowPairSums(row + 80, stride: stride)
            s6 = RowPairSums(row + 96, stride: stride)
            s7 = RowPairSums(row + 112, stride: stride)
        }
        let count = counts[pair]
        var i = 0
        while i < count {
            let k = Int(truncatingIfNeeded: list[i])
            let (x, y) = (Vector(repeating: first[k]), Vector(repeating: second[k]))
            let b = panels + 16 &* k
            s0.add(x, y, times: b)
            s1.add(x, y, times: b + panelLength)
            s2.add(x, y, times: b + 2 &* panelLength)
            s3.add(x, y, times: b + 3 &* panelLength)
            s4.add(x, y, times: b + 4 &* panelLength)
            s5.add(x, y, times: b + 5 &* panelLength)
            s6.add(x, y, times: b + 6 &* panelLength)
            s7.add(x, y, times: b + 7 &* panelLength)
            i &+= 1
        }
        if let added {
            s0.write(to: row, stride: stride, adding: added, floor: floor)
            s1.write(to: row + 16, stride: stride, adding: added + 16, floor: floor)
            s2.write(to: row + 32, stride: stride, adding: added + 32, floor: floor)
            s3.write(to: row + 48, stride: stride, adding: added + 48, floor: floor)
            s4.write(to: row + 64, stride: stride, adding: added + 64, floor: floor)
            s5.write(to: row + 80, stride: stride, adding: added + 80, floor: floor)
            s6.write(to: row + 96, stride: stride, adding: added + 96, floor: floor)
            s7.write(to: row + 112, stride: stride, adding: added + 112, floor: floor)
        } else {
            s0.write(to: row, stride: stride)
            s1.write(to: row + 16, stride: stride)
            s2.write(to: row + 32, stride: stride)
            s3.write(to: row + 48, stride: stride)
            s4.write(to: row + 64, stride: stride)
            s5.write(to: row + 80, stride: stride)
            s6.write(to: row + 96, stride: stride)
            s7.write(to: row + 112, stride: stride)
        }
        list += listLength
        row += 2 &* stride
        pair &+= 1
    }
}
