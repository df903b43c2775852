import Foundation
import Testing

@Suite struct PlanCommandTests {
    @Test func thePlanCountsWhatTheConfigurationSays() throws {
        let folder = try SmallExperiment.folder()
        let text = try Tool.infodisent.succeed(
            "plan", "--config", "small.yaml", "--nodes", "3", "--cores", "8", "--json", in: folder)
        let plan = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        // 4 classes of 12 and 5 images; feature maps of 8 x 8 x 192 half-precision numbers, a label and two digests.
        #expect(plan["train_images"] as? Int == 48 && plan["test_images"] as? Int == 20)
        #expect(plan["cache_bytes"] as? Int == 68 * (8 * 8 * 192 * 2 + 72))
        #expect(plan["gradient_elements"] as? Int == 192 * 191 / 2 + 4 * 192)
        let measured = try #require(plan["measured"] as? [String: Any])
        for name in [
            "image_core_seconds", "shard_gradient_core_seconds", "update_core_seconds", "checked_step_seconds",
        ] {
            #expect(try #require(measured[name] as? Double) > 0, "\(name)")
        }
        // The model and the measurement it is checked against: not more apart than a busy machine makes them.
        let ratio =
            try #require(measured["model_of_checked_step_seconds"] as? Double)
            / #require(measured["checked_step_seconds"] as? Double)
        #expect((0.1...10).contains(ratio), "the model says \(ratio) of what was measured")
        let scaling = try #require(plan["scaling"] as? [[String: Any]])
        #expect(scaling.compactMap { $0["nodes"] as? Int } == [1, 2, 4, 8, 16, 32, 64, 128, 256])
        #expect(scaling.compactMap { $0["ranks"] as? Int } == [1, 2, 4, 4, 4, 4, 4, 4, 4])
        // The cache that was extracted has the size that the plan says, and a little for names.
        let shards = try folder.contents(of: "features").filter { $0.key.hasSuffix(".safetensors") }
        let size = shards.values.reduce(0) { $0 + $1.count }
        #expect((0..<50_000).contains(size - 68 * 8 * 8 * 192 * 2))
    }

    @Test func aPlanNeedsNeitherDataNorWeights() throws {
        let folder = try Folder()
        let text = try Tool.infodisent.succeed(
            "plan", "--backbone", "resnet18", "--images", "6000", "--test-images", "500", "--classes", "20", "--size",
            "320x240", "--json", in: folder)
        let plan = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(plan["train_images"] as? Int == 6000 && plan["test_images"] as? Int == 500)
        #expect(plan["cache_bytes"] as? Int == 6500 * (7 * 7 * 512 * 2 + 72))
        #expect(plan["gradient_elements"] as? Int == 512 * 511 / 2 + 20 * 512)
        for options in [
            ["--backbone", "resnet18", "--images", "6000"], ["--backbone", "resnet18"],
            ["--images", "9", "--classes", "2"],
            ["--backbone", "resnet18", "--images", "0", "--classes", "2"],
            ["--backbone", "resnet18", "--images", "9", "--classes", "2", "--size", "9"],
            ["--backbone", "resnet19", "--images", "9", "--classes", "2"],
        ] {
            let outcome = try Tool.infodisent.run(["plan"] + options, in: folder)
            #expect([64, 78].contains(outcome.exitCode), "\(options): \(outcome.errors)")
        }
    }

    @Test func thePlanIsReadable() throws {
        let folder = try SmallExperiment.folder()
        let text = try Tool.infodisent.succeed(
            "plan", "--config", "small.yaml", "--nodes", "2", "--cores", "4", in: folder)
        #expect(text.contains("48 training and 20 test images, 4 classes") && text.contains("On 2 nodes of 4 cores"))
        #expect(text.contains("* no more ranks than training.logical_shards"))
        #expect(!FileManager.default.fileExists(atPath: folder.url("run").path), "a plan leaves no run behind")
    }

    @Test(arguments: [["--nodes", "0"], ["--cores", "-3"], ["--network-gbit", "0"], ["--ranks-per-node", "0"]])
    func impossibleClustersAreRefused(options: [String]) throws {
        let folder = try SmallExperiment.folder()
        #expect(try Tool.infodisent.run(["plan", "--config", "small.yaml"] + options, in: folder).exitCode == 64)
    }
}
