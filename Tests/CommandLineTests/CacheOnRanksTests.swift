import Foundation
import Testing

/// The cache is cut by logical shard, so that a rank reads, opens and hashes its own files only.
@Suite(.serialized, .enabled(if: Mpirun.isRunnable)) struct CacheOnRanksTests {
    /// Of the small experiment, by split: files, and feature maps of 8 x 8 x 192 halves.
    private static let (trainFileCount, testFileCount) = (8, 4)
    private static let (trainMapCount, testMapCount) = (48, 20)
    private static let mapByteCount = 8 * 8 * 192 * 2

    /// What a rank may read and hash in all, in feature maps: headers and digests come to them.
    private static let frontShare = 1.02
    /// The same where one rank looks up the images of all files: of such small feature maps the digests are not nothing.
    private static let frontShareWithImages = 1.08

    private func expect(
        _ ranks: Int, _ outcome: Tool.Outcome, files: Int, readMaps: Int, mostReadMaps: Int? = nil, hashedMaps: Int,
        frontShare: Double = frontShare,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try #require(outcome.exitCode == 0, "\(outcome.errors)", sourceLocation: sourceLocation)
        let traffic = try CacheTraffic.ofRanks(in: outcome.errors)
        try #require(traffic.count == ranks, "\(outcome.errors)", sourceLocation: sourceLocation)
        for (rank, own) in traffic.enumerated() {
            let place = "rank \(rank) of \(ranks): \(own)"
            #expect(own.fileCount == files / ranks, "\(place)", sourceLocation: sourceLocation)
            for (bytes, least, most) in [
                (own.readByteCount, readMaps, mostReadMaps ?? readMaps), (own.hashedByteCount, hashedMaps, hashedMaps),
            ] {
                let found = Double(bytes) / Double(Self.mapByteCount) * Double(ranks)
                #expect(found > 0.99 * Double(least), "\(place)", sourceLocation: sourceLocation)
                // Of the threads that read ahead, some may read a row once more that another asks for at the same time.
                let limit = frontShare * Double(most) + Double(8 * ranks)
                #expect(found < limit, "\(place)", sourceLocation: sourceLocation)
            }
        }
    }

    @Test(arguments: [1, 2, 4]) func aRankReadsAndHashesItsShareAndNoOtherFiles(ranks: Int) throws {
        let folder = try SmallExperiment.folder()
        // Of files that were written a moment ago, a further write could not be told, so that rows are hashed again.
        Thread.sleep(forTimeInterval: 2.1)
        let all = (files: Self.trainFileCount + Self.testFileCount, maps: Self.trainMapCount + Self.testMapCount)
        let traffic = "--cache-traffic"
        // The classifier that is fitted on the training images, and six epochs; the features of training images are held once they have been
        // used, if there is memory.
        try expect(
            ranks, Mpirun.run(ranks: ranks, ["train", "--config", "small.yaml", traffic], in: folder),
            files: all.files,
            readMaps: 2 * Self.trainMapCount + 6 * Self.testMapCount,
            mostReadMaps: Self.trainMapCount + 6 * all.maps, hashedMaps: all.maps)
        // The test images for the head; both splits for the black box.
        try expect(
            ranks, Mpirun.run(ranks: ranks, ["evaluate", "--checkpoint", "run", traffic], in: folder),
            files: all.files, readMaps: all.maps + Self.testMapCount, hashedMaps: all.maps)
        try expect(
            ranks,
            Mpirun.run(
                ranks: ranks,
                ["evaluate", "--checkpoint", "run", traffic, "--set", "evaluation.black_box=false"], in: folder),
            files: Self.testFileCount, readMaps: Self.testMapCount, hashedMaps: Self.testMapCount)
        try expect(
            ranks,
            Mpirun.run(
                ranks: ranks, ["prototypes", "--checkpoint", "run", "--output", "prototypes", traffic], in: folder),
            files: Self.trainFileCount, readMaps: Self.trainMapCount, hashedMaps: Self.trainMapCount,
            frontShare: Self.frontShareWithImages)
    }

    @Test func featuresInEightBitsAreTheSameOnAnyNumberOfRanksAndAfterAKill() throws {
        let train = ["train", "--config", "small.yaml", "--set", "cache.precision=int8"]
        let reference = try SmallExperiment.folder()
        // Features in another precision are not taken for these.
        let refused = try Tool.infodisent.run(train, in: reference)
        #expect(refused.exitCode == 65 && refused.errors.contains("precision is f16, expected int8"))
        try reference.remove("features")
        let first = try Tool.infodisent.run(train, in: reference)
        try #require(first.exitCode == 0, "\(first.errors)")
        let features = try reference.contents(of: "features")
        let shard = try #require(features["shard-00000.safetensors"])
        let mapByteCount = 8 * 8 * 192 + 4 * 192
        #expect(shard.count > 10 * mapByteCount && shard.count < 10 * mapByteCount + 2048)

        for ranks in [1, 2, 4] {
            let folder = try SmallExperiment.folder()
            try folder.remove("features")
            let outcome = try Mpirun.run(ranks: ranks, train, in: folder)
            try #require(outcome.exitCode == 0, "\(outcome.errors)")
            #expect(try folder.contents(of: "features") == features, "\(ranks) ranks")
            #expect(
                try folder.contents(of: "run/checkpoints") == reference.contents(of: "run/checkpoints"),
                "\(ranks) ranks")
        }
        // Killed with some files written, a damaged one among them, and gone on with by other ranks.
        let folder = try SmallExperiment.folder()
        try FileManager.default.removeItem(at: folder.url("features"))
        try FileManager.default.copyItem(at: reference.url("features"), to: folder.url("features"))
        for name in ["shard-00002.safetensors", "shard-00009.safetensors"] { try folder.remove("features/\(name)") }
        var damaged = shard
        damaged[shard.count - mapByteCount] ^= 1
        try folder.write(damaged, to: "features/shard-00000.safetensors")
        let outcome = try Mpirun.run(ranks: 2, train, in: folder)
        try #require(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(try folder.contents(of: "features") == features)
        #expect(try folder.contents(of: "run/checkpoints") == reference.contents(of: "run/checkpoints"))
    }

    @Test func aCacheCutByOtherLogicalShardsChangesNoResultAndIsSaidToBe() throws {
        let other = ["--set", "training.logical_shards=2"]
        let train = ["train", "--config", "small.yaml"] + other
        let reference = try SmallExperiment.folder()
        try reference.remove("features")
        let first = try Tool.infodisent.run(train, in: reference)
        #expect(first.exitCode == 0 && !first.errors.contains("is cut by"))

        let folder = try SmallExperiment.folder()
        let before = try folder.contents(of: "features")
        let outcome = try Mpirun.run(ranks: 2, train + ["--cache-traffic"], in: folder)
        try #require(outcome.exitCode == 0, "\(outcome.errors)")
        let note = "is cut by 4 logical shards, and training.logical_shards is 2"
        #expect(outcome.errors.components(separatedBy: note).count == 2, "said once: \(outcome.errors)")
        #expect(try folder.contents(of: "features") == before)
        #expect(try folder.contents(of: "run/checkpoints") == reference.contents(of: "run/checkpoints"))
        // In one process nothing is read that would not be read anyway.
        let alone = try Tool.infodisent.run(train + ["--set", "run.directory=alone"], in: folder)
        #expect(alone.exitCode == 0 && !alone.errors.contains("is cut by"))
    }

    @Test func fewOpenFilesAreEnough() throws {
        let reference = try SmallExperiment.trainedFolder()
        let folder = try SmallExperiment.folder()
        let program = Tool.products.appending(path: Tool.infodisent.rawValue).path
        for command in [
            "train --config small.yaml --threads 2",
            "evaluate --checkpoint run --threads 2",
        ] {
            // Room for what a process has open anyway, and for fewer files than the cache has.
            let process = try Tool.start(
                URL(fileURLWithPath: "/bin/bash"), ["-c", "ulimit -n 20; exec \(program) \(command)"], in: folder)
            let outcome = try Tool.finish(process, in: folder)
            #expect(outcome.exitCode == 0, "\(outcome.errors)")
        }
        #expect(try folder.contents(of: "run/checkpoints") == reference.contents(of: "run/checkpoints"))
    }
}
