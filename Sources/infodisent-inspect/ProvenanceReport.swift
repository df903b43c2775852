import Checkpoints
import DurableFiles
import PrintableText
import SystemPackage

/// What a checkpoint is: where it comes from and how far it is.
struct ProvenanceReport {
    let directory: FilePath
    let state: CheckpointState
    /// Nil for a checkpoint without a run.
    let places: RunPlaces?

    var text: String {
        var head = AlignedText()
        head.add("checkpoint", directory.string)
        head.add("step", "\(state.step) (epoch \(state.epoch))")
        head.add("seed", state.seed)
        head.add("backbone", state.backbone)
        head.add("weights", state.weightDigest)
        if let path = places?.paths["backbone.weights"] { head.add("weights in", described(path)) }
        head.add("input", state.input.text())
        head.add("dataset", state.datasetFingerprint)
        if let path = places?.paths["dataset.root"] { head.add("dataset in", described(path)) }
        if let path = places?.paths["cache.directory"] { head.add("features in", described(path)) }
        for edit in state.edits {
            head.add("edited", "\(edit.summary) (of \(edit.checkpoint) with the head \(edit.head))")
        }
        if !state.channelNames.isEmpty {
            let names = state.channelNames.sorted { $0.key < $1.key }.map {
                "\($0.key) \($0.value.printable(limit: 60))"
            }
            head.add("names", "\(names.count) of channels: \(listed(names))")
        }
        if let path = RunPlaces.channelNames(ofCheckpoint: directory) {
            head.add("names in", path.string + (state.channelNames.isEmpty ? "" : " (these count instead)"))
        }
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

    private func described(_ path: FilePath) -> String {
        path.string + (DurableFile.exists(path) || DurableDirectory.exists(path) ? "" : " (not there)")
    }
}
