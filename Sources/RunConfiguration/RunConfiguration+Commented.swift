import SystemPackage

extension RunConfiguration {
    /// The configuration as a file for people to change: every key there is with what it is for. Keys at their defaults stand
    /// behind a #. Reading it back gives an equal configuration.
    ///
    /// - Parameter introduction: lines above it.
    public func commentedYAML(introduction: [String]) -> String {
        var lines = introduction.map { "# \($0)" }
        let defaults = RunConfiguration()
        var (section, subsection) = ("", "")
        for field in Self.schema {
            let isActive = field.isRequired || isSet(field, defaults)
            if field.section != section {
                (section, subsection) = (field.section, "")
                lines.append("")
                // A section may be empty.
                lines.append("\(section):")
            }
            var indent = "  "
            var key = field.key
            if let own = field.subsection {
                key = String(field.key.dropFirst(own.count + 1))
                if own != subsection {
                    subsection = String(own)
                    let fields = Self.schema.filter { $0.section == section && $0.subsection == own }
                    lines.append((fields.contains { isSet($0, defaults) } ? "  " : "  # ") + "\(own):")
                }
                indent = "    "
            }
            for line in Self.explanations[field.path] ?? [] { lines.append("\(indent)# \(line)") }
            let words = field.words.isEmpty ? "" : " (\(field.words.joined(separator: ", ")))"
            if !words.isEmpty, var last = lines.last, Self.explanations[field.path] != nil {
                last.removeLast()
                lines[lines.count - 1] = last + words + "."
            }
            let value = field.write(self) ?? field.write(defaults) ?? Self.examples[field.path] ?? "none"
            lines.append(isActive ? "\(indent)\(key): \(value)" : "\(indent)# \(key): \(value)")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func isSet(_ field: Field, _ defaults: RunConfiguration) -> Bool {
        field.write(self) != field.write(defaults)
    }

    /// What keys without a default may look like.
    private static let examples: [String: String] = [
        "backbone.name": "resnet50", "backbone.weights": "resnet50.pth", "backbone.prefix": "model.",
        "backbone.compute": "f32", "dataset.crop": "box", "dataset.test_shards": "val-*.tar",
        "dataset.outside_paths": "true",
        "input.preset": "torchvision-v1", "input.resize": "256", "input.squash": "false", "input.crop": "224",
        "input.interpolation": "bilinear", "input.mean": "[0.485, 0.456, 0.406]", "input.std": "[0.229, 0.224, 0.225]",
        "input.exif": "apply", "cache.samples_per_shard": "256", "cache.augmentation.crop_scale": "[0.35, 1.0]",
        "head.mode": "infodisent", "head.prototypes_begin": "5", "head.prototypes_end": "1",
        "head.loss": "cross_entropy", "head.map_rank": "auto", "head.annealing": "0.3", "head.sharpness": "4.0",
        "head.bias": "true",
        "head.signs": "tied", "head.channels_per_class": "10", "head.channels_per_image": "10",
        "head.budget_score": "contrast", "head.budget_begin": "0.05", "head.budget_end": "0.4",
        "head.budget_regrowth": "0.2", "head.gauge": "true", "head.start": "RUN", "head.start_digest": "SHA-256",
        "training.distillation.temperature": "4.0", "training.distillation.teacher": "black_box",
        "training.purity.spatial_entropy": "0.0", "training.purity.decorrelation": "0.0",
    ]

    /// A sentence or two on each key.
    package static let explanations: [String: [String]] = [
        "run.directory": ["Where the configuration, the log and the checkpoints go."],
        "run.seed": ["Seed of everything random in the run."],
        "backbone.name": [
            "The network, as `infodisent backbones` lists them. For the part dataset it may be left out.",
            "`infodisent backbones --fitting FILE` says which of them a weight file holds.",
        ],
        "backbone.weights": ["Its weight file: safetensors, .pth, .bin or .npz."],
        "backbone.prefix": ["What the names of its tensors begin with, where the file has several such networks."],
        "backbone.use_ema": ["Whether to take the moving average of the weights that the file has."],
        "backbone.compute": [
            "What products of its layers are made of. bf16 needs AVX512-BF16; features differ by about 1 %."
        ],
        "dataset.kind": ["The layout; auto recognises it."],
        "dataset.root": ["The folder of the images, or a list of them (.csv)."],
        "dataset.split": ["Where test images come from."],
        "dataset.crop": ["What part of each image is used: box for its annotated box; all of it if left out."],
        "dataset.test_shards": ["Names of the shards with test images, for WebDataset shards that do not say it."],
        "dataset.outside_paths": ["Whether a list may name images that are not below its folder."],
        "dataset.test_fraction": [
            "Share of each class that is for testing, where the dataset has no split of its own."
        ],
        "dataset.split_seed": ["Seed of that split; not the run's, so that all runs are tested on the same images."],
        "dataset.bad_images": ["What is done about an image that cannot be decoded."],
        "input.preset": [
            "How images are prepared; left out, the backbone's default. The keys below change single values."
        ],
        "input.resize": ["Shorter side after resizing, in pixels."],
        "input.squash": ["Whether both sides become that long, whatever the image's shape."],
        "input.crop": ["Side of the square cut from the middle, in pixels."],
        "input.interpolation": ["How it is resized."],
        "input.mean": ["Mean of red, green and blue, of values from 0 to 1."],
        "input.std": ["Standard deviation of red, green and blue."],
        "input.exif": ["Whether photographs are turned as they say; pretrained weights have not seen them so."],
        "cache.directory": ["Where the features of the images are kept."],
        "cache.location": ["One folder that all ranks see, or one on each node."],
        "cache.precision": [
            "Number format of features; int8 takes half the room of f16, see the README of FeatureCache."
        ],
        "cache.samples_per_shard": ["Images in one file of the cache; left out, as many as make 64 MiB."],
        "cache.views": ["Views of each training image: the plain one, and augmented ones as cache.augmentation says."],
        "cache.view_seed": ["Seed of what is drawn for the views."],
        "cache.augmentation.flip": ["Probability of a mirror image."],
        "cache.augmentation.crop_scale": ["Share of the area that a random crop has: [smallest, largest]."],
        "cache.augmentation.crop_ratio": ["Ratio of width to height of a random crop: [smallest, largest]."],
        "cache.augmentation.degrees": ["Largest turn to either side."],
        "cache.augmentation.shear": ["Largest shear, in degrees."],
        "cache.augmentation.brightness": ["Strength of changes of brightness."],
        "cache.augmentation.contrast": ["Strength of changes of contrast."],
        "cache.augmentation.saturation": ["Strength of changes of saturation."],
        "cache.augmentation.hue": ["Strength of changes of hue."],
        "head.mode": ["Whether the classifier is trained, or a linear one kept and only its channels turned."],
        "head.prototypes_begin": ["Prototypes of a channel that a posthoc head is trained on, in the first stage."],
        "head.prototypes_end": ["And in the last stage."],
        "head.loss": ["What the training minimises, and how logits become probabilities."],
        "head.channel_map": ["How the channels are turned."],
        "head.map_rank": [
            "How many channels are turned: a number, all, or auto, which is fewer where there are few images."
        ],
        "head.pooling": ["How a channel's activations are pooled in training; evaluation takes the maximum."],
        "head.temperature": ["Temperature of the Gumbel and logsumexp poolings: [first step, last step]."],
        "head.top_k": ["Pixels that topk averages."],
        "head.annealing": ["Share of the steps until annealed pooling is the maximum."],
        "head.sharpness": ["How sharp it is half-way."],
        "head.bias": ["Whether each class has a bias, a row of its own in every explanation."],
        "head.signs": ["What a class makes of the two sides of a channel; all but tied are for ablations."],
        "head.channels_per_class": ["Channels that a class may use; fewer make shorter explanations. none: all."],
        "head.channels_per_image": ["Channels of an image that count. none: all."],
        "head.budget_score": ["By what the channels of a class are compared where not all are kept."],
        "head.budget_begin": ["Share of the steps before channels are left out."],
        "head.budget_end": ["Share of the steps after which each class, or image, has its channels."],
        "head.budget_regrowth": ["Share of a class's channels that are exchanged each time until then."],
        "head.classifier_l1": ["Strength of the L1 shrinkage of the classifier."],
        "head.classifier_init": ["Where the classifier starts."],
        "head.gauge": ["Whether the classifier is brought to its column minimum, which changes no probability."],
        "head.start": ["A run directory or checkpoint whose head the training begins with."],
        "head.start_digest": ["SHA-256 of that head; the program finds it."],
        "training.epochs": ["Times that the training goes through all images."],
        "training.batch_size": ["Images of a step, a multiple of logical_shards."],
        "training.logical_shards": ["Parts that the training images are cut into; the largest number of ranks."],
        "training.optimizer": ["The optimizer."],
        "training.momentum": ["Momentum of sgd."],
        "training.learning_rate": ["Learning rate of the classifier."],
        "training.channel_map_learning_rate": ["Learning rate of the channel map. none: that of the classifier."],
        "training.schedule": ["How the learning rate changes."],
        "training.warmup_steps": ["Steps over which it rises from zero."],
        "training.distillation.weight": ["Share of the loss that is about the teacher. none: no teacher."],
        "training.distillation.temperature": ["Temperature of both."],
        "training.distillation.teacher": ["Who the teacher is."],
        "training.purity.spatial_entropy": ["Strength of the loss that wants a channel in one place."],
        "training.purity.decorrelation": ["Strength of the loss that wants channels to differ."],
        "checkpoint.every": ["Steps between checkpoints."],
        "checkpoint.keep": ["Checkpoints kept, newest first."],
        "checkpoint.best": ["Whether the one that was best on the test images is kept too."],
        "evaluation.every": ["Epochs between evaluations on the test images."],
        "evaluation.black_box": ["Whether evaluate also fits a plain linear classifier on the same features."],
    ]
}
