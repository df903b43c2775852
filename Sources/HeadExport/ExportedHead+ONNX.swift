import DisentangledHead
import DurableFiles
public import SystemPackage

extension ExportedHead {
    /// In what order a feature map's numbers come.
    public enum Layout: String, CaseIterable, Sendable {
        /// [N, H, W, D], as this program and channels-last networks have it.
        case channelsLast = "nhwc"
        /// [N, D, H, W], as PyTorch and most ONNX networks have it.
        case channelsFirst = "nchw"
    }

    /// A model of ONNX is one message, which may have at most 2 GiB.
    static let onnxByteLimit = (1 << 31) - (1 << 20)

    /// Writes the head with its pooling as a model of ONNX: feature maps `features` go in; `logits` and `probabilities` [N, C],
    /// the pooled activations `pooled` [N, D] (or [N, 2 D]) and the cells of the largest and the smallest activation
    /// `positive_cell` and `negative_cell` [N, D] (row times width plus column) come out. The contribution of a channel to a class
    /// is its pooled activation times its weight. The facts are the model's metadata.
    /// - Throws: `ExportError.tooLarge`, `DurableFileError`.
    public func writeONNX(to path: FilePath, layout: Layout) throws {
        try DurableFile.write(onnx(layout: layout), to: path)
    }

    /// The bytes that `writeONNX` writes.
    package func onnx(layout: Layout) throws -> [UInt8] {
        let byteCount = 4 * (head.channelMap.count + head.classifier.weights.count)
        guard byteCount <= Self.onnxByteLimit else {
            throw ExportError.tooLarge(byteCount: byteCount, limit: Self.onnxByteLimit)
        }
        let (channelCount, classCount) = (head.channelCount, head.classCount)
        var graph = ONNXGraph()
        let activations = activations(&graph, layout)
        for (kind, name) in [("ArgMax", "positive_cell"), ("ArgMin", "negative_cell")] {
            graph.node(kind, [activations], named: name, ["axis": .integer(1), "keepdims": .integer(0)])
        }
        if head.reading == .extrema {
            graph.node("ReduceMax", [activations], named: "maxima", ["axes": .integers([1]), "keepdims": .integer(0)])
            graph.node("ReduceMin", [activations], named: "minima", ["axes": .integers([1]), "keepdims": .integer(0)])
            let positive = graph.node("Relu", ["maxima"], named: "positive")
            graph.node("Neg", ["minima"], named: "minus_minima")
            graph.node("Relu", ["minus_minima"], named: "minus_negative")
            pooled(&graph, positive, graph.node("Neg", ["minus_negative"], named: "negative"))
        } else {
            graph.node("ReduceMean", [activations], named: "pooled", ["axes": .integers([1]), "keepdims": .integer(0)])
        }
        let weights = graph.constant("classifier", [classCount, head.classifier.channelCount], head.classifier.weights)
        let bias = head.classifier.bias.map { [graph.constant("classifier_bias", [classCount], $0)] } ?? []
        graph.node("Gemm", ["pooled", weights] + bias, named: "logits", ["transB": .integer(1)])
        switch head.loss {
        case .crossEntropy: graph.node("Softmax", ["logits"], named: "probabilities", ["axis": .integer(1)])
        case .binaryCrossEntropy: graph.node("Sigmoid", ["logits"], named: "probabilities")
        }

        graph.output("logits", .float, [.named("N"), .fixed(classCount)], "sums of contributions, one for each class")
        graph.output(
            "probabilities", .float, [.named("N"), .fixed(classCount)],
            head.loss == .crossEntropy ? "softmax of the logits" : "sigmoid of each logit")
        graph.output(
            "pooled", .float, [.named("N"), .fixed(head.classifier.channelCount)],
            "what each channel is multiplied with by the classifier")
        for name in ["positive_cell", "negative_cell"] {
            graph.output(
                name, .int64, [.named("N"), .fixed(channelCount)],
                "row times width plus column of each channel's \(name == "positive_cell" ? "largest" : "smallest") activation"
            )
        }
        return graph.model(named: "infodisent head", metadata: facts)
    }

    /// J = X U^T, [N, P, D].
    private func activations(_ graph: inout ONNXGraph, _ layout: Layout) -> String {
        let count = head.channelCount
        let side = ONNXGraph.Dimension.fixed(count)
        graph.input(
            "features",
            layout == .channelsLast
                ? [.named("N"), .named("H"), .named("W"), side] : [.named("N"), side, .named("H"), .named("W")],
            "the last feature maps of the backbone \(provenance["backbone"] ?? "")")
        let features = rounded(&graph, "features", layout)
        switch layout {
        case .channelsLast:
            let shape = graph.constant("pixels_shape", [0, -1, Int64(count)])
            graph.node("Reshape", [features, shape], named: "pixels")
        case .channelsFirst:
            let shape = graph.constant("planes_shape", [0, Int64(count), -1])
            graph.node("Reshape", [features, shape], named: "planes")
            graph.node("Transpose", ["planes"], named: "pixels", ["perm": .integers([0, 2, 1])])
        }
        let map = head.channelMap
        let transposed = (0..<count).flatMap { row in (0..<count).map { map[$0 * count + row] } }
        return graph.node(
            "MatMul",
            [standardised(&graph, "pixels"), graph.constant("channel_map_transposed", [count, count], transposed)],
            named: "activations")
    }

