import WeightFiles

// Names: torchvision's, with a point in `in_proj.weight` so that it is a layer like any other, and with timm's names for
// what torchvision's networks do not have (dist_token, ls1.gamma, ls2.gamma) and Facebook's for register_tokens.

extension VisionTransformer {
    static let layouts: [NameLayout] = [
        .renaming("torchvision") {
            $0.containsPrefix("encoder.layers.encoder_layer_0.")
        } _: {
            canonicalNameOfTorchvision($0)
        },
        NameLayout("timm, DeiT and DINOv2") {
            $0.containsPrefix("blocks.0.attn.")
        } recipes: {
            recipesOfTimm($0)
        },
    ]

    /// What training kept: the token of masked patches, and the layer between the class token and an old classifier.
    static func isIgnored(_ name: String) -> Bool {
        name == "mask_token" || name.hasPrefix("pre_logits.") || name.hasPrefix("heads.pre_logits.")
    }

    /// Old files call the linear layers of a block linear_1 and linear_2.
    private static func canonicalNameOfTorchvision(_ name: String) -> String {
        let layer = name.replacing(".in_proj_", with: ".in_proj.")
        return layer.replacing(".mlp.linear_1.", with: ".mlp.0.").replacing(".mlp.linear_2.", with: ".mlp.3.")
    }

    private static func recipesOfTimm(_ tensors: FileTensors) -> [String: TensorRecipe] {
        var recipes: [String: TensorRecipe] = [:]
        for name in tensors.names {
            let canonical = canonicalNameOfTimm(name)
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
            let prefix = "encoder.layers.encoder_layer_\(parts[1])"
            if let scale = ["gamma_1": "ls1.gamma", "gamma_2": "ls2.gamma"][inner] { return "\(prefix).\(scale)" }
            for (theirs, ours) in blockNames where inner.hasPrefix(theirs + ".") {
                return "\(prefix).\(ours)\(inner.dropFirst(theirs.count))"
            }
            return "\(prefix).\(inner)"
        }
        for (theirs, ours) in outerNames where name.hasPrefix(theirs + ".") {
            return ours + name.dropFirst(theirs.count)
        }
        return name
    }

    private static let singleNames = [
        "cls_token": "class_token", "pos_embed": "encoder.pos_embedding", "reg_token": "register_tokens",
    ]

    private static let outerNames = [("patch_embed.proj", "conv_proj"), ("norm", "encoder.ln"), ("head", "heads.head")]

    private static let blockNames = [
        ("norm1", "ln_1"), ("attn.qkv", "self_attention.in_proj"), ("attn.proj", "self_attention.out_proj"),
        ("norm2", "ln_2"), ("mlp.fc1", "mlp.0"), ("mlp.fc2", "mlp.3"),
    ]
}
