import Foundation
import Testing

/// What is damaged in a cache is extracted again by whoever reads it, with the bytes it had.
@Suite(.serialized, .enabled(if: Mpirun.isRunnable)) struct CacheMendingTests {
    private static let mapByteCount = 8 * 8 * 192 * 2

    /// Damages five files of the cache in as many ways, and gives their names.
    @discardableResult
    private func damage(_ folder: Folder, removing: Bool = true) throws -> [String] {
        let names = [0, 3, 5, 6, 9].map { "shard-0000\($0).safetensors" }
        // A row; the digests; the header; the end; everything.
        for (name, change) in zip(
            names,
            [
                { $0[$0.count - 1] ^= 1 }, { $0[$0.count - 2 * Self.mapByteCount - 5] ^= 1 }, { $0[20] ^= 4 },
                { $0 = $0.dropLast(Self.mapByteCount + 100) }, { $0 = Data() },
            ] as [(inout Data) -> Void])
        {
            var bytes = try folder.bytes("features/\(name)")
            change(&bytes)
            try folder.write(Data(bytes), to: "features/\(name)")
        }
        return names
    }

    private func expectMended(
        _ folder: Folder, as reference: Folder, _ names: [String], _ outcome: Tool.Outcome,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try #require(outcome.exitCode == 0, "\(outcome.errors)", sourceLocation: sourceLocation)
        #expect(
            try folder.contents(of: "features") == reference.contents(of: "features"), sourceLocation: sourceLocation)
        for name in names {
            #expect(
                outcome.errors.contains("\(name) is damaged: "), "\(name): \(outcome.errors)",
                sourceLocation: sourceLocation)
        }
    }

    @Test(arguments: [1, 2, 3]) func trainingMendsWhatItMeetsAndEndsWithTheSameBytes(ranks: Int) throws {
        let reference = try SmallExperiment.trainedFolder()
        let folder = try SmallExperiment.folder()
        let names = try damage(folder)
        let outcome = try Mpirun.run(ranks: ranks, ["train", "--config", "small.yaml"], in: folder)
        try expectMended(folder, as: reference, names, outcome)
        #expect(try folder.contents(of: "run/checkpoints") == reference.contents(of: "run/checkpoints"))
        #expect(outcome.errors.contains("Extracting 1 of its 10 images again"), "\(outcome.errors)")
        #expect(outcome.errors.contains("row 9 (train/"), "\(outcome.errors)")
        // Said once by one process, or by the rank that did it.
        #expect(outcome.errors.contains("rank 0 (") == (ranks > 1))
    }

    @Test(arguments: [1, 3]) func evaluationAndPrototypesMendToo(ranks: Int) throws {
        let reference = try SmallExperiment.trainedFolder()
        let evaluate = ["evaluate", "--checkpoint", "run", "--json"]
        let summary = try Tool.infodisent.run(evaluate, in: reference).output
        try Tool.infodisent.succeed("prototypes", "--checkpoint", "run", "--output", "prototypes", in: reference)

        let folder = try SmallExperiment.trainedFolder()
        let names = try damage(folder)
        let outcome = try Mpirun.run(ranks: ranks, evaluate, in: folder)
        try expectMended(folder, as: reference, names, outcome)
        #expect(outcome.output == summary)

        let inTraining = try damage(folder).dropLast()
        let found = try Mpirun.run(
            ranks: ranks, ["prototypes", "--checkpoint", "run", "--output", "prototypes"], in: folder)
        #expect(found.exitCode == 0)
        #expect(try folder.contents(of: "prototypes") == reference.contents(of: "prototypes"))
        for name in inTraining { #expect(found.errors.contains("\(name) is damaged: "), "\(found.errors)") }
        // The last one holds test images, which prototypes are not.
        let rest = try Mpirun.run(ranks: ranks, ["extract", "--config", "small.yaml", "--verify"], in: folder)
        try expectMended(folder, as: reference, [names.last!], rest)
    }

    @Test(arguments: [1, 4]) func extractVerifiesAndMends(ranks: Int) throws {
        let reference = try SmallExperiment.folder()
        let folder = try SmallExperiment.folder()
        let verify = ["extract", "--config", "small.yaml", "--verify"]
        let sound = try Mpirun.run(ranks: ranks, verify, in: folder)
        #expect(sound.exitCode == 0 && sound.errors.contains("All features have the digests they should"))
        #expect(!sound.errors.contains("damaged"))
        let names = try damage(folder)
        try expectMended(folder, as: reference, names, Mpirun.run(ranks: ranks, verify, in: folder))
        // With augmented views, every file of each view.
        let views = ["--set", "cache.views=3", "--set", "cache.augmentation.flip=0.5"]
        #expect(try Mpirun.run(ranks: ranks, verify + views, in: folder).exitCode == 0)
        let whole = try folder.contents(of: "features")
        for name in whole.keys where name.hasPrefix("shard-") {
            var bytes = try folder.bytes("features/\(name)")
            bytes[bytes.count - 1] ^= 1
            try folder.write(bytes, to: "features/\(name)")
        }
        #expect(try Mpirun.run(ranks: ranks, verify + views, in: folder).exitCode == 0)
        #expect(try folder.contents(of: "features") == whole)
    }

    @Test(arguments: [1, 2]) func whatHappensToFilesInUseIsMended(ranks: Int) throws {
        let long = ["train", "--config", "small.yaml", "--set", "training.epochs=50"]
        let reference = try SmallExperiment.folder()
        try #require(try Tool.infodisent.run(long, in: reference).exitCode == 0)
        let folder = try SmallExperiment.folder()
        let run = try Mpirun.start(ranks: ranks, long, in: folder)
        for _ in 0..<500 where !folder.exists("run/checkpoints/latest") { usleep(20_000) }
        var count = 0
        while run.isRunning && count < 24 {
            // Those of test images are read in each epoch; those of training images stay in memory once they have been.
            let shard = count % 12
            let name = "features/shard-000\(shard < 10 ? "0" : "")\(shard).safetensors"
            // Unless it is gone and not yet made anew.
            if let file = try? FileHandle(forUpdating: folder.url(name)) {
                let place = try file.seekToEnd() - 1 - UInt64(count * 50)
                switch count % 3 {
                case 0:
                    try file.seek(toOffset: place)
                    try file.write(contentsOf: Data([0xA5]))
                case 1: try file.truncate(atOffset: place)
                default: try folder.remove(name)
                }
                try file.close()
            }
            count += 1
            usleep(50_000)
        }
        let outcome = try Tool.finish(run, in: folder)
        try #require(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(outcome.errors.contains("is damaged: "), "\(outcome.errors)")
        let last = try reference.text("run/checkpoints/latest").trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(
            try folder.contents(of: "run/checkpoints/\(last)") == reference.contents(of: "run/checkpoints/\(last)"))
        #expect(try Tool.infodisent.run(["extract", "--config", "small.yaml", "--verify"], in: folder).exitCode == 0)
        #expect(try folder.contents(of: "features") == reference.contents(of: "features"))
    }

    @Test(arguments: [1, 2]) func withoutTheImagesTheErrorSaysWhatToDo(ranks: Int) throws {
        let folder = try SmallExperiment.folder()
        let run = try Mpirun.start(
            ranks: ranks, ["train", "--config", "small.yaml", "--set", "training.epochs=100000"], in: folder)
        for _ in 0..<500 where !folder.exists("run/checkpoints/latest") { usleep(20_000) }
        try folder.remove("birds")
        // Of test images, which are read in each epoch.
        let name = "features/shard-00008.safetensors"
        var bytes = try folder.bytes(name)
        bytes[bytes.count - 1] ^= 1
        let file = try FileHandle(forUpdating: folder.url(name))
        try file.seek(toOffset: UInt64(bytes.count - 1))
        try file.write(contentsOf: Data([bytes.last!]))
        try file.close()
        let outcome = try Tool.finish(run, in: folder)
        #expect(outcome.exitCode == 65, "\(outcome.errors)")
        for part in [
            name, "row 4 (test/", ".jpg)", "could not be extracted again", "does not exist",
            "Put the images back where they were and run the same command again",
        ] {
            #expect(outcome.errors.contains(part), "\(part): \(outcome.errors)")
        }
        #expect(try folder.bytes(name) == bytes, "the damaged file stays where it is")
    }

    @Test func killsWhileMendingLoseNothing() throws {
        let reference = try SmallExperiment.folder()
        let folder = try SmallExperiment.folder()
        let verify = ["extract", "--config", "small.yaml", "--verify", "--threads", "1"]
        for name in try folder.contents(of: "features").keys where name.hasPrefix("shard-") {
            var bytes = try folder.bytes("features/\(name)")
            bytes[bytes.count - 1] ^= 1
            bytes[bytes.count - Self.mapByteCount - 1] ^= 1
            try folder.write(bytes, to: "features/\(name)")
        }
        var killCount = 0
        for attempt in 1...60 {
            let process = try Tool.infodisent.start(verify, in: folder)
            usleep(useconds_t.random(in: 10_000...(60_000 + 10_000 * useconds_t(attempt))))
            let wasRunning = process.isRunning
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            if !wasRunning && process.terminationReason == .exit { break }
            killCount += 1
            // Nothing is missing at any time.
            #expect(
                try Set(folder.contents(of: "features").keys) == Set(reference.contents(of: "features").keys))
        }
        #expect(killCount > 0)
        #expect(try Tool.infodisent.run(verify, in: folder).exitCode == 0)
        #expect(try folder.contents(of: "features") == reference.contents(of: "features"))
        let hidden = try FileManager.default.contentsOfDirectory(atPath: folder.url("features").path)
            .filter { $0.hasPrefix(".") }
        #expect(hidden == [], "temporaries of the killed are removed")
    }

    @Test func anImageThatHasChangedSinceIsNamed() throws {
        let folder = try SmallExperiment.folder()
        let class0 = try #require(
            try FileManager.default.contentsOfDirectory(atPath: folder.url("birds/train").path).sorted().first)
        let images = try FileManager.default.contentsOfDirectory(atPath: folder.url("birds/train/\(class0)").path)
            .sorted()
        let image = "birds/train/\(class0)/\(images[0])"
        // Of the same length, so that the dataset is the same one by its listing.
        let original = try folder.bytes(image)
        var other = original
        other[other.count / 2] ^= 1
        other[other.count - 3] ^= 1
        try folder.write(other, to: image)

        let views = [
            "extract", "--config", "small.yaml", "--set", "cache.views=2", "--set", "cache.augmentation.flip=0.5",
        ]
        let refused = try Tool.infodisent.run(views, in: folder)
        #expect(refused.exitCode == 65, "\(refused.errors)")
        for part in [image, "has changed since", "Put the old one back, or extract into another folder"] {
            #expect(refused.errors.contains(part), "\(refused.errors)")
        }
        // Its row is the first of the first file.
        var bytes = try folder.bytes("features/shard-00000.safetensors")
        bytes[bytes.count - 10 * Self.mapByteCount] ^= 1
        try folder.write(bytes, to: "features/shard-00000.safetensors")
        let unmended = try Tool.infodisent.run(["train", "--config", "small.yaml"], in: folder)
        #expect(unmended.exitCode == 65 && unmended.errors.contains(image), "\(unmended.errors)")

        try folder.write(original, to: image)
        #expect(try Tool.infodisent.run(views, in: folder).exitCode == 0)
        #expect(try Tool.infodisent.run(["train", "--config", "small.yaml"], in: folder).exitCode == 0)
    }

    /// Of the same length, so that the dataset is the same one by its listing.
    @Test func aChangedImageIsNamedByWhateverOpensItAgain() throws {
        let folder = try SmallExperiment.trainedFolder()
        func image(_ split: String) throws -> String {
            let files = try FileManager.default.subpathsOfDirectory(atPath: folder.url("birds/\(split)").path)
            return "birds/\(split)/" + (try #require(files.filter { $0.hasSuffix(".jpg") }.sorted().first))
        }
        func expectRefused(_ arguments: [String], naming image: String, _ location: SourceLocation = #_sourceLocation)
            throws
        {
            let refused = try Tool.infodisent.run(arguments, in: folder)
            #expect(refused.exitCode == 65, "\(refused.errors)", sourceLocation: location)
            for part in [image, "has changed since", "Put the old one back, or extract into another folder"] {
                #expect(refused.errors.contains(part), "\(refused.errors)", sourceLocation: location)
            }
        }
        let (train, test) = (try image("train"), try image("test"))
        let evaluate = ["evaluate", "--checkpoint", "run"]
        let verify = ["extract", "--config", "small.yaml", "--verify"]
        func explain(_ image: String) -> [String] { ["explain", "--checkpoint", "run", "--output", "why", image] }
        for name in [train, test] {
            let original = try folder.bytes(name)
            var other = original
            other[other.count - 3] ^= 1
            try folder.write(other, to: name)
            try expectRefused(verify, naming: name)
            try expectRefused(explain(name), naming: name)
            if name == test { try expectRefused(evaluate, naming: name) }
            try folder.write(original, to: name)
        }
        // All training images, so that a prototype's is one of them.
        for name in try FileManager.default.subpathsOfDirectory(atPath: folder.url("birds/train").path)
        where name.hasSuffix(".jpg") {
            var other = try folder.bytes("birds/train/\(name)")
            other[other.count - 3] ^= 1
            try folder.write(other, to: "birds/train/\(name)")
        }
        try expectRefused(["prototypes", "--checkpoint", "run", "--output", "prototypes"], naming: "birds/train/")
        #expect(try Tool.infodisent.run(evaluate, in: folder).exitCode == 0)
        #expect(!folder.exists("why/index.html") && !folder.exists("prototypes/index.html"))
    }

    @Test func twoExtractionsAtOnceGiveOneCache() throws {
        let reference = try SmallExperiment.folder()
        let folder = try SmallExperiment.folder()
        for attempt in 0..<4 {
            try folder.remove("features")
            let extract = ["extract", "--config", "small.yaml", "--threads", "1", "--set"]
            // Each keeps its output in a folder of its own.
            let (one, two) = (try Folder(), try Folder())
            let first = try Tool.infodisent.start(
                extract + ["cache.samples_per_shard=\(attempt % 2 == 0 ? 10 : 7)"], in: one, from: folder.path.string)
            let second =
                attempt < 2
                ? try Tool.infodisent.start(
                    extract + ["cache.samples_per_shard=5"], in: two, from: folder.path.string)
                : try Mpirun.start(
                    ranks: 2, extract + ["cache.samples_per_shard=10"], in: two, from: folder.path.string)
            for outcome in try [Tool.finish(first, in: one), Tool.finish(second, in: two)] {
                #expect(outcome.exitCode == 0, "\(outcome.errors)")
            }
            let verified = try Tool.infodisent.run(
                ["extract", "--config", "small.yaml", "--verify"], in: folder)
            #expect(verified.exitCode == 0 && !verified.errors.contains("damaged"), "\(verified.errors)")
            let files = try folder.contents(of: "features")
            let index = try folder.text("features/index.json")
            #expect(files.count == 1 + index.components(separatedBy: "{\"samples\":").count - 1)
            // All of one division: those of ten images are the same as those of the reference.
            if index.contains("{\"samples\":10,") {
                #expect(try files == reference.contents(of: "features"))
            }
        }
    }
}
