import WeightFiles

/// One way in which files name (and shape) the tensors of a family.
///
/// A layout is a pure function of the file's names and shapes; it reads no numbers.
package struct NameLayout: Sendable {
    /// Whose it is, for errors: "timm".
    package let name: String
    /// Whether a file with these tensors is named so. A single telling name is enough: what does not fit is reported later.
    package let isLayout: @Sendable (FileTensors) -> Bool
    /// From canonical names to how their tensors are made. Tensors of the file that no recipe uses are reported as
    /// unexpected.
    package let recipes: @Sendable (FileTensors) -> [String: TensorRecipe]

    package init(
        _ name: String, if isLayout: @escaping @Sendable (FileTensors) -> Bool,
        recipes: @escaping @Sendable (FileTensors) -> [String: TensorRecipe]
    ) {
        self.name = name
        self.isLayout = isLayout
        self.recipes = recipes
    }

    /// Files whose names are the canonical ones.
    package static func canonical(_ name: String, if isLayout: @escaping @Sendable (FileTensors) -> Bool) -> NameLayout
    {
        renaming(name, if: isLayout) { $0 }
    }

    /// Files whose tensors are the canonical ones under other names: `canonicalName` is given a name of the file. Of two
    /// tensors that would get the same name the second, by code point, is left over.
    package static func renaming(
        _ name: String, if isLayout: @escaping @Sendable (FileTensors) -> Bool,
        _ canonicalName: @escaping @Sendable (_ name: String) -> String
    ) -> NameLayout {
        NameLayout(name, if: isLayout) { tensors in
            Dictionary(
                tensors.names.map { (canonicalName($0), .file($0)) }, uniquingKeysWith: { first, _ in first })
        }
    }
}

/// Names and shapes of a file's tensors.
package struct FileTensors: Sendable {
    /// Sorted by code point.
    package let names: [String]
    private let shapes: [String: [Int]]

    package init(_ source: any WeightSource) {
        names = source.tensorNames
        shapes = Dictionary(
            names.map { ($0, source.entry($0)?.shape ?? []) }, uniquingKeysWith: { first, _ in first })
    }

    package func contains(_ name: String) -> Bool { shapes[name] != nil }

    package func shape(_ name: String) -> [Int]? { shapes[name] }

    /// Whether any name begins with `prefix`.
    package func containsPrefix(_ prefix: String) -> Bool { names.contains { $0.hasPrefix(prefix) } }
}

/// A file's tensors under a family's canonical names.
struct CanonicalTensors: Sendable {
    let source: any WeightSource
    /// The layout of the file; nil if it is none of the family's, whose first is then assumed.
    let layout: String?
    /// Names of the family's layouts.
    let knownLayouts: [String]
    private let recipes: [String: TensorRecipe]
    private let isIgnored: @Sendable (String) -> Bool

    init(of source: any WeightSource, family: BackboneFamily) {
        let tensors = FileTensors(source)
        let layout = family.layouts.first { $0.isLayout(tensors) }
        self.source = source
        self.layout = layout?.name
        knownLayouts = family.layouts.map(\.name)
        recipes = (layout ?? family.layouts[0]).recipes(tensors)
        isIgnored = family.isIgnored
    }

    subscript(name: String) -> TensorRecipe? { recipes[name] }

    /// The canonical names that the file has tensors for.
    var names: Dictionary<String, TensorRecipe>.Keys { recipes.keys }

    /// Names, in the file, of tensors that none of the canonical tensors `requested` is made from and that matter.
    func leftOver(requested: some Sequence<String>) -> [String] {
        let used = Set(requested.flatMap { recipes[$0]?.fileNames ?? [] })
        return source.tensorNames.filter { !used.contains($0) && !Self.isCounter($0) && !isIgnored($0) }.sorted()
    }

    /// Counters that batch normalisations keep for training.
    private static func isCounter(_ name: String) -> Bool { name.hasSuffix(".num_batches_tracked") }
}
