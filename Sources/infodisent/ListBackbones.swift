import ArgumentParser
import Backbones
import Foundation
import ImageCoding
import SystemPackage
import Tensors
import WeightFiles

/// `infodisent backbones`: names, input presets and feature-map sizes.
struct ListBackbones: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backbones", abstract: "List the backbones, their input presets and their feature maps.",
        discussion: """
            With --fitting, those that a file of weights holds, wherever in it, and what the names of each begin with there. A \
            residual network that its safetensors file describes itself is called \(BackboneRegistry.describedName).
            """)

    @Option(
        help: ArgumentHelp("List only those whose weights this file holds.", valueName: "file"), completion: .file(),
        transform: { FilePath($0) })
    var fitting: FilePath?
    @Option(help: "With --fitting: only those whose names begin so in the file (backbone.prefix).")
    var prefix: String?
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        if prefix != nil && fitting == nil { throw ValidationError("--prefix is about the file that --fitting names.") }
    }

    func run() throws {
        let found = try fitting.map { try BackboneRegistry.backbones(of: WeightFile.open($0), prefix: prefix) }
        let backbones = found?.map(\.description) ?? BackboneRegistry.all
        if json {
            try Console.result(
                jsonText(backbones.indices.map { BackboneRecord(backbones[$0], place: found?[$0]) }))
            return
        }
        for network in found ?? [] where !network.prefix.isEmpty {
            Console.note(
                "\(network.description.name): names begin with \"\(printable(network.prefix))\""
                    + (network.isAveraged ? ", averaged weights (backbone.use_ema)." : "."))
        }
        try Console.result(row("name", "family", "resize/crop", "interpolation", "feature map", "input.preset"))
        for backbone in backbones {
            let map = backbone.featureMap
            var columns = [backbone.name, backbone.family]
            for (index, preset) in backbone.presets.enumerated() {
                let input = preset.input
                columns += ["\(input.resize)/\(input.crop)", input.interpolation.rawValue]
                columns.append(index == 0 ? "\(map)" : "")
                // The default first; the others below it, without what does not change.
                try Console.result(row(columns + [preset.name]))
                columns = ["", ""]
            }
        }
    }

    private func row(_ columns: String...) -> String { row(columns) }

    private func row(_ columns: [String]) -> String {
        let widths = [Self.nameWidth, 10, 13, 15, 18, 0]
        return zip(columns, widths).map { $0.padding(toLength: max($1, $0.count), withPad: " ", startingAt: 0) }
            .joined()
    }

    private static let nameWidth = (BackboneRegistry.names.map(\.count).max() ?? 0) + 2
}

/// A backbone as JSON.
private struct BackboneRecord: Encodable {
    let name: String
    let family: String
    /// The default preset's.
    let input: InputTransform
    let presets: [InputPreset]
    let featureMap: FeatureMapShape
    /// Of a network in a file: what its names begin with there, and whether it is a moving average of the weights.
    let prefix: String?
    let isAveraged: Bool?

    init(_ backbone: BackboneDescription, place: RecognisedBackbone?) {
        prefix = place?.prefix
        isAveraged = place?.isAveraged
        name = backbone.name
        family = backbone.family
        input = backbone.defaultInput
        presets = backbone.presets
        featureMap = backbone.featureMap
    }
}
