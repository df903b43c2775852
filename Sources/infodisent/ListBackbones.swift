import ArgumentParser
import Backbones
import Foundation
import ImageCoding

/// `infodisent backbones`: names, input presets and feature-map sizes.
struct ListBackbones: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backbones", abstract: "List the backbones, their input presets and their feature maps.")

    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        if json {
            try Console.result(jsonText(BackboneRegistry.all.map(BackboneRecord.init)))
            return
        }
        try Console.result(row("name", "family", "resize/crop", "interpolation", "feature map"))
        for backbone in BackboneRegistry.all {
            let (input, map) = (backbone.defaultInput, backbone.featureMap)
            try Console.result(
                row(
                    backbone.name, backbone.family, "\(input.resize)/\(input.crop)", input.interpolation.rawValue,
                    "\(map.height) x \(map.width) x \(map.channelCount)"))
        }
    }

    private func row(_ columns: String...) -> String {
        let widths = [14, 10, 13, 15, 0]
        return zip(columns, widths).map { $0.padding(toLength: max($1, $0.count), withPad: " ", startingAt: 0) }
            .joined()
    }
}

/// A backbone as JSON.
private struct BackboneRecord: Encodable {
    struct FeatureMap: Encodable {
        let height: Int
        let width: Int
        let channelCount: Int
    }

    let name: String
    let family: String
    let input: InputTransform
    let featureMap: FeatureMap

    init(_ backbone: BackboneDescription) {
        name = backbone.name
        family = backbone.family
        input = backbone.defaultInput
        featureMap = FeatureMap(
            height: backbone.featureMap.height, width: backbone.featureMap.width,
            channelCount: backbone.featureMap.channelCount)
    }
}
