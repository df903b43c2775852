import Backbones
import Foundation
import SystemPackage
import Tensors
import Testing
import WeightFiles

/// The part of Reference/compare_full_size.py that runs here: feature maps of full-size networks and the time they take.
///
/// Not part of the suite: it runs when INFODISENT_FULL_SIZE names the script's folder.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["INFODISENT_FULL_SIZE"] != nil), .serialized)
struct FullSizeComparisonTests {
    @Test func writesFeatureMapsAndTimes() throws {
        let folder = FilePath(ProcessInfo.processInfo.environment["INFODISENT_FULL_SIZE"]!)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.string)
            .filter { $0.hasSuffix(".weights.safetensors") }.sorted()
        try #require(!names.isEmpty)
        for file in names {
            let name = String(file.prefix { $0 != "." })
            let backbone = try Backbone.load(name: name, weights: SafetensorsFile(folder.appending(file)))
            let images = try SafetensorsFile(folder.appending("images.safetensors")).tensor("images")
            let workspace = backbone.makeWorkspace()
            var maps = backbone.featureMaps(of: images, workspace: workspace)
            let clock = ContinuousClock()
            let seconds = (0..<6).map { _ in
                clock.measure { maps = backbone.featureMaps(of: images, workspace: workspace) } / .seconds(1)
            }
            try SafetensorsWriter.write(
                [
                    .floats("maps", maps.shape, maps.values),
                    .floats("seconds", [seconds.count], seconds.map { Float($0) }),
                ], to: folder.appending("\(name).computed.safetensors"))
        }
    }
}
