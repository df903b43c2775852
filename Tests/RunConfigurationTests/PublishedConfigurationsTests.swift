import Foundation
import RunConfiguration
import SystemPackage
import Testing

/// The files in Configs/.
@Suite struct PublishedConfigurationsTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Configs")
    private static let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [])
        .filter { $0.hasSuffix(".yaml") }.sorted()

    private static func configuration(_ name: String) throws -> RunConfiguration {
        try RunConfiguration(contentsOf: FilePath(folder.appending(path: name).path))
    }

    @Test func everyFileIsReadAndReadsBack() throws {
        for name in Self.names {
            let configuration = try Self.configuration(name)
            #expect(try RunConfiguration(yaml: configuration.yaml, source: name) == configuration, "\(name)")
        }
        #expect(Self.names.count >= 27)
    }

    @Test(arguments: ["imagenet", "cub", "cars", "dogs"])
    func everySettingOfThePaperHasAFile(dataset: String) throws {
        for backbone in ["resnet34", "resnet50", "densenet121", "convnext_large", "vit_b_16", "swin_s"] {
            let configuration = try Self.configuration("\(dataset)-\(backbone).yaml")
            #expect(configuration.dataset.kind.rawValue == dataset)
            #expect(configuration.backbone.name == backbone)
            #expect(configuration.backbone.weights?.lastComponent?.stem == backbone)
        }
    }

    @Test func cifarIsReadAsPublishedAndNotResized() throws {
        let configuration = try Self.configuration("cifar100.yaml")
        #expect(configuration.dataset.kind == .cifar)
        #expect(configuration.backbone.name == "resnet_described", "whose file says how images are prepared")
        #expect(configuration.input == RunConfiguration().input)
    }

    @Test func noTwoFilesShareARunOrACache() throws {
        let configurations = try Self.names.map(Self.configuration)
        #expect(Set(configurations.map(\.run.directory)).count == configurations.count)
        #expect(Set(configurations.map(\.cache.directory)).count == configurations.count)
    }
}
