import Foundation
import Testing

/// `infodisent ablate`: variants of a configuration over seeds.
@Suite(.serialized) struct AblationTests {
    private static let command = [
        "ablate", "--config", "small.yaml", "--set", "run.directory=ablation", "--set", "training.epochs=2", "--vary",
        "head.pooling=argmax|average", "--seeds", "1,2",
    ]

    private struct Card: Decodable {
        struct Estimate: Decodable {
            let mean: Double
            let interval95: Double?
            let difference: Double?
        }
        struct Run: Decodable {
            let seed: Int
            let folder: String
            let values: [String: Double]
        }
        struct Cell: Decodable {
            let label: String
            let runs: [Run]
            let estimates: [String: Estimate]
        }
        let seeds: [Int]
        let figures: [String]
        let cells: [Cell]
    }

    private func card(_ folder: Folder) throws -> Card {
        try JSONDecoder().decode(Card.self, from: folder.bytes("ablation/ablation.json"))
    }

    @Test func anAblationIsItsRunsAndIsDoneOnce() throws {
        let folder = try SmallExperiment.folder()
        let plan = try Tool.infodisent.run(Self.command + ["--dry-run"], in: folder)
        #expect(
            plan.exitCode == 0 && plan.output.hasPrefix("2 configurations, 4 runs (0 begun before), 24 steps."),
            "\(plan)")
        #expect(!folder.exists("ablation"))
        let outcome = try Tool.infodisent.run(Self.command, in: folder)
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("head.pooling=average") && outcome.output.contains("±"))
        let card = try card(folder)
        #expect(card.seeds == [1, 2] && card.cells.map(\.label) == ["head.pooling=argmax", "head.pooling=average"])
        for cell in card.cells {
            for figure in card.figures {
                let values = cell.runs.map { $0.values[figure]! }
                #expect(abs(cell.estimates[figure]!.mean - (values[0] + values[1]) / 2) < 1e-9)
            }
            // What `evaluate` says of the run.
            struct Evaluation: Decodable {
                struct Accuracy: Decodable { let top1: Double }
                let head: Accuracy
            }
            let text = try Tool.infodisent.succeed(
                "evaluate", "--checkpoint", "ablation/\(cell.runs[1].folder)", "--set", "evaluation.black_box=false",
                "--json", in: folder)
            let own = try JSONDecoder().decode(Evaluation.self, from: Data(text.utf8))
            #expect(abs(own.head.top1 * 100 - cell.runs[1].values["top1_percent"]!) < 1e-9)
        }
        #expect(card.cells[0].estimates["top1_percent"]?.difference == nil)
        #expect(card.cells[1].estimates["top1_percent"]?.difference != nil)
        let csv = try folder.text("ablation/ablation.csv").components(separatedBy: "\r\n")
        #expect(csv.count == 1 + 2 * card.figures.count + 1)

        // With another seed only what is missing is trained.
        let before = try folder.contents(of: "ablation").filter { $0.key.hasSuffix("metrics.jsonl") }
        let more = try Tool.infodisent.run(Self.command + ["--seeds", "1,2,3"], in: folder)
        #expect(more.exitCode == 0, "\(more.errors)")
        let after = try folder.contents(of: "ablation")
        for (name, data) in before { #expect(after[name] == data, "\(name) was not trained again") }
        #expect(try self.card(folder).cells[0].runs.map(\.seed) == [1, 2, 3])
    }

    @Test(.enabled(if: Mpirun.isRunnable)) func ranksGiveTheSameBytes() throws {
        let folder = try SmallExperiment.folder()
        let alone = try Tool.infodisent.run(Self.command + ["--json"], in: folder)
        #expect(alone.exitCode == 0, "\(alone.errors)")
        try folder.remove("ablation")
        let outcome = try Tool.finish(Mpirun.start(ranks: 2, Self.command + ["--json"], in: folder), in: folder)
        #expect(outcome.exitCode == 0 && outcome.output == alone.output, "\(outcome.errors)")
    }

    @Test func wrongUseIsSaid() throws {
        let folder = try SmallExperiment.folder()
        for (arguments, words) in [
            (["--vary", "cache.precision=f16|f32"], "share one cache"), (["--vary", "head.pooling"], "it takes a key"),
            (["--seeds", "1,x"], "not a number"),
        ] {
            let outcome = try Tool.infodisent.run(["ablate", "--config", "small.yaml"] + arguments, in: folder)
            #expect(outcome.exitCode == 64 && outcome.errors.contains(words), "\(arguments): \(outcome.errors)")
        }
        let wrong = try Tool.infodisent.run(
            ["ablate", "--config", "small.yaml", "--vary", "head.poling=argmax"], in: folder)
        #expect(wrong.exitCode == 78 && wrong.errors.contains("head.pooling"), "\(wrong.errors)")
    }
}
