import WeightFiles

// Canonical names: torchvision's, with a point in `in_proj.weight` so that it is a layer like any other, and with timm's names
// for what torchvision's networks do not have (dist_token, ls1.gamma, ls2.gamma) and Facebook's for register_tokens.

extension VisionTransformer {
    static let layouts: [NameLayout] = [
        .renaming("torchvision", anchor: "encoder.layers.encoder_layer_0.") { canonicalNameOfTorchvision($0) },
        NameLayout("timm, DeiT and DINOv2", anchor: "blocks.0.attn.") { recipesOfTimm($0) { $0 } },
        NameLayout("DINOv2 in chunks", anchor: "blocks.0.0.attn.") { tensors in
            let blocks = blocksOfChunks(tensors)
            return recipesOfTimm(tensors) { nameWithoutChunk($0, blocks) }
        },
        NameLayout(
            "transformers", anchor: "encoder.layer.0.attention.", siblings: classifiers,
            epsilon: epsilonOfTransformers, modelTypes: modelTypes, recipes: recipesOfTransformers),
        NameLayout(
            "transformers, in memory", anchor: "layers.0.attention.q_proj.", siblings: classifiers,
            epsilon: epsilonOfTransformers, modelTypes: modelTypes, recipes: recipesOfTransformers),
        .renaming("MMPretrain", anchor: "layers.0.ffn.layers.0.0.") { canonicalNameOfMMPretrain($0) },
        NameLayout("google-research/vision_transformer", anchor: "Transformer.encoderblock_0.", recipes: recipesOfFlax),
    ]

    /// What training kept: the token of masked patches, and the layer between the class token and an old classifier.
    static func isIgnored(_ name: String) -> Bool {
        name == "mask_token" || name == "embeddings.mask_token" || name.hasPrefix("pre_logits.")
            || name.hasPrefix("heads.pre_logits.")
    }

    static func isInTrunk(_ name: String) -> Bool {
        [
            "class_token", "conv_proj", "encoder", "dist_token", "register_tokens", "norm_pre", "patch_embed", "blocks",
            "layers", "pos_embed", "pos_embed_x", "pos_embed_y", "embeddings", "embedding", "Transformer", "rope",
        ].contains(String(name.firstComponent))
    }

    /// Old files call the linear layers of a block linear_1 and linear_2.
    private static func canonicalNameOfTorchvision(_ name: String) -> String {
        let layer = name.replacing(".in_proj_", with: ".in_proj.")
        return layer.replacing(".mlp.linear_1.", with: ".mlp.0.").replacing(".mlp.linear_2.", with: ".mlp.3.")
    }

    /// What stands in a canonical name before a block's part.
    private static func block(_ index: some StringProtocol) -> String { "encoder.layers.encoder_layer_\(index)" }

    /// The part of a block that begins with one of `names`, by its canonical name.
    private static func part(_ inner: String, among names: [(theirs: String, ours: String)]) -> String? {
        names.first { inner.hasPrefix($0.theirs + ".") }.map { $0.ours + inner.dropFirst($0.theirs.count) }
    }
}

// MARK: - timm, and what is like it

extension VisionTransformer {
    /// - Parameter simplified: gives a name of the file the form that it has in timm's.
    private static func recipesOfTimm(
        _ tensors: FileTensors, _ simplified: (String) -> String
    ) -> [String: TensorRecipe] {
        var recipes: [String: TensorRecipe] = [:]
        for name in tensors.names {
            let canonical = canonicalNameOfTimm(simplified(name))
            var recipe = TensorRecipe.file(name)
            // Once a linear layer on the pixels of a patch.
            if canonical == "conv_proj.weight", let shape = tensors.shape(name), shape.count == 2 {
                let side = Int((Double(shape[1]) / 3).squareRoot().rounded())
                recipe = .reshaped(recipe, [shape[0], 3, side, side])
            }
            if recipes[canonical] == nil { recipes[canonical] = recipe }
        }
        return recipes
    }

    private static func canonicalNameOfTimm(_ name: String) -> String {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count > 1 else { return singleNames[name] ?? name }
        if parts[0] == "blocks", parts.count > 2 {
            let inner = parts[2...].joined(separator: ".")
            if let scale = ["gamma_1": "ls1.gamma", "gamma_2": "ls2.gamma"][inner] {
                return "\(block(parts[1])).\(scale)"
            }
            return "\(block(parts[1])).\(part(inner, among: blockNames) ?? inner)"
        }
        return part(name, among: outerNames) ?? name
    }

    private static let singleNames = [
        "cls_token": "class_token", "pos_embed": "encoder.pos_embedding", "reg_token": "register_tokens",
    ]

    private static let outerNames = [("patch_embed.proj", "conv_proj"), ("norm", "encoder.ln"), ("head", "heads.head")]

    private static let blockNames = [
        ("norm1", "ln_1"), ("attn.qkv", "self_attention.in_proj"), ("attn.proj", "self_attention.out_proj"),
        ("norm2", "ln_2"), ("mlp.fc1", "mlp.0"), ("mlp.fc2", "mlp.3"),
    ]

