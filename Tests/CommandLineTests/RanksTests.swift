import Foundation
import Testing

/// Any number of ranks gives what one process gives, bit for bit.
@Suite(.serialized, .enabled(if: Mpirun.isRunnable)) struct RanksTests {
    @Test(arguments: ["argmax", "gumbel"])
    func anyNumberOfRanksGivesTheBytesOfOneProcess(pooling: String) throws {
        let reference = try SmallExperiment.folder()
        let pooled = "head.pooling=\(pooling)"
        try Tool.infodisent.succeed("train", "--config", "small.yaml", "--set", pooled, in: reference)
        let evaluation = ["evaluate", "--checkpoint", "run", "--json", "--predictions", "predictions.csv"]
        let summary = try Tool.infodisent.run(evaluation, in: reference).output
        let prototypes = ["prototypes", "--checkpoint", "run", "--output", "prototypes"]
        _ = try Tool.infodisent.run(prototypes, in: reference)
        let report = ["report", "--checkpoint", "run", "--output", "report", "--images", "7"]
        _ = try Tool.infodisent.run(report, in: reference)

        for ranks in 1...4 {
            let folder = try SmallExperiment.folder()
            try folder.remove("features")
            try Mpirun.succeed(ranks: ranks, "train", "--config", "small.yaml", "--set", pooled, in: folder)
            #expect(try folder.contents(of: "features") == reference.contents(of: "features"), "\(ranks) ranks")
            #expect(
                try folder.contents(of: "run/checkpoints") == reference.contents(of: "run/checkpoints"),
                "\(ranks) ranks")
            #expect(
                try timeless(folder.text("run/metrics.jsonl")) == timeless(reference.text("run/metrics.jsonl")),
                "\(ranks) ranks")

            #expect(try Mpirun.run(ranks: ranks, evaluation, in: folder).output == summary, "\(ranks) ranks")
            #expect(try folder.bytes("predictions.csv") == reference.bytes("predictions.csv"), "\(ranks) ranks")
            let outcome = try Mpirun.run(ranks: ranks, prototypes, in: folder)
            #expect(outcome.exitCode == 0 && outcome.output == "prototypes/index.html\n", "rank 0 alone speaks")
            #expect(try folder.contents(of: "prototypes") == reference.contents(of: "prototypes"), "\(ranks) ranks")
            let shown = try Mpirun.run(ranks: ranks, report, in: folder)
            #expect(shown.exitCode == 0 && shown.output == "report/index.html\n", "\(ranks) ranks: \(shown.errors)")
            #expect(try folder.contents(of: "report") == reference.contents(of: "report"), "\(ranks) ranks")
        }
    }

    /// Of 192 channels the ranks would share nothing of themselves.
    @Test(arguments: ["riemannian", "cayley", "exponential"])
    func ranksThatShareTheProductsOfAnUpdateOrAddMeanwhileGiveTheBytesOfOneProcess(channelMap: String) throws {
        let arguments = SmallExperiment.arguments("train", setting: ["head.channel_map=\(channelMap)"])
        let reference = try SmallExperiment.folder()
        #expect(try Tool.infodisent.run(arguments, in: reference).exitCode == 0)
        for ranks in [1, 2, 3] {
            for (variables, shares) in [
                (["INFODISENT_SHARE_ALL_PRODUCTS", "INFODISENT_SUM_MEANWHILE"], true),
                (["INFODISENT_SHARE_ALL_PRODUCTS", "INFODISENT_SUM_MEANWHILE", "INFODISENT_SUM_IN_TURN"], true),
                (["INFODISENT_SHARE_NO_PRODUCTS", "INFODISENT_SUM_MEANWHILE"], false),
                (["INFODISENT_SHARE_NO_PRODUCTS"], false),
            ] {
                let folder = try SmallExperiment.folder()
                let outcome = try Mpirun.run(
                    ranks: ranks, arguments, with: Dictionary(uniqueKeysWithValues: variables.map { ($0, "1") }),
                    in: folder)
                #expect(outcome.exitCode == 0, "\(ranks) ranks: \(outcome.errors)")
                #expect(
                    outcome.errors.contains("The \(ranks) ranks share the products") == (shares && ranks > 1),
                    "\(outcome.errors)")
                #expect(
                    try folder.contents(of: "run/checkpoints") == reference.contents(of: "run/checkpoints"),
                    "\(ranks) ranks, \(variables)")
            }
        }
    }

    /// As nodes with different processors have by default.
    @Test func ranksWithDifferentNumbersOfThreadsGiveTheBytesOfOneProcess() throws {
        let arguments = SmallExperiment.arguments("train", setting: ["head.classifier_init=black_box_signed"])
        let (reference, folder) = (try SmallExperiment.folder(), try SmallExperiment.folder())
        try folder.remove("features")
        #expect(try Tool.infodisent.run(arguments, in: reference).exitCode == 0)
        let outcome = try Mpirun.run(
            [3, 1].map { Mpirun.Part(rankCount: 1, arguments: arguments + ["--threads", "\($0)"]) }, in: folder)
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        for name in ["features", "run/checkpoints"] {
            #expect(try folder.contents(of: name) == reference.contents(of: name), "\(name)")
        }
    }

    @Test func anExtractionIsSharedOutAndGoesOnWithOtherRanks() throws {
        let reference = try SmallExperiment.folder()
        let folder = try SmallExperiment.folder()
        for name in ["shard-00000.safetensors", "shard-00003.safetensors", "shard-00006.safetensors"] {
            try folder.remove("features/\(name)")
        }
        let outcome = try Mpirun.run(ranks: 2, ["extract", "--config", "small.yaml"], in: folder)
        #expect(outcome.exitCode == 0 && outcome.output.isEmpty)
        #expect(outcome.errors.components(separatedBy: "holds 68 feature maps").count == 2, "said once")
        #expect(try folder.contents(of: "features") == reference.contents(of: "features"))
    }

    @Test func moreRanksThanLogicalShardsAreTurnedAway() throws {
        let folder = try SmallExperiment.folder()
        let outcome = try Mpirun.run(ranks: 5, ["train", "--config", "small.yaml"], in: folder)
        #expect(outcome.exitCode == 78)
        #expect(outcome.errors.components(separatedBy: "5 ranks are more than the 4 logical shards").count == 2)
        #expect(!folder.exists("run"))
    }

    /// The log without its wall-clock times.
    private func timeless(_ log: String) -> String {
        log.replacing(#/,"seconds":[0-9.e-]+/#, with: "")
    }
}
