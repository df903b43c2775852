/// What messages need of Datasets' layouts.
enum DatasetLayout {
    static func list(_ names: [String]) -> String { names.joined(separator: ", ") }
}
