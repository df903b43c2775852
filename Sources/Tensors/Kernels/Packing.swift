// Operands of products, copied into the order in which the tile kernel reads them.

/// `columnCount` columns of a matrix that is stored row by row, in panels of 16 that follow each other, the last filled up with
/// zeros.
///
/// Goes through the panels 8 rows at a time: their pieces of a row lie side by side, and a large matrix has its rows on
/// different pages.
func packRows(
    _ matrix: UnsafePointer<Float>, stride: Int, depth: Int, columnCount: Int,
    into panels: UnsafeMutablePointer<Float>
) {
    let width = PackedMatrix.panelWidth
    for first in Swift.stride(from: 0, to: depth, by: 8) {
        for column in Swift.stride(from: 0, to: columnCount, by: width) {
            let count = min(width, columnCount &- column)
            var source = matrix + (first &* stride &+ column)
            var target = panels + (column &* depth &+ first &* width)
            for _ in first..<min(first &+ 8, depth) {
                if count == width {
                    store(load(source), to: target)
                    store(load(source + 8), to: target + 8)
                } else {
                    target.update(from: source, count: count)
                    (target + count).update(repeating: 0, count: width &- count)
                }
                source += stride
                target += width
            }
        }
    }
}

/// The same of a matrix that is stored column by column.
func packColumns(
    _ matrix: UnsafePointer<Float>, stride: Int, depth: Int, columnCount: Int,
    into panels: UnsafeMutablePointer<Float>
) {
    let width = PackedMatrix.panelWidth
    for column in Swift.stride(from: 0, to: columnCount, by: width) {
        let panel = panels + column &* depth
        let count = min(width, columnCount &- column)
        if count < width { panel.update(repeating: 0, count: depth &* width) }
        transpose(
            matrix + column &* stride, stride: stride, rowCount: count, columnCount: depth, into: panel, stride: width)
    }
}

/// The transpose [columnCount, rowCount] of a matrix [rowCount, columnCount].
func transpose(
    _ matrix: UnsafePointer<Float>, stride: Int, rowCount: Int, columnCount: Int,
    into result: UnsafeMutablePointer<Float>, stride resultStride: Int
) {
    let (wholeRows, wholeColumns) = (rowCount & ~7, columnCount & ~7)
    var column = 0
    while column < wholeColumns {
        var row = 0
        while row < wholeRows {
            let block = matrix + (row &* stride &+ column)
            transposeBlock(into: result + (column &* resultStride &+ row), stride: resultStride) {
                block + $0 &* stride
            }
            row &+= 8
        }
        column &+= 8
    }
    for row in 0..<rowCount {
        for column in (row < wholeRows ? wholeColumns : 0)..<columnCount {
            result[column &* resultStride &+ row] = matrix[row &* stride &+ column]
        }
    }
}

/// 8 x 8 elements: with each of three rounds the six bits of an element's place, (row, column), turn by one.
///
/// - Parameters:
///   - factors: what each of the rows is multiplied by.
///   - row: where a row begins.
@inline(__always)
func transposeBlock(
    into target: UnsafeMutablePointer<Float>, stride: Int, multiplyingBy factors: SIMD8<Float>? = nil,
    row: (Int) -> UnsafePointer<Float>
) {
    var block = (
        load(row(0)), load(row(1)), load(row(2)), load(row(3)), load(row(4)), load(row(5)), load(row(6)), load(row(7))
    )
    block = unshuffled(unshuffled(unshuffled(block)))
    func put(_ column: SIMD8<Float>, _ index: Int) {
        store(factors.map { column * $0 } ?? column, to: target + index &* stride)
    }
    put(block.0, 0)
    put(block.1, 1)
    put(block.2, 2)
    put(block.3, 3)
    put(block.4, 4)
    put(block.5, 5)
    put(block.6, 6)
    put(block.7, 7)
}

private typealias Block = (
    SIMD8<Float>, SIMD8<Float>, SIMD8<Float>, SIMD8<Float>, SIMD8<Float>, SIMD8<Float>, SIMD8<Float>, SIMD8<Float>
)

/// The 64 elements at even places, then those at odd places.
@inline(__always)
private func unshuffled(_ block: Block) -> Block {
    let first = SIMD16(lowHalf: block.0, highHalf: block.1)
    let second = SIMD16(lowHalf: block.2, highHalf: block.3)
    let third = SIMD16(lowHalf: block.4, highHalf: block.5)
    let fourth = SIMD16(lowHalf: block.6, highHalf: block.7)
    return (
        first.evenHalf, second.evenHalf, third.evenHalf, fourth.evenHalf,
        first.oddHalf, second.oddHalf, third.oddHalf, fourth.oddHalf
    )
}
