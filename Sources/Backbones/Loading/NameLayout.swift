import WeightFiles

/// One way in which files name (and shape) the tensors of a family.
///
/// A layout is a pure function of names and shapes; it reads no numbers.
package struct NameLayout: Sendable {
    /// Whose it is, for errors: "timm".
    package let name: String
    /// What some names of a network so named begin with, and those of few others: wherever in a file a name has it at its
    /// front or behind a dot, there may be such a network. What does not fit is reported later.
    package let anchor: String
    /// What else has to hold.
    package let isLayout: @Sendable (FileTensors) -> Bool
    /// First components of names that lie beside the network rather than in it and are those of its classifier.
    package let siblings: [String]
    /// What the library that names tensors so adds to variances; nil where it is what the network's paper says.
    package let epsilon: @Sendable (FileTensors) -> Double?
    /// What transformers calls the architectures that it names so, in a `config.json`; empty for other libraries, whose
    /// files of that name are not read.
    package let modelTypes: Set<String>
    /// From canonical names to how their tensors are made.
    package let recipes: @Sendable (FileTensors) -> [String: TensorRecipe]

    package init(
        _ name: String, anchor: String, if isLayout: @escaping @Sendable (FileTensors) -> Bool = { _ in true },
        siblings: [String] = [], epsilon: @escaping @Sendable (FileTensors) -> Double? = { _ in nil },
        modelTypes: Set<String> = [], recipes: @escaping @Sendable (FileTensors) -> [String: TensorRecipe]
    ) {
        self.name = name
        self.anchor = anchor
        self.isLayout = isLayout
        self.siblings = siblings
        self.epsilon = epsilon
        self.modelTypes = modelTypes
        self.recipes = recipes
    }

    /// Files whose names are the canonical ones.
    package static func canonical(_ name: String, anchor: String) -> NameLayout {
        renaming(name, anchor: anchor) { $0 }
    }

    /// Files whose tensors are the canonical ones under other names: `canonicalName` is given a name of the file. Of two
    /// tensors that would get the same name the second, by code point, is left over.
    package static func renaming(
        _ name: String, anchor: String, if isLayout: @escaping @Sendable (FileTensors) -> Bool = { _ in true },
        siblings: [String] = [], modelTypes: Set<String> = [],
        _ canonicalName: @escaping @Sendable (_ name: String) -> String
    ) -> NameLayout {
        NameLayout(name, anchor: anchor, if: isLayout, siblings: siblings, modelTypes: modelTypes) { tensors in
            tensors.renamed(canonicalName)
        }
    }
}

/// Names and shapes of the tensors at one place of a file.
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

    /// Each tensor as it is, under the name that `canonicalName` gives it; of two with one name the first.
    package func renamed(_ canonicalName: (String) -> String) -> [String: TensorRecipe] {
        Dictionary(names.map { (canonicalName($0), .file($0)) }, uniquingKeysWith: { first, _ in first })
    }
}
