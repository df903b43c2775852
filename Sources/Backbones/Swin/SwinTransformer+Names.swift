import WeightFiles

// torchvision numbers everything in one sequence: features.0 the patches, then stages (1, 3, 5, 7) and mergings (2, 4, 6) in
// turn. timm counts stages, each beginning with its merging; Microsoft's own files and old ones of timm end a stage with it.

extension SwinTransformer {
    static func layouts(_ version: SwinTransformerConfiguration.Version) -> [NameLayout] {
        func layout(
            _ name: String, anchor: String, if isLayout: @escaping @Sendable (FileTensors) -> Bool = { _ in true },
            siblings: [String] = [], epsilon: Double? = nil, modelTypes: Set<String> = [],
            _ canonicalName: @escaping @Sendable (String) -> String
        ) -> NameLayout {
            let anyFiles: @Sendable (FileTensors) -> Double? = { _ in epsilon }
            return NameLayout(
                name, anchor: anchor, if: isLayout, siblings: siblings, epsilon: anyFiles, modelTypes: modelTypes
            ) { tensors in
                recipes(tensors, version, canonicalName)
            }
        }
        let transformers = version == .first ? "swin" : "swinv2"
        return [
            layout("torchvision", anchor: "features.1.0.attn.") { $0 },
            layout("timm", anchor: "layers.0.blocks.0.attn.") {
                !endsStagesWithMerging($0)
            } _: {
                canonicalName($0, mergingOffset: 0)
            },
            layout("microsoft/Swin-Transformer and old files of timm", anchor: "layers.0.blocks.0.attn.") {
                endsStagesWithMerging($0)
            } _: {
                canonicalName($0, mergingOffset: 1)
            },
            layout(
                "transformers", anchor: "encoder.layers.0.blocks.0.attention.", siblings: ["classifier"], epsilon: 1e-5,
                modelTypes: [transformers]
            ) {
                canonicalNameOfTransformers($0)
            },
            NameLayout("MMPretrain", anchor: "stages.0.blocks.0.attn.w_msa.", siblings: ["head"]) { tensors in
                // The first version ends a stage with its merging, the second begins one with it.
                let offset = version == .first ? 1 : 0
                let last = tensors.names.last { $0.hasPrefix("norm") && $0.hasSuffix(".weight") }?.firstComponent
                return ordered(
                    recipes(tensors, version) {
                        canonicalNameOfMMPretrain($0, mergingOffset: offset, lastNormalisation: last ?? "norm3")
                    }, tensors)
            },
            layout("nn.Sequential of its parts", anchor: "0.1.0.attn.") { canonicalNameInSequence($0) },
        ]
    }

    private static func endsStagesWithMerging(_ tensors: FileTensors) -> Bool {
        tensors.containsPrefix("layers.0.downsample.")
    }

    static func isInTrunk(_ name: String) -> Bool {
        [
            "features", "norm", "layers", "patch_embed", "absolute_pos_embed", "pos_embed", "embeddings", "encoder",
            "stages",
        ]
        .contains(String(name.firstComponent))
    }

    /// Constants that some files hold, and that are computed here.
    static func isIgnored(_ name: String) -> Bool {
        let constants = ["relative_position_index", "attn_mask", "relative_coords_table"]
        return constants.contains { name.hasSuffix("." + $0) }
    }

    private static func recipes(
        _ tensors: FileTensors, _ version: SwinTransformerConfiguration.Version,
        _ canonicalName: (String) -> String
    ) -> [String: TensorRecipe] {
        var recipes = tensors.renamed(canonicalName).joiningQueriesKeysAndValues(to: "qkv") { queries in
            // The second version's keys have no bias.
            version == .second ? queries.fileNames.first.flatMap(tensors.shape).map { .zeros($0) } : nil
        }
        if version == .second {
            for name in recipes.keys where name.hasSuffix(".attn.qkv.bias") {
                recipes[name] = recipes[name].map { withoutKeyBias($0, tensors) }
            }
            for name in recipes.keys where name.hasSuffix(".attn.q_bias") {
                let prefix = name.dropLast("q_bias".count)
                guard let queries = recipes[name], let values = recipes["\(prefix)v_bias"],
                    let count = queries.fileNames.first.flatMap(tensors.shape)?.first
                else { continue }
                recipes[name] = nil
                recipes["\(prefix)v_bias"] = nil
                recipes["\(prefix)qkv.bias"] = .joined([queries, .zeros([count]), values])
            }
        }
        return recipes
    }

