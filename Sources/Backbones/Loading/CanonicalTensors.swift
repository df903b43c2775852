import WeightFiles

/// The tensors at one place of a file under a family's canonical names.
struct CanonicalTensors: Sendable {
    let source: NetworkTensors
    /// How the file names them; nil if it is none of the family's ways, the first of which is then assumed.
    let layout: NameLayout?
    /// Names of the family's layouts.
    let knownLayouts: [String]
    /// What the library that named the tensors adds to variances, if it is not what the network's paper says.
    let epsilon: Double?
    /// What is said of the network beside the file.
    let configuration: SavedConfiguration?
    /// What is said of the network and cannot be so.
    let problem: String?
    /// What decides what the network computes and shows neither in its tensors nor in their names.
    let decisions: [String]
    private let recipes: [String: TensorRecipe]
    private let family: BackboneFamily

    init(of source: NetworkTensors, family: BackboneFamily, layout: NameLayout?) {
        let tensors = FileTensors(source)
        self.source = source
        self.layout = layout
        self.family = family
        knownLayouts = family.layouts.map(\.name)
        recipes = (layout ?? family.layouts[0]).recipes(tensors)
        // A file of that name that says another architecture belongs to something else.
        configuration = source.configuration.flatMap { configuration in
            configuration.modelType.map { layout?.modelTypes.contains($0) == true } == true ? configuration : nil
        }
        let usual = layout?.epsilon(tensors)
        let said = configuration?.number("layer_norm_eps")
        let isUsable = said.map { $0 > 0 && $0 <= 1 } ?? true
        problem = isUsable ? nil : "layer_norm_eps is \(said!) instead of a number between 0 and 1"
        epsilon = isUsable ? said ?? usual : usual
        var decisions = epsilon == usual ? [] : ["layer_norm_eps \(epsilon!)"]
        if let sides = configuration?.integers("pretrained_window_sizes"), sides.contains(where: { $0 != 0 }) {
            decisions.append("pretrained_window_sizes \(sides)")
        }
        self.decisions = decisions
    }

    /// All tensors of `source`, which has canonical names.
    init(of source: any WeightSource, family: BackboneFamily) {
        let names = source.tensorNames
        self.init(
            of: NetworkTensors(source, TensorNames(names), given: names, under: ""), family: family, layout: nil)
    }

    subscript(name: String) -> TensorRecipe? { recipes[name] }

    /// The canonical names that the file has tensors for.
    var names: Dictionary<String, TensorRecipe>.Keys { recipes.keys }

    /// The names, at this place, of the tensors that `requested` canonical tensors are made from.
    func names(of requested: some Sequence<String>) -> [String] {
        requested.flatMap { recipes[$0]?.fileNames ?? [] }
    }

    /// Names, at this place, of tensors that none of `requested` is made from: of those that would be parts of the network
    /// up to its feature map, and of what lies behind it or beside it.
    func leftOver(requested: some Sequence<String>) -> (inside: [String], behind: [String]) {
        let used = Set(requested.flatMap { recipes[$0]?.fileNames ?? [] })
        var canonicalNames: [String: String] = [:]
        for (canonical, recipe) in recipes {
            for name in recipe.fileNames { canonicalNames[name] = canonical }
        }
        var (inside, behind): ([String], [String]) = ([], [])
        for name in source.tensorNames where !used.contains(name) && !Self.isCounter(name) {
            let canonical = canonicalNames[name] ?? name
            if family.isIgnored(canonical) || family.isIgnored(name) { continue }
            if family.isInTrunk(canonical) { inside.append(name) } else { behind.append(name) }
        }
        return (inside, behind)
    }

    /// What a user should know of what was said beside the file.
    var remarks: [String] {
        guard let layout, !layout.modelTypes.isEmpty else { return [] }
        guard let configuration else {
            return epsilon.map {
                ["No \(SavedConfiguration.fileName) of this network lies beside it: layer_norm_eps \($0) is assumed."]
            } ?? []
        }
        var said = epsilon.map { ["layer_norm_eps \($0)"] } ?? []
        if let labels = configuration.labelNames { said.append("the names of \(labels.count) classes") }
        return said.isEmpty ? [] : ["\(SavedConfiguration.fileName) beside it says: \(said.joined(separator: ", "))."]
    }

    /// How the library that saved the network prepares images for it, where it says so and that can be done here.
    var ownPreset: InputPreset? {
        guard let layout, !layout.modelTypes.isEmpty else { return nil }
        return source.preprocessing.flatMap(InputPreset.saved)
    }

    /// The side of the square images that the network was trained on, as it is said beside the file.
    var trainedSide: Int? {
        guard let sides = configuration?.integers("image_size"), let side = sides.first,
            sides.allSatisfy({ $0 == side })
        else { return nil }
        return side
    }

    /// Counters that batch normalisations keep for training.
    static func isCounter(_ name: String) -> Bool { name.hasSuffix("num_batches_tracked") }
}
