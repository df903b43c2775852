/// The products of square matrices in an optimizer update that are large enough for ranks to share.
public struct UpdateProducts: Equatable, Sendable {
    public var count: Int
    /// Of all together.
    public var multiplications: Int
    /// Elements of the results, which have to reach all ranks where they share.
    public var elementCount: Int
    /// Core-seconds of a multiplication, with an addition.
    public var multiplication: Double

    public init(count: Int, multiplications: Int, elementCount: Int, multiplication: Double) {
        self.count = count
        self.multiplications = multiplications
        self.elementCount = elementCount
        self.multiplication = multiplication
    }

    /// Of a channel map that is small or is not trained.
    public static let none = UpdateProducts(count: 0, multiplications: 0, elementCount: 0, multiplication: 0)

    /// Seconds of all, on one rank of `threadCount` threads.
    func seconds(threadCount: Int) -> Double { Double(multiplications) * multiplication / Double(threadCount) }
}
