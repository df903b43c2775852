import Checkpoints
import SystemPackage

/// What a checkpoint is: where it comes from and how far it is.
struct ProvenanceReport {
    let directory: FilePath
    let state: CheckpointState

    var text: String {
        var head = AlignedText()
        head.add("checkpoint", directory.string)
        head.add("step", "\(state.step) (epoch \(state.epoch))")
        head.add("seed", state.seed)
        head.add("backbone", state.backbone)
        head.add("weights", state.weightDigest)
        head.add("input", state.input.text())
        head.add("dataset", state.datasetFingerprint)
        head.add("classes", "\(state.classNames.count): \(listed(state.classNames))")
        var metrics = AlignedText()
        for (name, value) in state.metrics.sorted(by: { $0.key < $1.key }) { metrics.add(name, short(value)) }
        if state.metrics.isEmpty { metrics.add("none yet", "") }
        let configuration = state.configuration.split(separator: "\n").map { "  \($0)" }.joined(separator: "\n")
        return """
            \(head.text())

            metrics
            \(metrics.text(indent: 2))

            configuration
            \(configuration)
            """
    }
}
