import WeightFiles

// torchvision numbers everything in one sequence: features.0 the patches, then stages (1, 3, 5, 7) and mergings (2, 4, 6) in
// turn. timm counts stages, each beginning with its merging; Microsoft's own files and old ones of timm end a stage with it.

extension SwinTransformer {
    static func layouts(_ version: SwinTransformerConfiguration.Version) -> [NameLayout] {
        [
            NameLayout("torchvision") {
                $0.containsPrefix("features.1.0.attn.")
            } recipes: { tensors in
                recipes(tensors, version) { $0 }
            },
            NameLayout("timm") {
                $0.containsPrefix("layers.0.blocks.0.attn.") && !endsStagesWithMerging($0)
            } recipes: { tensors in
                recipes(tensors, version) { canonicalName($0, mergingOffset: 0) }
            },
            NameLayout("microsoft/Swin-Transformer and old files of timm") {
                $0.containsPrefix("layers.0.blocks.0.attn.") && endsStagesWithMerging($0)
            } recipes: { tensors in
                recipes(tensors, version) { canonicalName($0, mergingOffset: 1) }
            },
        ]
    }

    private static func endsStagesWithMerging(_ tensors: FileTensors) -> Bool {
        tensors.containsPrefix("layers.0.downsample.")
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
        var recipes = Dictionary(
            tensors.names.map { (canonicalName($0), TensorRecipe.file($0)) }, uniquingKeysWith: { first, _ in first })
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
}