    /// The second version's keys have no bias; torchvision keeps room for one and ignores it.
    private static func withoutKeyBias(_ recipe: TensorRecipe, _ tensors: FileTensors) -> TensorRecipe {
        guard case .file(let name) = recipe, let shape = tensors.shape(name), shape.count == 1,
            shape[0].isMultiple(of: 3)
        else { return recipe }
        let count = shape[0] / 3
        return .joined([.rows(recipe, 0..<count), .zeros([count]), .rows(recipe, 2 * count..<3 * count)])
    }

    /// - Parameter mergingOffset: the stage that layers.0.downsample comes before.
    private static func canonicalName(_ name: String, mergingOffset: Int) -> String {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        if parts.count == 3, parts[0] == "patch_embed" {
            return ["proj": "features.0.0", "norm": "features.0.2"][parts[1]].map { "\($0).\(parts[2])" } ?? name
        }
        if parts.count == 3, parts[0] == "head", parts[1] == "fc" { return "head.\(parts[2])" }
        guard parts.count > 3, parts[0] == "layers", let stage = Int(parts[1]), 0..<100 ~= stage else { return name }
        if parts[2] == "downsample" {
            return "features.\(2 * (stage + mergingOffset)).\(parts[3...].joined(separator: "."))"
        }
        guard parts[2] == "blocks" else { return name }
        var inner = parts[4...].joined(separator: ".")
        for (theirs, ours) in [("mlp.fc1.", "mlp.0."), ("mlp.fc2.", "mlp.3.")] where inner.hasPrefix(theirs) {
            inner = ours + inner.dropFirst(theirs.count)
        }
        return "features.\(2 * stage + 1).\(parts[3]).\(inner)"
    }

    /// embeddings.patch_embeddings.projection, embeddings.norm; encoder.layers.S.blocks.B.{layernorm_before,
    /// attention.self.query, attention.output.dense, layernorm_after, intermediate.dense, output.dense}, and newer names of
    /// these; encoder.layers.S.downsample, of the stage before; layernorm; classifier.
    private static func canonicalNameOfTransformers(_ name: String) -> String {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count > 1 else { return name }
        let outer = [
            ("embeddings.patch_embeddings.projection", "features.0.0"), ("embeddings.norm", "features.0.2"),
            ("layernorm", "norm"), ("classifier", "head"),
        ]
        if let renamed = part(name, among: outer) { return renamed }
        guard parts.count > 4, parts[0] == "encoder", parts[1] == "layers", let stage = Int(parts[2]), 0..<100 ~= stage
        else { return name }
        if parts[3] == "downsample" { return "features.\(2 * stage + 2).\(parts[4...].joined(separator: "."))" }
        guard parts[3] == "blocks", parts.count > 5 else { return name }
        var inner = parts[5...].joined(separator: ".")
        for place in ["attention.self.", "attention.relative_position_bias.", "attention."] where inner.hasPrefix(place)
        {
            inner = "attn." + inner.dropFirst(place.count)
            break
        }
        return "features.\(2 * stage + 1).\(parts[4]).\(part(inner, among: blockNamesOfTransformers) ?? inner)"
    }

