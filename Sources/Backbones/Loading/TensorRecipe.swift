import WeightFiles

/// How a tensor that a network asks for is made from those of a file.
///
/// An operation that does not apply (a reshape to another number of elements, rows that are not there) leaves the tensor
/// as it is, so that the file's own shape shows in the error that follows.
package indirect enum TensorRecipe: Equatable, Sendable {
    /// A tensor of the file, by the file's name.
    case file(String)
    /// The same elements in another shape.
    case reshaped(TensorRecipe, [Int])
    /// The same elements with the axes in another order: axis i of the result is axis `order[i]`.
    case transposed(TensorRecipe, [Int])
    /// Some of the indices of the first axis.
    case rows(TensorRecipe, Range<Int>)
    /// One after the other along the first axis; the other axes are the same.
    case joined([TensorRecipe])
    case zeros([Int])

    /// The tensors of the file that it is made from.
    package var fileNames: [String] {
        switch self {
        case .file(let name): [name]
        case .reshaped(let recipe, _), .transposed(let recipe, _), .rows(let recipe, _): recipe.fileNames
        case .joined(let recipes): recipes.flatMap(\.fileNames)
        case .zeros: []
        }
    }

    /// nil if the file lacks one of the tensors.
    package func shape(in source: any WeightSource) -> [Int]? {
        switch self {
        case .file(let name): return source.entry(name)?.shape
        case .reshaped(let recipe, let shape):
            return recipe.shape(in: source).map { Self.isReshape($0, to: shape) ? shape : $0 }
        case .transposed(let recipe, let order):
            return recipe.shape(in: source).map { shape in
                Self.isOrder(order, of: shape) ? order.map { shape[$0] } : shape
            }
        case .rows(let recipe, let rows):
            return recipe.shape(in: source).map { Self.has($0, rows) ? [rows.count] + $0.dropFirst() : $0 }
        case .joined(let recipes):
            let shapes = recipes.compactMap { $0.shape(in: source) }
            guard shapes.count == recipes.count, let first = shapes.first else { return nil }
            return Self.areJoinable(shapes) ? [shapes.reduce(0) { $0 + $1[0] }] + first.dropFirst() : first
        case .zeros(let shape): return shape
        }
    }

    /// The elements, slowest axis first. The file has to have the tensors.
    package func floats(from source: any WeightSource) throws -> [Float] {
        switch self {
        case .file(let name): return try source.floats(name)
        case .reshaped(let recipe, _): return try recipe.floats(from: source)
        case .transposed(let recipe, let order):
            let values = try recipe.floats(from: source)
            guard let shape = recipe.shape(in: source), Self.isOrder(order, of: shape) else { return values }
            return Self.transposed(values, shape, order)
        case .rows(let recipe, let rows):
            let values = try recipe.floats(from: source)
            guard let shape = recipe.shape(in: source), Self.has(shape, rows) else { return values }
            let length = shape.dropFirst().reduce(1, *)
            return Array(values[rows.lowerBound * length..<rows.upperBound * length])
        case .joined(let recipes):
            let areJoinable = Self.areJoinable(recipes.compactMap { $0.shape(in: source) })
            return try (areJoinable ? recipes[...] : recipes.prefix(1)).flatMap { try $0.floats(from: source) }
        case .zeros(let shape): return Array(repeating: 0, count: shape.reduce(1, *))
        }
    }

    // A file's shapes have been checked: their products do not overflow.

    private static func isReshape(_ shape: [Int], to other: [Int]) -> Bool {
        shape.reduce(1, *) == other.reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
            && other.allSatisfy { $0 >= 0 }
    }

    private static func isOrder(_ order: [Int], of shape: [Int]) -> Bool {
        order.sorted() == Array(shape.indices)
    }

    /// Walks over the result in order; its axes step through the values as far as the old ones did.
    private static func transposed(_ values: [Float], _ shape: [Int], _ order: [Int]) -> [Float] {
        guard !values.isEmpty, let last = order.last else { return values }
        var steps = [Int](repeating: 1, count: shape.count)
        for axis in shape.indices.dropLast().reversed() { steps[axis] = steps[axis + 1] * shape[axis + 1] }
        var result: [Float] = []
        result.reserveCapacity(values.count)
        var index = [Int](repeating: 0, count: order.count - 1)
        var start = 0
        while true {
            for place in 0..<shape[last] { result.append(values[start + place * steps[last]]) }
            var axis = index.count - 1
            while axis >= 0 {
                index[axis] += 1
                start += steps[order[axis]]
                if index[axis] < shape[order[axis]] { break }
                start -= shape[order[axis]] * steps[order[axis]]
                index[axis] = 0
                axis -= 1
            }
            if axis < 0 { return result }
        }
    }

    private static func has(_ shape: [Int], _ rows: Range<Int>) -> Bool {
        rows.lowerBound >= 0 && rows.upperBound <= shape.first ?? 0
    }

    private static func areJoinable(_ shapes: [[Int]]) -> Bool {
        shapes.allSatisfy { !$0.isEmpty && $0.dropFirst() == shapes[0].dropFirst() }
    }
}
