/// Which columns of a list of images say what.
///
/// A list that names its columns `path` and `label` is taken by its word: `split`, `x`, `y`, `width` and `height` are the others.
/// In other lists columns are found by the names that people give them, in any case.
struct ListColumns: Equatable {
    let path: Int
    let label: Int
    let split: Int?
    /// x, y, width and height; as many as there are.
    let box: [Int]
    /// What there is to say about how they were found; nil for columns that are called as they should be.
    let note: String?

    static let boxNames = ["x", "y", "width", "height"]
    static let known = ["path", "label", "split"] + boxNames
    private static let pathNames = [
        "path", "file_name", "filename", "filepath", "filepaths", "file", "image_path", "img_path", "image_name",
        "image",
        "img", "images",
    ]
    private static let labelNames = [
        "label", "labels", "class", "class_name", "classname", "category", "category_name", "target",
    ]
    private static let splitNames = ["split", "subset", "set", "data set", "dataset", "data_set", "partition"]

    /// Nil if the columns lack a path or a label.
    init?(_ columns: [String]) {
        if let path = columns.firstIndex(of: "path"), let label = columns.firstIndex(of: "label") {
            self.path = path
            self.label = label
            split = columns.firstIndex(of: "split")
            box = Self.boxNames.compactMap { columns.firstIndex(of: $0) }
            let other = split == nil ? columns.first { Self.splitNames.contains($0.lowercased()) } : nil
            note = other.map {
                "The column \"\($0)\" is not used: call it split to have it say which images are for what."
            }
            return
        }
        let lower = columns.map { $0.lowercased().filter { !$0.isWhitespace || $0 == " " } }
        func first(_ names: [String]) -> Int? {
            names.lazy.compactMap { name in lower.firstIndex(of: name) }.first
        }
        guard let path = first(Self.pathNames), let label = first(Self.labelNames) else { return nil }
        self.path = path
        self.label = label
        split = first(Self.splitNames)
        box = Self.boxNames.compactMap { lower.firstIndex(of: $0) }
        let found = [("path", path), ("label", label)] + (split.map { [("split", $0)] } ?? [])
        note =
            "Of the list's columns, "
            + DatasetLayout.list(found.map { "\"\(columns[$0.1])\" is taken for the \($0.0)" }) + "."
    }
}