    private static let blockNamesOfTransformers = [
        ("layernorm_before", "norm1"), ("layernorm_after", "norm2"), ("attn.q_proj", "attn.query"),
        ("attn.k_proj", "attn.key"), ("attn.v_proj", "attn.value"), ("attn.o_proj", "attn.proj"),
        ("attn.output.dense", "attn.proj"), ("attn.continuous_position_bias_mlp", "attn.cpb_mlp"),
        ("intermediate.dense", "mlp.0"), ("output.dense", "mlp.3"), ("mlp.fc1", "mlp.0"), ("mlp.fc2", "mlp.3"),
    ]

    /// The part of a network that begins with one of `names`, by its canonical name.
    private static func part(_ name: String, among names: [(theirs: String, ours: String)]) -> String? {
        names.first { name.hasPrefix($0.theirs + ".") }.map { $0.ours + name.dropFirst($0.theirs.count) }
    }

    /// patch_embed.projection, .norm; stages.S.blocks.B.{norm1, attn.w_msa, norm2, ffn.layers.0.0, ffn.layers.1};
    /// stages.S.downsample; a normalisation with the number of the last stage; head.fc.
    private static func canonicalNameOfMMPretrain(
        _ name: String, mergingOffset: Int, lastNormalisation: some StringProtocol
    ) -> String {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count > 1 else { return name }
        if parts[0] == lastNormalisation { return "norm.\(parts[1...].joined(separator: "."))" }
        let outer = [
            ("patch_embed.projection", "features.0.0"), ("patch_embed.norm", "features.0.2"), ("head.fc", "head"),
        ]
        if let renamed = part(name, among: outer) { return renamed }
        guard parts.count > 4 || parts.count > 3 && parts[2] == "downsample", parts[0] == "stages",
            let stage = Int(parts[1]), 0..<100 ~= stage
        else { return name }
        if parts[2] == "downsample" {
            return "features.\(2 * (stage + mergingOffset)).\(parts[3...].joined(separator: "."))"
        }
        guard parts[2] == "blocks" else { return name }
        let inner = parts[4...].joined(separator: ".")
        let names = [("attn.w_msa", "attn"), ("ffn.layers.0.0", "mlp.0"), ("ffn.layers.1", "mlp.3")]
        return "features.\(2 * stage + 1).\(parts[3]).\(part(inner, among: names) ?? inner)"
    }

    /// MMPretrain merges patches with `nn.Unfold`: the four pixels of a channel follow each other, row by row, where others
    /// have the channels of a pixel together, column by column.
    private static func ordered(
        _ recipes: [String: TensorRecipe], _ tensors: FileTensors
    ) -> [String: TensorRecipe] {
        var recipes = recipes
        for (name, recipe) in recipes {
            guard let shape = recipe.fileNames.first.flatMap(tensors.shape), let count = shape.last,
                name.hasSuffix(".reduction.weight") || isMergingNormalisation(name, count, recipes, tensors),
                count.isMultiple(of: 4)
            else { continue }
            let pixels = TensorRecipe.reshaped(recipe, shape.dropLast() + [count / 4, 2, 2])
            let axes = shape.count - 1
            let order = Array(0..<axes) + [axes + 2, axes + 1, axes]
            recipes[name] = .reshaped(.transposed(pixels, order), shape)
        }
        return recipes
    }

    /// Whether it is the normalisation of the merged pixels rather than of what they are reduced to.
    private static func isMergingNormalisation(
        _ name: String, _ count: Int, _ recipes: [String: TensorRecipe], _ tensors: FileTensors
    ) -> Bool {
        let parts = name.split(separator: ".")
        guard parts.count == 4, parts[0] == "features", parts[2] == "norm" else { return false }
        let reduction = recipes["features.\(parts[1]).reduction.weight"]?.fileNames.first.flatMap(tensors.shape)
        return reduction?.last == count
    }

    /// The parts of torchvision's network in their order: features, normalisation, and what is behind it.
    private static func canonicalNameInSequence(_ name: String) -> String {
        let first = name.firstComponent
        let names = ["0": "features", "1": "norm"]
        return names[String(first)].map { $0 + name.dropFirst(first.count) } ?? name
    }
}