    /// For fully sharded training DINOv2 keeps its blocks in chunks, `blocks.CHUNK.BLOCK`, mostly numbered through. The number
    /// of the first block of each chunk, to be added where each chunk begins with 0.
    private static func blocksOfChunks(_ tensors: FileTensors) -> [Int: Int] {
        var chunks: [Int: Set<Int>] = [:]
        for name in tensors.names {
            let parts = name.split(separator: ".")
            guard parts.count > 3, parts[0] == "blocks", let chunk = Int(parts[1]), let block = Int(parts[2]),
                0..<1000 ~= chunk, 0..<1000 ~= block
            else { continue }
            chunks[chunk, default: []].insert(block)
        }
        let areNumberedThrough =
            chunks.values.reduce(into: Set<Int>()) { $0.formUnion($1) }.count
            == chunks.values.reduce(0) { $0 + $1.count }
        var first = 0
        return chunks.sorted { $0.key < $1.key }.reduce(into: [:]) { firsts, chunk in
            firsts[chunk.key] = areNumberedThrough ? 0 : first
            first += chunk.value.count
        }
    }

    private static func nameWithoutChunk(_ name: String, _ firstBlocks: [Int: Int]) -> String {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count > 3, parts[0] == "blocks", let first = Int(parts[1]).flatMap({ firstBlocks[$0] }),
            let block = Int(parts[2]), 0..<1000 ~= block
        else { return name }
        return "blocks.\(first + block).\(parts[3...].joined(separator: "."))"
    }

    /// patch_embed.projection; layers.N.ln1, .attn.qkv, .attn.proj, .attn.gamma1.weight, .ln2, .ffn.layers.0.0, .ffn.layers.1,
    /// .ffn.gamma2.weight; ln1.
    private static func canonicalNameOfMMPretrain(_ name: String) -> String {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count > 1 else { return singleNames[name] ?? name }
        if parts[0] == "layers", parts.count > 2 {
            let inner = parts[2...].joined(separator: ".")
            let scales = ["attn.gamma1.weight": "ls1.gamma", "ffn.gamma2.weight": "ls2.gamma"]
            return "\(block(parts[1])).\(scales[inner] ?? part(inner, among: blockNamesOfMMPretrain) ?? inner)"
        }
        return part(name, among: [("patch_embed.projection", "conv_proj"), ("ln1", "encoder.ln")]) ?? name
    }

    private static let blockNamesOfMMPretrain = [
        ("ln1", "ln_1"), ("attn.qkv", "self_attention.in_proj"), ("attn.proj", "self_attention.out_proj"),
        ("ln2", "ln_2"),
        ("ffn.layers.0.0", "mlp.0"), ("ffn.layers.1", "mlp.3"),
    ]
}

// MARK: - transformers

extension VisionTransformer {
    private static let modelTypes: Set<String> = [
        "vit", "deit", "vit_mae", "vit_msn", "dinov2", "dinov2_with_registers",
    ]

    private static let classifiers = ["classifier", "cls_classifier", "distillation_classifier"]

    /// The default of its configurations: DINOv2's, which has layer scales, and the others'.
    private static func epsilonOfTransformers(_ tensors: FileTensors) -> Double? {
        tensors.contains("encoder.layer.0.layer_scale1.lambda1") ? 1e-6 : 1e-12
    }

    /// Queries, keys and values are layers of their own there.
    private static func recipesOfTransformers(_ tensors: FileTensors) -> [String: TensorRecipe] {
        var recipes: [String: TensorRecipe] = [:]
        for name in tensors.names {
            let canonical = canonicalNameOfTransformers(name)
            if recipes[canonical] == nil { recipes[canonical] = .file(name) }
        }
        return recipes.joiningQueriesKeysAndValues(to: "self_attention.in_proj")
    }

    private static func canonicalNameOfTransformers(_ name: String) -> String {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        // On disk, and in memory since version 5.
        let start = name.hasPrefix("encoder.layer.") ? 2 : name.hasPrefix("layers.") ? 1 : 0
        if start > 0, parts.count > start + 1 {
            let inner = parts[(start + 1)...].joined(separator: ".")
            let scales = ["layer_scale1.lambda1": "ls1.gamma", "layer_scale2.lambda1": "ls2.gamma"]
            return "\(block(parts[start])).\(scales[inner] ?? part(inner, among: blockNamesOfTransformers) ?? inner)"
        }
        return singleNamesOfTransformers[name] ?? part(name, among: outerNamesOfTransformers) ?? name
    }

    private static let singleNamesOfTransformers = [
        "embeddings.cls_token": "class_token", "embeddings.distillation_token": "dist_token",
        "embeddings.register_tokens": "register_tokens", "embeddings.position_embeddings": "encoder.pos_embedding",
    ]

