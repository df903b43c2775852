/// What a file says about one of its tensors.
public struct TensorEntry: Equatable, Sendable {
    public let name: String
    public let elementType: ElementType
    /// The length of each axis, slowest first; empty for a single number.
    public let shape: [Int]
    /// Where the tensor's bytes are, counted from the front of the file. Of a tensor whose elements do not lie together
    /// in the order of its shape, or are compressed, where the storage that holds them is.
    public let byteRange: Range<Int>

    public init(name: String, elementType: ElementType, shape: [Int], byteRange: Range<Int>) {
        self.name = name
        self.elementType = elementType
        self.shape = shape
        self.byteRange = byteRange
    }

    /// The number of elements.
    public var elementCount: Int { shape.reduce(1, *) }  // whoever makes an entry has checked the product

    /// The product of `shape` and `elementType.byteCount`; nil when it does not fit into `Int`.
    static func byteCount(of shape: [Int], _ elementType: ElementType) -> Int? {
        // An axis of length 0 makes any shape empty, but a product that overflows before it is refused all the same.
        var product = elementType.byteCount
        for length in shape {
            let (next, overflow) = product.multipliedReportingOverflow(by: length)
            guard !overflow else { return nil }
            product = next
        }
        return product
    }
}
