import Foundation
import Testing

/// Caches on the nodes' own disks; each rank has a folder of its own, as on a node of its own.
@Suite(.serialized, .enabled(if: Mpirun.isRunnable)) struct NodeLocalCacheTests {
    /// One rank for each cache folder. Only the first writes into `run`.
    private func ranks(_ command: String..., caches: [String]) -> [Mpirun.Part] {
        caches.enumerated().map { rank, cache in
            // No other node has the run directory.
            let here = command.map { rank > 0 && $0 == "run" ? "no-run" : $0 }
            let run = command[0] == "train" ? ["--set", "run.directory=\(rank == 0 ? "run" : "no-run")"] : []
            return Mpirun.Part(
                rankCount: 1,
                arguments: here + run + [
                    "--set", "cache.location=node_local", "--set", "cache.directory=\(cache)",
                ])
        }
    }

    private func shards(_ folder: Folder, _ cache: String) throws -> Set<String> {
        Set(try folder.contents(of: cache).keys.filter { $0.hasPrefix("shard-") })
    }

    @Test func eachNodeHoldsItsShardsAndFetchesOthersAfterAChange() throws {
        let reference = try SmallExperiment.trainedFolder()
        let summary = try Tool.infodisent.succeed("evaluate", "--checkpoint", "run", "--json", in: reference)
        try Tool.infodisent.succeed("prototypes", "--checkpoint", "run", "--output", "prototypes", in: reference)

        let folder = try SmallExperiment.folder()
        let three = ["node0", "node1", "node2"]
        func train(_ caches: [String]) throws -> Tool.Outcome {
            if folder.exists("run") { try folder.remove("run") }
            let outcome = try Mpirun.run(ranks("train", "--config", "small.yaml", caches: caches), in: folder)
            try #require(outcome.exitCode == 0, "\(outcome.errors)")
            #expect(try folder.contents(of: "run/checkpoints") == reference.contents(of: "run/checkpoints"))
            return outcome
        }

        _ = try train(three)
        let parts = try three.map { try shards(folder, $0) }
        let all = parts.reduce(Set()) { $0.union($1) }
        #expect(parts.reduce(0) { $0 + $1.count } == all.count, "no shard is on two nodes")
        #expect(!folder.exists("no-run"))

        let evaluated = try Mpirun.run(ranks("evaluate", "--checkpoint", "run", "--json", caches: three), in: folder)
        #expect(evaluated.output == summary)
        _ = try Mpirun.run(
            ranks("prototypes", "--checkpoint", "run", "--output", "prototypes", caches: three), in: folder)
        #expect(try folder.contents(of: "prototypes") == reference.contents(of: "prototypes"))

        // The first node is gone, with a shard that no other has; the last one's copy of another is damaged.
        let lost = try #require(parts[0].sorted().first)
        var bytes = try folder.bytes("node2/\(try #require(parts[2].sorted().last))")
        bytes[bytes.count - 10] ^= 1
        try folder.write(bytes, to: "node2/\(try #require(parts[2].sorted().last))")
        let outcome = try train(["node2", "node1"])
        #expect(outcome.errors.contains("fetch features"))
        #expect(try shards(folder, "node2").contains(lost), "it was extracted again")

        // One process needs all of them, on one node.
        _ = try train(["node1"])
        #expect(try shards(folder, "node1") == all)
    }

    @Test func aCacheDividedInAnotherWayIsRefused() throws {
        let folder = try SmallExperiment.folder()
        let outcome = try Tool.infodisent.run(
            [
                "train", "--config", "small.yaml", "--set", "cache.location=node_local", "--set",
                "training.logical_shards=2",
            ], in: folder)
        #expect(
            outcome.exitCode == 65 && outcome.errors.contains("division into logical shards is 4, expected 2"),
            "\(outcome.errors)")
        // One that all ranks shared until now is cut in the same way, and taken as it is.
        let before = try folder.contents(of: "features")
        try Tool.infodisent.succeed(
            "train", "--config", "small.yaml", "--set", "cache.location=node_local", in: folder)
        #expect(try folder.contents(of: "features") == before)
    }
}
