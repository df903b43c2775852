import ArgumentParser
import Checkpoints
import DurableFiles
import Foundation
import HeadExport
import Inference
import Results
import SystemPackage

/// `infodisent export`: a trained head for other programs.
struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write a trained head for other programs: as safetensors, as a model of ONNX, or both.",
        discussion: """
            The head gets the backbone's last feature maps and gives logits. The safetensors file has U, A and the bias, with class \
            names, names of channels and everything else that logits depend on as metadata; the README has the lines of PyTorch that load it. The \
            model of ONNX has the pooling too. Only the checkpoint is needed.
            """)

    @Option(
        help: "A run directory, its checkpoints folder, or one checkpoint's folder.", completion: .directory,
        transform: { FilePath($0) })
    var checkpoint: FilePath
    @Option(
        help: ArgumentHelp("Write the head as safetensors.", valueName: "FILE.safetensors"), completion: .file(),
        transform: { FilePath($0) })
    var output: FilePath?
    @Option(
        help: ArgumentHelp("Write the head with its pooling as a model of ONNX.", valueName: "FILE.onnx"),
        completion: .file(), transform: { FilePath($0) })
    var onnx: FilePath?
    @Option(help: "The order of the ONNX model's feature maps: nhwc ([N, H, W, D]) or nchw ([N, D, H, W]).")
    var layout = ExportedHead.Layout.channelsLast
    @OptionGroup var names: NameOptions
    @Flag(help: "Overwrite files that are there already.") var force = false

    func validate() throws {
        if output == nil && onnx == nil { throw ValidationError("Give --output, --onnx or both.") }
        if onnx == nil && layout != .channelsLast { throw ValidationError("--layout belongs to --onnx.") }
        if let output, output == onnx { throw ValidationError("--output and --onnx name the same file.") }
    }

    func run() throws {
        let files = [("output", output), ("onnx", onnx)].compactMap { name, path in path.map { (name, $0) } }
        for (name, path) in files {
            try OutputFolder.checkFile(path)
            guard force || !DurableFile.exists(path) else { throw OutputError.fileExists(path, option: name) }
        }
        let read = try CheckpointStore.withCheckpoint(at: checkpoint) { try Checkpoint(reading: $0.absolute) }
        let names = try names.load(run: TrainedModel.runDirectory(of: read), of: read)
        let head = try ExportedHead(read, channelNames: names.names)
        if let output { try head.writeSafetensors(to: output) }
        if let onnx { try head.writeONNX(to: onnx, layout: layout) }
        for (_, path) in files { try Console.result(path.string) }
    }
}

extension ExportedHead.Layout: ExpressibleByArgument {}
