public import ImageCoding

/// The views that a cache holds of each training image beside the plain one, which is view 0.
///
/// What is drawn for a view is a pure function of the seed, the number of the image among all samples, and the view.
public struct CacheViews: Codable, Equatable, Sendable, CustomStringConvertible {
    /// Views of each training image, the plain one included: 2 or more.
    public var count: Int
    public var seed: Int
    public var augmentation: Augmentation

    /// More than any training needs; bounds what a damaged index asks for.
    static let countLimit = 1000

    public init(count: Int, seed: Int, augmentation: Augmentation) {
        precondition(
            (2...Self.countLimit).contains(count), "views beside the plain one are 1 to \(Self.countLimit - 1)")
        self.count = count
        self.seed = seed
        self.augmentation = augmentation
    }

    /// Whether the views of both are the same as far as both have them.
    func agrees(with other: CacheViews) -> Bool {
        seed == other.seed && augmentation == other.augmentation
    }

    public var description: String { "\(count) with the seed \(seed) and \(augmentation)" }
}
