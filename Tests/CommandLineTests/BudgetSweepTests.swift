import Foundation
import Testing

/// `train --sweep-budget`: a dense head and heads with fewer channels that start from it.
@Suite(.serialized) struct BudgetSweepTests {
    private static let settings = [
        "run.directory=sweep", "head.pooling=annealed", "training.distillation.weight=0.5", "training.epochs=4",
    ]

    private func train(_ budgets: String = "4,2,all", _ more: [String] = []) -> [String] {
        ["train", "--config", "small.yaml", "--sweep-budget", budgets]
            + (Self.settings + more).flatMap { ["--set", $0] }
    }

    /// What a sweep leaves behind, but for the times in its logs and where it lies.
    private func results(_ folder: Folder, _ name: String = "sweep") throws -> [String: Data] {
        try folder.contents(of: name).filter { !$0.key.hasSuffix("metrics.jsonl") && !$0.key.hasSuffix("config.yaml") }
    }

    @Test func aSweepIsTheRunsThatItsPartsAreAndIsDoneOnce() throws {
        let folder = try SmallExperiment.folder()
        let outcome = try Tool.infodisent.run(train(), in: folder)
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        let lines = outcome.output.split(separator: "\n").map(String.init)
        #expect(lines.count == 6 && lines[0] == "20 test images of 4 classes, backbone demo", "\(outcome.output)")
        #expect(lines[2...4].map { $0.split(separator: " ")[0] } == ["2", "4", "all"])
        #expect(lines[5].hasSuffix("/sweep/sweep.html"))

        struct Sweep: Decodable {
            struct Point: Decodable {
                struct Accuracy: Decodable { let top1: Double }
                let channelsPerClass: Int?
                let run, checkpoint: String
                let head: Accuracy
                let pointsLost, meanExplanationSize, meanTopTenShare: Double
            }
            let testImageCount: Int
            let points: [Point]
        }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let sweep = try decoder.decode(Sweep.self, from: folder.bytes("sweep/sweep.json"))
        #expect(sweep.points.map(\.channelsPerClass) == [2, 4, nil])
        #expect(sweep.points.map(\.run) == ["channels-2", "channels-4", "all"])
        let dense = sweep.points[2]
        for point in sweep.points {
            #expect(abs(point.pointsLost - (dense.head.top1 - point.head.top1) * 100) < 1e-9)
            #expect((0...1).contains(point.meanTopTenShare) && point.checkpoint == "step-00000012")
            // What `evaluate` says of it.
            struct Evaluation: Decodable {
                let head: Sweep.Point.Accuracy
                let meanExplanationSize: Double
            }
            let text = try Tool.infodisent.succeed(
                "evaluate", "--checkpoint", "sweep/\(point.run)", "--set", "evaluation.black_box=false", "--json",
                in: folder)
            let own = try decoder.decode(Evaluation.self, from: Data(text.utf8))
            #expect(own.head.top1 == point.head.top1 && own.meanExplanationSize == point.meanExplanationSize)
        }
        #expect(sweep.points[0].meanExplanationSize <= 2 && sweep.points[0].meanTopTenShare == 1)
        #expect(dense.meanExplanationSize > 4 && dense.meanTopTenShare < 1)
        let table = try folder.text("sweep/sweep.csv").components(separatedBy: "\r\n")
        #expect(
            table.count == 5 && table[1].hasPrefix("2,") && table[3].hasPrefix("all,") && table[3].hasSuffix(",all"))
        #expect(try folder.text("sweep/sweep.html").contains("<svg"))

        // The same by hand.
        func alone(_ directory: String, _ more: [String]) throws {
            let outcome = try Tool.infodisent.run(
                ["train", "--config", "small.yaml"]
                    + (Self.settings + ["run.directory=\(directory)"] + more).flatMap { ["--set", $0] }, in: folder)
            #expect(outcome.exitCode == 0, "\(outcome.errors)")
        }
        try alone("dense", [])
        try alone(
            "few",
            [
                "head.start=dense", "head.channels_per_class=4", "head.pooling=argmax",
                "training.distillation.teacher=start",
            ])
        #expect(try folder.contents(of: "dense/checkpoints") == folder.contents(of: "sweep/all/checkpoints"))
        #expect(try folder.contents(of: "few/checkpoints") == folder.contents(of: "sweep/channels-4/checkpoints"))