    private static let outerNamesOfTransformers = [
        ("embeddings.patch_embeddings.projection", "conv_proj"), ("layernorm", "encoder.ln"),
        ("classifier", "heads.head"), ("cls_classifier", "heads.head"), ("distillation_classifier", "head_dist"),
    ]

    private static let blockNamesOfTransformers = [
        ("layernorm_before", "ln_1"), ("norm1", "ln_1"), ("attention.attention.query", "query"),
        ("attention.attention.key", "key"), ("attention.attention.value", "value"), ("attention.q_proj", "query"),
        ("attention.k_proj", "key"), ("attention.v_proj", "value"),
        ("attention.output.dense", "self_attention.out_proj"), ("attention.o_proj", "self_attention.out_proj"),
        ("layernorm_after", "ln_2"), ("norm2", "ln_2"), ("intermediate.dense", "mlp.0"), ("output.dense", "mlp.3"),
        ("mlp.fc1", "mlp.0"), ("mlp.fc2", "mlp.3"),
    ]
}

extension [String: TensorRecipe] {
    /// Makes one layer `joined` of the three, `query`, `key` and `value`, that stand in its place.
    ///
    /// - Parameter keyBiases: what stands for the biases of keys that the file does not have, given those of the queries.
    func joiningQueriesKeysAndValues(
        to joined: String, keyBiases: (_ queries: TensorRecipe) -> TensorRecipe? = { _ in nil }
    ) -> [String: TensorRecipe] {
        var recipes = self
        for end in ["weight", "bias"] {
            for (name, query) in self where name.hasSuffix(".query.\(end)") {
                let prefix = name.dropLast("query.\(end)".count)
                let key = self["\(prefix)key.\(end)"] ?? (end == "bias" ? keyBiases(query) : nil)
                guard let key, let value = self["\(prefix)value.\(end)"] else { continue }
                for part in ["query", "key", "value"] { recipes["\(prefix)\(part).\(end)"] = nil }
                recipes["\(prefix)\(joined).\(end)"] = .joined([query, key, value])
            }
        }
        return recipes
    }
}

// MARK: - Flax

extension VisionTransformer {
    /// The archives of "How to train your ViT?" (arXiv 2106.10270): the axes of a layer are its inputs, then its outputs; heads
    /// have an axis of their own.
    private static func recipesOfFlax(_ tensors: FileTensors) -> [String: TensorRecipe] {
        var recipes: [String: TensorRecipe] = [:]
        for name in tensors.names {
            let canonical = canonicalNameOfFlax(name)
            if recipes[canonical] == nil {
                recipes[canonical] = recipeOfFlax(name, canonical, tensors.shape(name) ?? [])
            }
        }
        return recipes.joiningQueriesKeysAndValues(to: "self_attention.in_proj")
    }

    private static func recipeOfFlax(_ name: String, _ canonical: String, _ shape: [Int]) -> TensorRecipe {
        let file = TensorRecipe.file(name)
        let isProjection = canonical.hasSuffix(".self_attention.out_proj.weight")
        switch (shape.count, name.hasSuffix(".kernel")) {
        case (4, true): return .transposed(file, [3, 2, 0, 1])
        case (3, true):
            // Products that overflow are those of no file.
            let (inputs, outputs) =
                isProjection ? (shape[0] &* shape[1], shape[2]) : (shape[0], shape[1] &* shape[2])
            return .transposed(.reshaped(file, [inputs, outputs]), [1, 0])
        case (2, true): return .transposed(file, [1, 0])
        case (2, false) where name.contains(".MultiHeadDotProductAttention_"):
            return .reshaped(file, [shape[0] &* shape[1]])
        default: return file
        }
    }

    private static func canonicalNameOfFlax(_ name: String) -> String {
        var parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        if let end = ["kernel": "weight", "scale": "weight"][parts[parts.count - 1]] { parts[parts.count - 1] = end }
        let renamed = parts.joined(separator: ".")
        if name == "cls" { return "class_token" }
        if name == "Transformer.posembed_input.pos_embedding" { return "encoder.pos_embedding" }
        let front = "encoderblock_"
        if parts.count > 3, parts[0] == "Transformer", parts[1].hasPrefix(front) {
            let inner = parts[2...].joined(separator: ".")
            return "\(block(parts[1].dropFirst(front.count))).\(part(inner, among: blockNamesOfFlax) ?? inner)"
        }
        return part(
            renamed,
            among: [("embedding", "conv_proj"), ("Transformer.encoder_norm", "encoder.ln"), ("head", "heads.head")])
            ?? renamed
    }

    private static let blockNamesOfFlax = [
        ("LayerNorm_0", "ln_1"), ("MultiHeadDotProductAttention_1.query", "query"),
        ("MultiHeadDotProductAttention_1.key", "key"), ("MultiHeadDotProductAttention_1.value", "value"),
        ("MultiHeadDotProductAttention_1.out", "self_attention.out_proj"), ("LayerNorm_2", "ln_2"),
        ("MlpBlock_3.Dense_0", "mlp.0"), ("MlpBlock_3.Dense_1", "mlp.3"),
    ]
}
