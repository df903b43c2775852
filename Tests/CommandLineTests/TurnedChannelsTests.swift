import Foundation
import Testing

/// A channel map that turns some of the channels: which ones is found in the training images, and all is the same on any ranks.
@Suite(.serialized) struct TurnedChannelsTests {
    private func train(_ more: [String] = []) -> [String] {
        ["train", "--config", "small.yaml"] + (["head.map_rank=24"] + more).flatMap { ["--set", $0] }
    }

    @Test(.enabled(if: Mpirun.isRunnable), arguments: ["riemannian", "cayley"])
    func anyNumberOfRanksGivesTheBytesOfOneProcess(map: String) throws {
        let reference = try SmallExperiment.folder()
        let arguments = train(["head.channel_map=\(map)", "head.pooling=annealed"])
        #expect(try Tool.infodisent.run(arguments, in: reference).exitCode == 0)
        for ranks in [1, 2, 4] {
            let folder = try SmallExperiment.folder()
            #expect(try Mpirun.run(ranks: ranks, arguments, in: folder).exitCode == 0)
            #expect(
                try folder.contents(of: "run/checkpoints") == reference.contents(of: "run/checkpoints"),
                "\(ranks) ranks")
        }
    }

    @Test func itsCheckpointsAreReadAsAnyOther() throws {
        let folder = try SmallExperiment.folder()
        #expect(try Tool.infodisent.run(train(), in: folder).exitCode == 0)
        #expect(try Tool.inspect.run(["run", "--verify"], in: folder).exitCode == 0)
        for arguments in [
            ["evaluate", "--checkpoint", "run", "--json"],
            ["prototypes", "--checkpoint", "run", "--output", "prototypes"],
            ["plan", "--config", "small.yaml", "--set", "head.map_rank=24"],
        ] {
            let outcome = try Tool.infodisent.run(arguments, in: folder)
            #expect(outcome.exitCode == 0, "\(outcome.errors)")
        }
        for (more, expected) in [
            ("head.map_rank=200", "head.map_rank is 200, but the backbone has 192 channels"),
            ("head.channel_map=identity", "head.map_rank is 24, but head.channel_map identity"),
        ] {
            for command in ["train", "plan"] {
                let outcome = try Tool.infodisent.run([command] + train([more]).dropFirst(), in: folder)
                #expect(outcome.exitCode == 78 && outcome.errors.contains(expected), "\(outcome.errors)")
            }
        }
    }
}
