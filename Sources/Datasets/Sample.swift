/// One labelled image of a data set.
public struct Sample: Codable, Hashable, Sendable {
    /// Path of the file from the data set's root, with "/" between folders.
    public let path: String
    /// Index into the data set's `classNames`.
    public let label: Int

    public init(path: String, label: Int) {
        self.path = path
        self.label = label
    }
}
