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
        commandName: "backbones", abstract: "List the backbones, their input presets and their feature maps.")

    @Option(
        help: ArgumentHelp("List only those whose weights this file holds.", valueName: "file"), completion: .file(),
        transform: { FilePath($0) })
    var fitting: FilePath?
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let backbones =
            try fitting.map { try BackboneRegistry.backbones(of: WeightFile.open($0)) } ?? BackboneRegistry.all
        if json {
            try Console.result(jsonText(backbones.map(BackboneRecord.init)))
            return
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

    init(_ backbone: BackboneDescription) {
        name = backbone.name
        family = backbone.family
        input = backbone.defaultInput
        presets = backbone.presets
        featureMap = backbone.featureMap
    }
}
