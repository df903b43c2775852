import Foundation
import Testing

/// `evaluate --metrics`: explanations measured beside other ways to attribute.
@Suite(.serialized) struct ScorecardTests {
    private struct Card: Decodable {
        struct Figure: Decodable {
            struct Key: Decodable {
                let group, metric, formula, way: String
                let model, fill: String?
                let k: Int?
            }
            let key: Key
            let value: Double
            let imageCount: Int
            let baseline: Double?
        }
        struct Missing: Decodable { let metric, reason: String }
        let figures: [Figure]
        let notMeasured: [Missing]
        let imageCount, passImageCount: Int
        let split: String
        let ways: [String]

        func value(_ metric: String, _ way: String, _ matches: (Figure.Key) -> Bool = { _ in true }) -> Double? {
            figures.first { $0.key.metric == metric && $0.key.way == way && matches($0.key) }?.value
        }
    }

    private static let command = [
        "evaluate", "--checkpoint", "run", "--metrics", "all", "--json", "--pass-images", "3",
    ]

    private func card(_ text: String) throws -> Card {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Card.self, from: Data(text.utf8))
    }

    @Test func aScorecardHoldsAllGroupsAndChangesNothing() throws {
        let folder = try SmallExperiment.trainedFolder()
        let before = try folder.contents(of: "run")
        let outcome = try Tool.infodisent.run(Self.command, in: folder)
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(try folder.contents(of: "run") == before, "evaluation never changes a model")
        let card = try card(outcome.output)
        #expect(card.imageCount == 20 && card.passImageCount == 3 && card.split == "test")
        #expect(card.ways == ["places", "channels", "channels-top-5", "grad-cam", "cam", "random", "gaussian"])
        #expect(
            Set(card.figures.map(\.key.group))
                == [
                    "completeness", "sizes", "budget", "fidelity", "localisation", "disentanglement", "sanity",
                    "interventions", "misalignment",
                ])
        #expect(card.notMeasured.map(\.metric) == [])
        for figure in card.figures {
            #expect(figure.value.isFinite, "\(figure.key)")
            if ["budget", "fidelity", "localisation", "interventions"].contains(figure.key.group) {
                #expect((-1...1).contains(figure.value), "\(figure.key)")
            }
            if figure.key.group == "fidelity" { #expect(figure.imageCount == 3) }
        }
        // Both bases; 2 channels by 3 disturbances outside the object, and 1 outside its own place.
        #expect(card.figures.filter { $0.key.metric == "location-change" }.count == 2 * (2 * 3 + 1))
        #expect(card.figures.filter { $0.key.metric == "accuracy-change" }.count == 2 * 4)
        for figure in card.figures where figure.key.group == "misalignment" {
            #expect((-100...100).contains(figure.value) || figure.key.metric == "ranking-change", "\(figure.key)")
        }
        // What adds up does so to rounding.
        #expect(card.figures.filter { $0.key.metric == "completeness" }.count == (5 + 2 * 2) * 2)
        for way in ["places", "cam", "head"] {
            let residual = try #require(card.value("residual", way))
            #expect(residual < 1e-5, "\(way)")
        }
        // Baselines look at no parameters.
        #expect(card.value("likeness-to-shuffled-model", "random") == 1)
        #expect(try #require(card.value("likeness-to-shuffled-model", "places")) < 0.9)
        #expect(card.figures.filter { $0.key.metric == "deletion" }.count == 7 * 2 * 2)
        // One cell that the head's map names keeps more than one at random.
        let own = try #require(card.value("accuracy-of-cells", "places") { $0.model == "head" && $0.k == 1 })
        let random = try #require(card.value("accuracy-of-cells", "random") { $0.model == "head" && $0.k == 1 })
        #expect(own > random)
        let table = try Tool.infodisent.succeed(
            "evaluate", "--checkpoint", "run", "--metrics", "sizes,sanity", in: folder)
        #expect(table.contains("exp-entropy:magnitude") && !table.contains("fidelity"))
    }

    @Test(.enabled(if: Mpirun.isRunnable)) func ranksGiveTheSameBytes() throws {
        let folder = try SmallExperiment.trainedFolder()
        let alone = try Tool.infodisent.run(Self.command, in: folder)
        #expect(alone.exitCode == 0, "\(alone.errors)")
        for ranks in [2, 4] {
            let outcome = try Tool.finish(Mpirun.start(ranks: ranks, Self.command, in: folder), in: folder)
            #expect(outcome.exitCode == 0, "\(outcome.errors)")
            #expect(outcome.output == alone.output, "\(ranks) ranks")
        }
    }

    @Test func passesGoOnWhereTheyWereStopped() throws {
        let folder = try SmallExperiment.trainedFolder()
        let arguments = ["evaluate", "--checkpoint", "run", "--metrics", "fidelity", "--json", "--pass-images", "20"]
        let whole = try Tool.infodisent.run(arguments, in: folder)
        #expect(whole.exitCode == 0, "\(whole.errors)")
        let process = try Tool.infodisent.start(arguments, in: folder)
        func logs() -> [URL] {
            let metrics = folder.url("run/metrics")
            let folders =
                (try? FileManager.default.contentsOfDirectory(at: metrics, includingPropertiesForKeys: nil)) ?? []
            return folders.flatMap {
                (try? FileManager.default.contentsOfDirectory(at: $0, includingPropertiesForKeys: nil)) ?? []
            }.filter { $0.lastPathComponent == "rank-0.rows" }
        }
        while process.isRunning, logs().isEmpty { usleep(1000) }
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        let resumed = try Tool.infodisent.run(arguments, in: folder)
        #expect(resumed.exitCode == 0 && resumed.output == whole.output, "\(resumed.errors)")
        #expect(logs().isEmpty, "what is not needed any more is gone")
    }

    @Test func theCostIsSaidBefore() throws {
        let folder = try SmallExperiment.trainedFolder()
        let text = try Tool.infodisent.succeed(
            "evaluate", "--checkpoint", "run", "--metrics", "all", "--dry-run", "--json", "--pass-images", "5",
            in: folder)
        struct Cost: Decodable {
            let imageCount, passImageCount, passesPerImage, passCount: Int
            let secondsOfPasses: Double
        }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let cost = try decoder.decode(Cost.self, from: Data(text.utf8))
        // 7 ways, 2 fills, 2 directions of 15 steps; the 2 fillings; 1 with noise; 32 sets of parts, 7 surroundings; 3
        // disturbances outside the object, 1 outside the place of a channel of either basis.
        #expect(cost.imageCount == 20 && cost.passImageCount == 5 && cost.passesPerImage == 467)
        #expect(cost.passCount == 5 * 467 && cost.secondsOfPasses > 0)
    }

    @Test func birdsOfTheHardLevelAreMeasuredWithEachThingAroundThem() throws {
        let folder = try Folder()
        try Tool.infodisent.succeed(
            "generate", "--output", "birds", "--level", "hard", "--classes", "8", "--train", "6", "--test", "3",
            in: folder)
        let configuration = """
            run: {directory: run}
            dataset: {root: birds}
            cache: {directory: features}
            training: {epochs: 6}
            """
        try folder.write(Data(configuration.utf8), to: "hard.yaml")
        try Tool.infodisent.succeed("train", "--config", "hard.yaml", in: folder)
        let evaluate = ["evaluate", "--checkpoint", "run", "--metrics", "interventions,localisation", "--json"]
        // 32 sets of parts, 7 surroundings, 6 distractors, 3 obstacles; 1 with noise for the channels' stability.
        struct Cost: Decodable { let passesPerImage: Int }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let cost = try decoder.decode(
            Cost.self, from: Data(Tool.infodisent.run(evaluate + ["--dry-run"], in: folder).output.utf8))
        #expect(cost.passesPerImage == 32 + 7 + 6 + 3 + 1)

        let card = try card(Tool.infodisent.run(evaluate + ["--pass-images", "8"], in: folder).output)
        #expect(card.passImageCount == 8)
        for metric in ["completeness", "correctness", "background-independence"] {
            let figures = card.figures.filter { $0.key.group == "interventions" && $0.key.metric == metric }
            #expect(!figures.isEmpty && figures.allSatisfy { (0...1).contains($0.value) }, "\(metric)")
        }
        // Each of an image's sixteen things counts as much.
        let independence = try #require(card.value("background-independence", "head"))
        #expect(abs((independence * 16 * 8).rounded() - independence * 16 * 8) < 1e-3)
        #expect(card.figures.contains { $0.key.group == "localisation" && $0.key.metric.contains("retrieval") })
    }

    @Test func wrongUseIsSaidBeforeAnythingIsRead() throws {
        let folder = try Folder()
        for (arguments, words) in [
            (["--metrics", "fidelty"], "Did you mean fidelity?"),
            (["--metrics", "sizes", "--pass-images=-1"], "at least 0"),
            (["--dry-run"], "belongs to --metrics"), (["--split", "train"], "belongs to --metrics"),
        ] {
            let outcome = try Tool.infodisent.run(["evaluate", "--checkpoint", "nowhere"] + arguments, in: folder)
            #expect(outcome.exitCode == 64 && outcome.errors.contains(words), "\(arguments): \(outcome.errors)")
        }
    }
}
