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
