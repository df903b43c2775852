import Foundation
import Testing

/// Augmented views and skipped images from the command line: what is trained follows from the configuration and the images
/// alone.
@Suite(.serialized, .enabled(if: Mpirun.isRunnable)) struct CacheViewsCommandTests {
    private static let options = [
        "cache.views=3", "cache.augmentation.flip=0.5", "cache.augmentation.crop_scale=[0.4, 1]",
        "cache.augmentation.degrees=25", "cache.augmentation.shear=15", "cache.augmentation.hue=0.1",
        "cache.augmentation.brightness=0.3", "dataset.bad_images=skip",
    ].flatMap { ["--set", $0] }

    private static let train = ["train", "--config", "small.yaml"] + options

    /// The small experiment without its cache, with four images broken in four ways.
    private func damagedFolder() throws -> (folder: Folder, damaged: [String]) {
        let folder = try SmallExperiment.folder()
        try folder.remove("features")
        let train = try images(of: "train", in: folder)
        let test = try images(of: "test", in: folder)
        let damaged = [train[0], train[17], train[40], test[6]]
        try folder.write(folder.bytes(damaged[0]).prefix(300), to: damaged[0])
        try folder.write(Data("not an image\n".utf8), to: damaged[1])
        try folder.write(Data(), to: damaged[2])
        var flipped = try folder.bytes(damaged[3])
        flipped[0] ^= 1
        try folder.write(flipped, to: damaged[3])
        return (folder, damaged)
    }

    private func images(of split: String, in folder: Folder) throws -> [String] {
        try folder.contents(of: "birds/\(split)").keys.filter { $0.hasSuffix(".jpg") }.sorted()
            .map { "birds/\(split)/\($0)" }
    }

    @Test func viewsAndSkippedImagesAreTheSameOnAnyNumberOfRanksAndAfterKills() throws {
        let (reference, damaged) = try damagedFolder()
        let first = try Tool.infodisent.run(Self.train, in: reference)
        try #require(first.exitCode == 0, "\(first.errors)")
        #expect(first.errors.contains("4 images cannot be decoded and are left out"))
        for image in damaged { #expect(first.errors.contains(image.dropFirst("birds/".count) + ": it is ")) }
        let index = try reference.text("features/index.json")
        #expect(
            index.contains(
                "\"skipped\": [[0, \"it is a JPEG image that ends too early, after 300 bytes\"], [17, \""))
        #expect(index.contains("\"schema_version\": 3"))
        let summary = try Tool.infodisent.succeed("evaluate", "--checkpoint", "run", "--json", in: reference)
        #expect(summary.contains("19"), "one of 20 test images is left out: \(summary)")

        for ranks in [2, 3] {
            let (folder, _) = try damagedFolder()
            let outcome = try Mpirun.run(ranks: ranks, Self.train, in: folder)
            try #require(outcome.exitCode == 0, "\(outcome.errors)")
            #expect(outcome.errors.components(separatedBy: "4 images cannot be decoded").count == 2, "said once")
            #expect(try folder.contents(of: "features") == reference.contents(of: "features"), "\(ranks) ranks")
            #expect(
                try folder.contents(of: "run/checkpoints") == reference.contents(of: "run/checkpoints"),
                "\(ranks) ranks")
            let evaluated = try Mpirun.run(ranks: ranks, ["evaluate", "--checkpoint", "run", "--json"], in: folder)
            #expect(evaluated.output == summary, "\(ranks) ranks")
        }

        let (folder, _) = try damagedFolder()
        for attempt in 1...30 {
            let process = try Tool.infodisent.start(Self.train, in: folder)
            usleep(useconds_t.random(in: 100_000...(200_000 + 50_000 * useconds_t(attempt))))
            let wasRunning = process.isRunning
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            if !wasRunning && process.terminationReason == .exit { break }
        }
        let last = try Tool.infodisent.run(Self.train, in: folder)
        try #require(last.exitCode == 0, "\(last.errors)")
        #expect(try folder.contents(of: "features") == reference.contents(of: "features"))
        #expect(try folder.contents(of: "run/checkpoints") == reference.contents(of: "run/checkpoints"))
    }

    @Test func nodesWithCachesOfTheirOwnAgreeOnWhatIsLeftOut() throws {
        let (reference, _) = try damagedFolder()
        let first = try Tool.infodisent.run(Self.train, in: reference)
        try #require(first.exitCode == 0, "\(first.errors)")

        let (folder, _) = try damagedFolder()
        func train(_ caches: [String]) throws {
            if folder.exists("run") { try folder.remove("run") }
            let parts = caches.enumerated().map { rank, cache in
                Mpirun.Part(
                    rankCount: 1,
                    arguments: Self.train + [
                        "--set", "run.directory=\(rank == 0 ? "run" : "no-run")", "--set", "cache.location=node_local",
                        "--set", "cache.directory=\(cache)",
                    ])
            }
            let outcome = try Mpirun.run(parts, in: folder)
            try #require(outcome.exitCode == 0, "\(outcome.errors)")
            #expect(try folder.contents(of: "run/checkpoints") == reference.contents(of: "run/checkpoints"))
        }
        try train(["node0", "node1", "node2"])
        let indices = try (0..<3).map { try folder.bytes("node\($0)/index.json") }
        #expect(indices[0] == indices[1] && indices[1] == indices[2])
        // One node is gone, and two of its shards with views are on no other.
        try train(["node2", "node1"])
    }

    @Test func otherViewsAreAddedToACacheAndMoreTrainedOn() throws {
        let folder = try SmallExperiment.folder()
        let before = try folder.contents(of: "features")
        let plain = try Tool.infodisent.succeed("train", "--config", "small.yaml", in: folder)
        #expect(plain.contains("run/checkpoints"))
        let outcome = try Tool.infodisent.run(Self.train + ["--set", "run.directory=views"], in: folder)
        try #require(outcome.exitCode == 0, "\(outcome.errors)")
        let after = try folder.contents(of: "features")
        for (name, bytes) in before where name != "index.json" { #expect(after[name] == bytes) }
        #expect(after.count > before.count)
        func checkpoints(_ run: String) throws -> [String: Data] {
            try folder.contents(of: "\(run)/checkpoints").filter { $0.key.hasSuffix("head.safetensors") }
        }
        #expect(try checkpoints("run") != checkpoints("views"))
        // The first run goes on with the plain views of the grown cache.
        try Tool.infodisent.succeed("train", "--config", "small.yaml", "--set", "run.directory=again", in: folder)
        #expect(try checkpoints("run") == checkpoints("again"))
    }

    @Test func theFirstBadImageEndsAnExtractionAndAllowingItGoesOn() throws {
        let (folder, damaged) = try damagedFolder()
        let extract = ["extract", "--config", "small.yaml", "--threads", "1"]
        let refused = try Tool.infodisent.run(extract, in: folder)
        #expect(refused.exitCode == 65)
        #expect(refused.errors.contains("\(damaged[0]) is a JPEG image that ends too early"), "\(refused.errors)")
        #expect(refused.errors.contains("dataset.bad_images: skip"), "\(refused.errors)")
        let allowed = try Tool.infodisent.run(extract + ["--set", "dataset.bad_images=skip"], in: folder)
        #expect(allowed.exitCode == 0 && allowed.errors.contains("holds 64 feature maps"), "\(allowed.errors)")
        let again = try Tool.infodisent.run(extract, in: folder)
        #expect(again.exitCode == 65)
        #expect(
            again.errors.contains("leaves out 4 images") && again.errors.contains(damaged[0])
                && again.errors.contains("dataset.bad_images"), "\(again.errors)")
    }

    @Test func aBadImageInAnArchiveIsNamed() throws {
        let folder = try Folder()
        for (split, count) in [("train", 6), ("test", 2)] {
            for number in 0..<count {
                let picture = "\(split)-\(number)"
                try folder.write(Data("\(number % 2)".utf8), to: "\(split)/\(picture).cls")
                try folder.write(number == 1 ? Data("no picture".utf8) : smallPNG, to: "\(split)/\(picture).png")
            }
            try FileManager.default.createDirectory(
                atPath: folder.url("shards").path, withIntermediateDirectories: true)
            let tar = try Tool.start(
                URL(fileURLWithPath: "/usr/bin/env"),
                ["tar", "cf", "shards/\(split)-0000.tar", "--sort=name", "-C", split, "."], in: folder)
            tar.waitUntilExit()
            try #require(tar.terminationStatus == 0)
        }
        let extract = [
            "extract", "--backbone", "demo", "--dataset", "shards", "--output", "features", "--set",
            "dataset.kind=webdataset", "--threads", "1",
        ]
        let refused = try Tool.infodisent.run(extract, in: folder)
        #expect(refused.exitCode == 65)
        // One of the two, whose turn comes first.
        #expect(
            ["train", "test"].contains { split in
                refused.errors.contains("\(split)-0000.tar:")
                    && refused.errors.contains("\(split)-1.png is none of the images that are read")
            },
            "\(refused.errors)")
        let allowed = try Tool.infodisent.run(extract + ["--set", "dataset.bad_images=skip"], in: folder)
        #expect(allowed.exitCode == 0 && allowed.errors.contains("2 images cannot be decoded"), "\(allowed.errors)")
    }

    @Test func thePlanShowsWhatViewsCost() throws {
        let folder = try SmallExperiment.folder()
        let plan = ["plan", "--config", "small.yaml"] + Self.options
        let text = try Tool.infodisent.run(plan, in: folder).output
        #expect(text.contains("3 views of each training image") && text.contains("for views beside the plain"))
        let json = try Tool.infodisent.run(plan + ["--json"], in: folder).output
        let values = try #require(JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        #expect(values["views"] as? Int == 3)
        #expect(values["cache_bytes"] as? Int == (3 * 48 + 20) * (8 * 8 * 192 * 2 + 72))
    }

    @Test(arguments: [
        ["cache.views=2"], ["cache.views=0"], ["cache.views=2", "cache.augmentation.flip=2"],
        ["cache.views=2", "cache.augmentation.crop_scale=[2, 3]"], ["cache.augmentation.shear=100"],
        ["input.exif=sometimes"], ["dataset.bad_images=drop"],
    ])
    func valuesThatCannotBeUsedAreWrongConfigurations(sets: [String]) throws {
        let folder = try SmallExperiment.folder()
        let outcome = try Tool.infodisent.run(
            SmallExperiment.arguments("train", setting: sets), in: folder)
        #expect(outcome.exitCode == 78, "\(outcome.errors)")
        #expect(!folder.exists("run"))
    }

    /// A picture of one pixel.
    private let smallPNG = Data([
        0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0x00, 0x00, 0x00, 0x0D, 0x49, 0x48, 0x44, 0x52, 0x00, 0x00,
        0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00, 0x00, 0x00, 0x00, 0x3A, 0x7E, 0x9B, 0x55, 0x00, 0x00, 0x00,
        0x0A, 0x49, 0x44, 0x41, 0x54, 0x78, 0xDA, 0x63, 0x68, 0x00, 0x00, 0x00, 0x82, 0x00, 0x81, 0xDA, 0x45, 0x08,
        0x3B, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4E, 0x44, 0xAE, 0x42, 0x60, 0x82,
    ])
}
