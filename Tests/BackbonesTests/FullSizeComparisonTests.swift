import Backbones
import Foundation
import SystemPackage
import Tensors
import Testing
import WeightFiles

/// The part of Reference/compare_full_size.py that runs here: which backbones there are, and feature maps of full-size
/// networks and the time they take.
///
/// Not part of the suite: it runs when INFODISENT_FULL_SIZE names the script's folder.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["INFODISENT_FULL_SIZE"] != nil), .serialized)
struct FullSizeComparisonTests {
    struct Listed: Encodable {
        let name: String
        let family: String
        let presets: [InputPreset]
    }

    let folder = FilePath(ProcessInfo.processInfo.environment["INFODISENT_FULL_SIZE"]!)

    @Test func writesTheList() throws {
        let list = BackboneRegistry.all.map { Listed(name: $0.name, family: $0.family, presets: $0.presets) }
        try JSONEncoder().encode(list).write(to: URL(filePath: folder.appending("backbones.json").string))
    }

    @Test func writesFeatureMapsAndTimes() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.string)
            .filter { $0.hasSuffix(".weights.safetensors") || $0.hasSuffix(".pretrained") }.sorted()
        for file in names {
            let name = String(file.prefix { $0 != "." })
            let weights = try WeightFile.open(folder.appending(file))
            #expect(BackboneRegistry.backbones(fitting: weights).contains(name), "\(name) is not recognised")
            let backbone = try Backbone.load(name: name, weights: weights)
            let images = try SafetensorsFile(folder.appending("\(name).images.safetensors")).tensor("images")
            let workspace = backbone.makeWorkspace()
            var maps = backbone.featureMaps(of: images, workspace: workspace)
            // One image is only compared, several are timed.
            let seconds = (0..<(images.shape[0] == 1 ? 1 : 4)).map { _ in
                let start = processorSeconds()
                maps = backbone.featureMaps(of: images, workspace: workspace)
                return processorSeconds() - start
            }
            try SafetensorsWriter.write(
                [
                    .floats("maps", maps.shape, maps.values),
                    .floats("seconds", [seconds.count], seconds.map { Float($0) }),
                ], to: folder.appending("\(name).computed.safetensors"))
        }
    }
}

/// Time that this thread has spent on a processor: what others do on the machine matters less to it.
private func processorSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}
