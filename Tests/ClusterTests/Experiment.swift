import Foundation
import Testing

/// A small training run in a folder of its own, and the bytes it must end with.
final class Experiment {
    let folder: URL

    private struct Prepared {
        let folder: URL
        /// The last checkpoint of an undisturbed run of one process: contents by file name.
        let reference: [String: Data]
    }

    /// Made once: a dataset, its cache and the undisturbed run.
    private static let prepared = Result<Prepared, any Error> {
        let folder = FileManager.default.temporaryDirectory.appending(path: "infodisent-cluster-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        atexit { Experiment.removePrepared() }
        let program = Place.program("infodisent")
        try Job.succeed(
            [
                program, "generate", "--output", "birds", "--classes", "4", "--train", "12", "--test", "5", "--side",
                "128",
            ],
            in: folder)
        try Data(configuration.utf8).write(to: folder.appending(path: "run.yaml"))
        try Job.succeed([program, "train", "--config", "run.yaml"], in: folder)
        let reference = try lastCheckpoint(in: folder)
        try FileManager.default.removeItem(at: folder.appending(path: "run"))
        return Prepared(folder: folder, reference: reference)
    }

    private static func removePrepared() {
        if let folder = try? prepared.get().folder { try? FileManager.default.removeItem(at: folder) }
    }

    /// Long enough to be disturbed in the middle.
    private static let configuration = """
        run:
          directory: run
          seed: 3
        dataset:
          kind: parts
          root: birds
        cache:
          directory: features
        training:
          epochs: 300
          batch_size: 16
          logical_shards: 4
        checkpoint:
          every: 25
        evaluation:
          every: 150
        """

    init() throws {
        let prepared = try Self.prepared.get()
        folder = FileManager.default.temporaryDirectory.appending(path: "infodisent-cluster-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for name in ["birds", "features", "run.yaml"] {
            try FileManager.default.copyItem(
                at: prepared.folder.appending(path: name), to: folder.appending(path: name))
        }
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// The arguments of Launch/run for this run, after options of the launcher's.
    func command(_ options: String...) -> [String] {
        [Place.launcher] + options + ["--program", Place.program("infodisent"), "train", "--config", "run.yaml"]
    }

    /// Whether training has got so far that there is something to go on from.
    var hasCheckpoint: Bool {
        FileManager.default.fileExists(atPath: folder.appending(path: "run/checkpoints/latest").path)
    }

    /// Requires that the last checkpoint has the bytes of the undisturbed run.
    func requireReference(sourceLocation: SourceLocation = #_sourceLocation) throws {
        let reference = try Self.prepared.get().reference
        let found = try Self.lastCheckpoint(in: folder)
        try #require(found.keys.sorted() == reference.keys.sorted(), sourceLocation: sourceLocation)
        for (name, bytes) in reference {
            #expect(found[name] == bytes, "\(name) differs", sourceLocation: sourceLocation)
        }
    }

    /// Requires that the last checkpoint has the bytes of another run's.
    func requireSame(as other: Experiment, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let found = try Self.lastCheckpoint(in: folder)
        #expect(try found == Self.lastCheckpoint(in: other.folder), sourceLocation: sourceLocation)
    }

    /// The contents of all files of the run directory, hidden ones too.
    func runContents() throws -> [String: Data] {
        let root = folder.appending(path: "run")
        var result: [String: Data] = [:]
        for case let name as String in try #require(FileManager.default.enumerator(atPath: root.path)) {
            let path = root.appending(path: name)
            // Folders have no data.
            if let data = try? Data(contentsOf: path) { result[name] = data }
        }
        return result
    }

    /// That the heartbeat files of the launcher are gone.
    var hasNoLeftovers: Bool {
        (try? FileManager.default.contentsOfDirectory(atPath: folder.path))?.contains { $0.hasPrefix(".") } == false
    }

    private static func lastCheckpoint(in folder: URL) throws -> [String: Data] {
        let checkpoints = folder.appending(path: "run/checkpoints")
        let name = try String(contentsOf: checkpoints.appending(path: "latest"), encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        let path = checkpoints.appending(path: name)
        return try Dictionary(
            uniqueKeysWithValues: FileManager.default.contentsOfDirectory(atPath: path.path).map { file in
                ("\(name)/\(file)", try Data(contentsOf: path.appending(path: file)))
            })
    }
}