    /// The feature maps as the cache has them.
    private func rounded(_ graph: inout ONNXGraph, _ features: String, _ layout: Layout) -> String {
        func halves(_ input: String, named half: String, _ rounded: String) -> String {
            graph.node("Cast", [input], named: half, ["to": .integer(ONNXGraph.ElementType.float16.rawValue)])
            return graph.node("Cast", [half], named: rounded, ["to": .integer(ONNXGraph.ElementType.float.rawValue)])
        }
        switch featurePrecision {
        case .f32: return features
        case .f16: return halves(features, named: "half_features", "rounded_features")
        case .int8:
            let overPixels: KeyValuePairs<String, ONNXGraph.Attribute> = [
                "axes": .integers(layout == .channelsLast ? [1, 2] : [2, 3]), "keepdims": .integer(1),
            ]
            graph.node("ReduceMin", [features], named: "least_features", overPixels)
            graph.node("ReduceMax", [features], named: "greatest_features", overPixels)
            let low = halves("least_features", named: "least_half_features", "low_features")
            let high = halves("greatest_features", named: "greatest_half_features", "high_features")
            let (none, most) = (graph.constant("no_step", [], [0]), graph.constant("step_count", [], [255]))
            graph.node("Sub", [high, low], named: "feature_ranges")
            graph.node("Div", ["feature_ranges", most], named: "feature_steps")
            // Less than any step; where there is none, whatever is divided by it is multiplied with 0.
            graph.node("Max", ["feature_steps", graph.constant("least_step", [], [1e-30])], named: "feature_divisors")
            graph.node("Sub", [features, low], named: "features_above_low")
            graph.node("Div", ["features_above_low", "feature_divisors"], named: "features_in_steps")
            graph.node("Clip", ["features_in_steps", none, most], named: "clipped_features")
            graph.node("Round", ["clipped_features"], named: "feature_numbers")
            graph.node("Mul", ["feature_numbers", "feature_steps"], named: "features_from_low")
            return graph.node("Add", [low, "features_from_low"], named: "rounded_features")
        }
    }

    /// Pixels as the head's reading wants them: standardised by the mean and variance, over the channels, of their mean.
    private func standardised(_ graph: inout ONNXGraph, _ pixels: String) -> String {
        guard let epsilon = head.epsilon else { return pixels }
        let overChannels: KeyValuePairs<String, ONNXGraph.Attribute> = [
            "axes": .integers([2]), "keepdims": .integer(1),
        ]
        graph.node("ReduceMean", [pixels], named: "mean_pixel", ["axes": .integers([1]), "keepdims": .integer(1)])
        graph.node("ReduceMean", ["mean_pixel"], named: "centre", overChannels)
        graph.node("Sub", ["mean_pixel", "centre"], named: "deviations")
        graph.node("Mul", ["deviations", "deviations"], named: "squares")
        graph.node("ReduceMean", ["squares"], named: "variance", overChannels)
        graph.node("Add", ["variance", graph.constant("epsilon", [1], [epsilon])], named: "positive_variance")
        graph.node("Sqrt", ["positive_variance"], named: "deviation")
        graph.node("Sub", [pixels, "centre"], named: "centred_pixels")
        return graph.node("Div", ["centred_pixels", "deviation"], named: "standardised_pixels")
    }

    /// v as the head's sides say, of the channels that count.
    private func pooled(_ graph: inout ONNXGraph, _ positive: String, _ negative: String) {
        let isSelective = selectedCount != nil
        let all = isSelective ? "all_pooled" : "pooled"
        switch head.sides {
        case .tied: graph.node("Add", [positive, negative], named: all)
        case .positive: graph.node("Identity", [positive], named: all)
        case .untied: graph.node("Concat", [positive, negative], named: all, ["axis": .integer(1)])
        }
        guard let count = selectedCount else { return }
        let (channelCount, valueCount) = (head.channelCount, head.classifier.channelCount)
        // By the most that a channel can change the difference of two logits; of equal ones the lower channel, as TopK has it.
        let spreads = ChannelSelection<Float>(
            count: count, classifier: head.classifier.weights, sides: head.sides, channelCount: channelCount,
            classCount: head.classCount
        ).spreads
        graph.node("Abs", [all], named: "sizes")
        graph.node("Mul", ["sizes", graph.constant("spreads", [valueCount], spreads)], named: "influences")
        var influence = "influences"
        if head.sides == .untied {
            let shape = graph.constant("sides_shape", [0, 2, Int64(channelCount)])
            graph.node("Reshape", ["influences", shape], named: "influences_of_sides")
            influence = graph.node(
                "ReduceSum", ["influences_of_sides", graph.constant("sides_axis", [1])], named: "influence",
                ["keepdims": .integer(0)])
        }
        graph.node(
            "TopK", [influence, graph.constant("selected_count", [Int64(count)])], named: "selection",
            outputs: ["largest_influences", "selected"], ["axis": .integer(1)])
        let zero = graph.constant("zero", [1], [0])
        let one = graph.constant("one", [1], [1])
        graph.node("Mul", [influence, zero], named: "none_selected")
        graph.node("Shape", ["selected"], named: "selected_shape")
        graph.node("Expand", [one, "selected_shape"], named: "ones")
        var mask = graph.node(
            "ScatterElements", ["none_selected", "selected", "ones"], named: "mask", ["axis": .integer(1)])
        if head.sides == .untied {
            mask = graph.node("Concat", [mask, mask], named: "mask_of_sides", ["axis": .integer(1)])
        }
        graph.node("Mul", [all, mask], named: "pooled")
    }
}
