// Loops over contiguous floats: sixteen at a time, then the rest one by one with the same arithmetic, so that a result does not
// depend on where in the array an element is.

/// x[i] += y[i], and max(., 0) of it if `rectified`.
@inlinable @inline(__always)
public func add(_ y: UnsafePointer<Float>, to x: UnsafeMutablePointer<Float>, count: Int, rectified: Bool) {
    var i = 0
    while i &+ 16 <= count {
        let sum = load(x + i) + load(y + i)
        store(rectified ? sum.rectified : sum, to: x + i)
        i &+= 16
    }
    while i < count {
        let sum = x[i] + y[i]
        x[i] = rectified ? sum.rectified : sum
        i &+= 1
    }
}

/// GELU of the elements of a matrix whose rows are `stride` floats apart, in place.
@inlinable @inline(__always)
public func applyGELU(to x: UnsafeMutablePointer<Float>, rowCount: Int, columnCount: Int, stride: Int) {
    var row = x
    var left = rowCount
    while left > 0 {
        var i = 0
        while i < columnCount {
            // One call for whole vectors and the rest: the compiler inlines no second one.
            let isWhole = i &+ 16 <= columnCount
            let result = (isWhole ? load(row + i) : load(row + i, count: columnCount &- i)).gelu
            if isWhole {
                store(result, to: row + i)
            } else {
                store(result, to: row + i, count: columnCount &- i)
            }
            i &+= 16
        }
        row += stride
        left &-= 1
    }
}

/// y[i] = max(scale[i] * x[i] + shift[i], 0).
@inlinable @inline(__always)
public func rectifiedAffine(
    _ x: UnsafePointer<Float>, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>,
    into y: UnsafeMutablePointer<Float>, count: Int
) {
    var i = 0
    while i &+ 16 <= count {
        store(load(shift + i).addingProduct(load(x + i), load(scale + i)).rectified, to: y + i)
        i &+= 16
    }
    while i < count {
        y[i] = shift[i].addingProduct(x[i], scale[i]).rectified
        i &+= 1
    }
}

/// y[i] = the mean of max(scale[i] * p[i] + shift[i], 0) over the four pixels p at x, `right` and `below` floats from it,
/// and at both.
@inlinable @inline(__always)
public func averageOfRectified(
    _ x: UnsafePointer<Float>, right: Int, below: Int, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>,
    into y: UnsafeMutablePointer<Float>, count: Int
) {
    let (x1, x2, x3) = (x + right, x + below, x + right + below)
    var i = 0
    while i &+ 16 <= count {
        let (a, b) = (load(scale + i), load(shift + i))
        let upper = b.addingProduct(load(x + i), a).rectified + b.addingProduct(load(x1 + i), a).rectified
        let lower = b.addingProduct(load(x2 + i), a).rectified + b.addingProduct(load(x3 + i), a).rectified
        store((upper + lower) * 0.25, to: y + i)
        i &+= 16
    }
    while i < count {
        let (a, b) = (scale[i], shift[i])
        let upper = b.addingProduct(x[i], a).rectified + b.addingProduct(x1[i], a).rectified
        let lower = b.addingProduct(x2[i], a).rectified + b.addingProduct(x3[i], a).rectified
        y[i] = (upper + lower) * 0.25
        i &+= 1
    }
}

/// y[i] = the largest of p[i] over some pixels p, at least one; NaN in any of them wins.
@inlinable @inline(__always)
public func takeMaximum(
    of pixels: UnsafePointer<UnsafePointer<Float>>, pixelCount: Int, into y: UnsafeMutablePointer<Float>, count: Int
) {
    var next = 0
    // The last vector overlaps the one before it.
    while count >= 16, next < count {
        let i = min(next, count &- 16)
        var greatest = load(pixels[0] + i)
        var pixel = 1
        while pixel < pixelCount {
            let new = load(pixels[pixel] + i)
            greatest.replace(with: new, where: (new .> greatest) .| (new .!= new))
            pixel &+= 1
        }
        store(greatest, to: y + i)
        next &+= 16
    }
    while next < count {
        var greatest = pixels[0][next]
        var pixel = 1
        while pixel < pixelCount {
            let new = pixels[pixel][next]
            if new > greatest || new != new { greatest = new }
            pixel &+= 1
        }
        y[next] = greatest
        next &+= 1
    }
}
