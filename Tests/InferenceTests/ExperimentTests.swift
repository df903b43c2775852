import Datasets
import DurableFiles
import Foundation
import Inference
import RunConfiguration
import SystemPackage
import TemporaryFolders
import Tensors
import Testing

@Suite struct ExperimentTests {
    private func configuration(_ folder: FilePath) throws -> RunConfiguration {
        try PartDataset.generate(
            .init(classCount: 2, trainPerClass: 2, testPerClass: 1, seed: 5, imageSide: 128),
            into: folder.appending("birds"), team: WorkerTeam())
        var configuration = RunConfiguration()
        configuration.dataset.root = folder.appending("birds")
        configuration.cache.directory = folder.appending("features")
        configuration.run.directory = folder.appending("run")
        return configuration
    }

    @Test func aCacheInsideTheDatasetIsRefusedAlsoThroughALink() throws {
        try withTemporaryFolder { folder in
            var configuration = try configuration(folder)
            try FileManager.default.createSymbolicLink(
                atPath: folder.appending("link").string, withDestinationPath: "birds/train")
            for path in ["birds/features", "link/features", "link/../features", "birds"] {
                configuration.cache.directory = folder.pushing(FilePath(path))
                let error = #expect(throws: ExperimentError.self, "\(path)") { try Experiment(configuration) }
                guard case .insideDataset(let key, _, _) = error else {
                    Issue.record("\(path): \(String(describing: error))")
                    continue
                }
                #expect(key == "cache.directory")
            }
        }
    }

    @Test func theBuiltInBackboneIsTakenUnaskedForThePartDatasetAlone() throws {
        try withTemporaryFolder { folder in
            var configuration = try configuration(folder)
            let experiment = try Experiment(configuration)
            #expect(experiment.backbone.name == "demo" && experiment.configuration.backbone.name == "demo")

            configuration.dataset.kind = .classFolders
            let root = configuration.dataset.root
            #expect(throws: ExperimentError.backboneNotNamed(dataset: root)) { try Experiment(configuration) }
            configuration.backbone.name = "demo"
            #expect(try Experiment(configuration).backbone.name == "demo", "asked for by name")

            // Without the manifest that makes it the part dataset, it is class folders to whoever looks.
            configuration.backbone.name = nil
            configuration.dataset.kind = .auto
            for name in try FileManager.default.contentsOfDirectory(atPath: root.string)
            where !["train", "test"].contains(name) {
                try FileManager.default.removeItem(atPath: root.appending(name).string)
            }
            #expect(throws: ExperimentError.backboneNotNamed(dataset: root)) { try Experiment(configuration) }
        }
    }

    @Test func moreLogicalShardsThanTrainingImagesAreLoweredWithANote() throws {
        try withTemporaryFolder { folder in
            var configuration = try configuration(folder)
            configuration.training.logicalShards = 8
            configuration.training.batchSize = 64
            let experiment = try Experiment(configuration)
            #expect(experiment.configuration.training.logicalShards == 4)
            #expect(experiment.notes.contains { $0.contains("training.logical_shards is 4, not 8") })
            configuration.training.logicalShards = 9
            configuration.training.batchSize = 9
            #expect(try Experiment(configuration).configuration.training.logicalShards == 3, "a divisor of the batch")
            configuration.training.logicalShards = 3
            #expect(try Experiment(configuration).notes.isEmpty)
        }
    }

    @Test func aRunInsideTheDatasetMattersOnlyToWhoWritesThere() throws {
        try withTemporaryFolder { folder in
            var configuration = try configuration(folder)
            configuration.run.directory = folder.appending("birds").appending("run")
            let experiment = try Experiment(configuration)
            #expect(throws: ExperimentError.self) {
                try experiment.requireOutsideDataset("run.directory", configuration.run.directory)
            }
            try experiment.requireOutsideDataset("run.directory", folder.appending("run"))
        }
    }
}