        // Again: nothing is trained, and the logs keep their times. Then with one number more.
        let before = try folder.contents(of: "sweep")
        let again = try Tool.infodisent.run(train(), in: folder)
        #expect(again.exitCode == 0 && again.output == outcome.output)
        #expect(!again.errors.contains("steps"), "\(again.errors)")
        #expect(try folder.contents(of: "sweep") == before)
        #expect(try Tool.infodisent.run(train("2,4,7"), in: folder).exitCode == 0)
        let kept = try folder.contents(of: "sweep").filter { before[$0.key] != nil && !$0.key.hasPrefix("sweep.") }
        #expect(kept == before.filter { !$0.key.hasPrefix("sweep.") })
        #expect(try folder.text("sweep/sweep.csv").components(separatedBy: "\r\n").count == 6)
    }

    @Test(.enabled(if: Mpirun.isRunnable)) func anyNumberOfRanksGivesTheSame() throws {
        let reference = try SmallExperiment.folder()
        let outcome = try Tool.infodisent.run(train(), in: reference)
        for ranks in [2, 4] {
            let folder = try SmallExperiment.folder()
            let own = try Mpirun.run(ranks: ranks, train(), in: folder)
            #expect(own.exitCode == 0, "\(own.errors)")
            #expect(
                own.output.split(separator: "\n").dropLast() == outcome.output.split(separator: "\n").dropLast(),
                "rank 0 alone speaks")
            #expect(try results(folder) == results(reference), "\(ranks) ranks")
        }
    }

    @Test(arguments: [SIGTERM, SIGKILL]) func anInterruptedSweepGoesOn(signal: Int32) throws {
        let long = train("4,2", ["training.epochs=20", "checkpoint.every=10"])
        let reference = try SmallExperiment.folder()
        #expect(try Tool.infodisent.run(long, in: reference).exitCode == 0)
        let folder = try SmallExperiment.folder()
        for run in ["all", "channels-2", "channels-4"] {
            let process = try Tool.infodisent.start(long, in: folder)
            for _ in 0..<3000 where process.isRunning && !folder.exists("sweep/\(run)/checkpoints/step-00000010") {
                usleep(2_000)
            }
            kill(process.processIdentifier, signal)
            let outcome = try Tool.finish(process, in: folder)
            if signal == SIGTERM {
                #expect(outcome.exitCode == 75 && outcome.errors.contains("Stopped in the run "), "\(outcome.errors)")
            }
            #expect(!folder.exists("sweep/sweep.json"))
        }
        let outcome = try Tool.infodisent.run(long, in: folder)
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(try results(folder) == results(reference))
    }

    @Test func badListsAndConfigurationsThatDoNotFitAreFoundBeforeAnythingIsMade() throws {
        let folder = try SmallExperiment.folder()
        try folder.remove("features")
        for (list, text) in [
            ("0", "\"0\", which is no number"), ("3,x", "\"x\", which is no number"),
            ("3,,5", "\"\", which is no number"),
            ("-3", "\"-3\", which is no number"), ("3,5,3", "names 3 twice"), ("all,3,all", "names all twice"),
            ("all", "the dense head alone"), ("3,192", "192 is no budget: the feature map has 192 channels"),
            ("3,1000", "so that is all of them"),
        ] {
            let outcome = try Tool.infodisent.run(
                ["train", "--config", "small.yaml", "--sweep-budget=\(list)"], in: folder)
            #expect(outcome.exitCode == 64 && outcome.errors.contains(text), "\(list): \(outcome.errors)")
            #expect(outcome.errors.contains("such as 3,5,10,20,all"), "\(outcome.errors)")
        }
        for (setting, text) in [
            ("head.channels_per_class=5", "head.channels_per_class is 5"),
            ("head.signs=untied", "head.signs is untied"),
        ] {
            let outcome = try Tool.infodisent.run(train("3", [setting]), in: folder)
            #expect(outcome.exitCode == 78 && outcome.errors.contains(text), "\(outcome.errors)")
        }
        let outcome = try Tool.infodisent.run(train() + ["--resume", "elsewhere"], in: folder)
        #expect(outcome.exitCode == 64 && outcome.errors.contains("Leave --resume out"), "\(outcome.errors)")
        #expect(!folder.exists("features") && !folder.exists("sweep") && !folder.exists("run"))
    }

    @Test func aFolderWithAnotherRunOrAnotherSweepIsRefused() throws {
        let folder = try SmallExperiment.trainedFolder()
        let over = try Tool.infodisent.run(train("2", ["run.directory=run"]), in: folder)
        #expect(over.exitCode == 78 && over.errors.contains("already holds a run"), "\(over.errors)")
        #expect(try Tool.infodisent.run(train("2"), in: folder).exitCode == 0)
        let before = try folder.contents(of: "sweep")
        let other = try Tool.infodisent.run(train("2", ["head.bias=false"]), in: folder)
        #expect(other.exitCode == 78 && other.errors.contains("head.bias was "), "\(other.errors)")
        let fresh = try Tool.infodisent.run(train("2") + ["--resume", "never"], in: folder)
        #expect(fresh.exitCode == 78 && fresh.errors.contains("already holds checkpoints"), "\(fresh.errors)")
        #expect(try folder.contents(of: "sweep") == before)
    }

    @Test(.enabled(if: Mpirun.isRunnable)) func whereARunFailsAllRanksEnd() throws {
        let folder = try SmallExperiment.folder()
        try folder.write(Data("in the way".utf8), to: "sweep/channels-2")
        let outcome = try Mpirun.run(ranks: 3, train(), in: folder)
        #expect(outcome.exitCode == 66, "\(outcome.exitCode): \(outcome.errors)")
        #expect(outcome.errors.contains("channels-2"), "\(outcome.errors)")
        #expect(folder.exists("sweep/all/checkpoints/step-00000012") && !folder.exists("sweep/sweep.json"))
    }
}
