import ArgumentParser
import DurableFiles
import FeatureCache
import Foundation
import Inference
import MessagePassing
import Reports
import Results
import SystemPackage
import Tensors
import Training

extension Train {
    /// Checks what can be known of a sweep before features are extracted.
    func check(_ budgets: SweepBudgets, _ experiment: Experiment) throws {
        if case .from(let path) = resume {
            throw ValidationError(
                "--resume \(path): a sweep has several runs, and each goes on from its own last checkpoint. Leave --resume out."
            )
        }
        try BudgetSweep.check(experiment, budgets: budgets)
    }

    /// Trains and evaluates the heads of a sweep; rank 0 writes what they say. Collective.
    func sweep(
        _ budgets: SweepBudgets, _ experiment: Experiment, cache: FeatureCache, team: WorkerTeam,
        on communicator: any Communicator
    ) throws {
        let sweep = try BudgetSweep(
            experiment, budgets: budgets, cache: cache, resume: resume, communicator: communicator, team: team,
            stop: StopSignals.request, progress: Console.showProgress, note: { Console.note($0) })
        let outcome = try sweep.run()
        try cacheOptions.showTraffic(of: cache, on: communicator)
        switch outcome {
        case .stopped(let name):
            Console.note("Stopped in the run \(name): run the same command again to go on.")
            throw ArgumentParser.ExitCode(ExitCode.stoppedEarly.rawValue)
        case .complete(let result):
            try communicator.together {
                guard let result else { return }
                let folder = experiment.configuration.run.directory
                let page = folder.appending("sweep.html")
                try DurableFile.write(jsonText(result) + "\n", to: folder.appending("sweep.json"))
                try DurableFile.write(result.csv, to: folder.appending("sweep.csv"))
                try DurableFile.write(BudgetSweepPage(result).html(), to: page)
                try Console.result(result.table)
                try Console.result(page.string)
            }
        }
    }
}

extension BudgetSweepResult {
    /// RFC 4180, with a header line; accuracies and shares in percent.
    fileprivate var csv: String {
        func number(_ value: Double?) -> String { value.map { String(format: "%.4f", $0) } ?? "" }
        let rows = points.map { point in
            [
                point.label, number(point.head.top1 * 100), number(point.head.top5.map { $0 * 100 }),
                number(point.pointsLost), number(point.meanExplanationSize), number(point.meanTopTenShare * 100),
                point.run,
            ]
        }
        let header = [
            "channels_per_class", "top1_percent", "top5_percent", "points_lost", "mean_explanation_size",
            "top10_share_percent", "run",
        ]
        return ([header] + rows).map(CommaSeparated.line).joined()
    }

    /// The figures for people.
    fileprivate var table: String {
        let hasTop5 = points.contains { $0.head.top5 != nil }
        func padded(_ text: String, _ width: Int) -> String {
            String(repeating: " ", count: max(0, width - text.count)) + text
        }
        func line(_ label: String, _ top1: String, _ top5: String, _ lost: String, _ size: String, _ ten: String)
            -> String
        {
            padded(label, 16) + padded(top1, 11) + (hasTop5 ? padded(top5, 11) : "") + padded(lost, 13)
                + padded(size, 18)
                + padded(ten, 13)
        }
        func percentage(_ share: Double?) -> String { share.map { String(format: "%.2f %%", $0 * 100) } ?? "" }
        return
            (["\(testImageCount) test images of \(classCount) classes, backbone \(backbone)"]
            + [line("channels a class", "top-1", "top-5", "points lost", "explanation size", "ten largest")]
            + points.map { point in
                line(
                    point.label, percentage(point.head.top1), percentage(point.head.top5),
                    point.channelsPerClass == nil ? "" : String(format: "%.2f", point.pointsLost),
                    String(format: "%.1f", point.meanExplanationSize),
                    String(format: "%.1f %%", point.meanTopTenShare * 100))
            }).joined(separator: "\n")
    }
}
