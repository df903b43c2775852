import Datasets
import Foundation
import Inference
import MessagePassing
import Results
import Scorecard
import Tensors

extension Evaluate {
    /// `evaluate --metrics`: the scorecard, or with `--dry-run` what it will cost. Collective.
    func makeScorecard(
        _ groups: [MetricGroup], of model: TrainedModel, team: WorkerTeam, on communicator: any Communicator
    ) throws {
        let cache = try model.cache(
            on: communicator, team: team, progress: Console.showProgress, note: Console.notes(of: communicator))
        let options = ScorecardOptions(
            groups: groups, split: split, passImageLimit: passImages, seed: UInt64(model.configuration.run.seed))
        let scorecard = Scorecard(
            model, cache: cache, options: options, team: team, communicator: communicator,
            progress: Console.showProgress)
        if dryRun {
            let cost = try scorecard.cost()
            try Console.result(json ? try jsonText(cost) : cost.sentence)
            return
        }
        communicator.activity.begin(step: 0, "looking whether the images are those of the cache")
        try communicator.together {
            try model.experiment.requireKnownImages(
                of: cache.share(of: split.rawValue, on: communicator), in: cache, team: team
            ) { communicator.activity.progress() }
        }
        let result = try scorecard.run()
        try cacheOptions.showTraffic(of: cache, on: communicator)
        try communicator.together {
            guard let result else { return }
            try Console.result(json ? try jsonText(result) : result.table)
        }
    }
}

extension ScorecardCost {
    fileprivate var sentence: String {
        """
        \(imageCount) images; of \(passImageCount) of them \(passesPerImage) changed copies each pass through the backbone, \
        \(passCount) passes, about \(String(format: "%.0f", secondsOfPasses)) s on the processors at hand. Fewer images: \
        --pass-images.
        """
    }
}

extension ScorecardResult {
    /// The figures for people: a line for each figure, a column for each way.
    var table: String {
        var lines = [
            "\(imageCount) \(split) images (\(crop), \(input); passes of \(passImageCount)), backbone \(backbone), \(checkpoint)",
            "black box: \(blackBox)",
        ]
        var groups: [(name: String, figures: [ScorecardFigure])] = []
        for figure in figures {
            if groups.last?.name != figure.key.group { groups.append((figure.key.group, [])) }
            groups[groups.count - 1].figures.append(figure)
        }
        for (name, figures) in groups {
            let known = ["head", "backbone"] + ways
            let columns = known.filter { way in figures.contains { $0.key.way == way } }
            lines += ["", Self.line(name, columns)]
            var rows: [(label: String, values: [String: Double])] = []
            for figure in figures {
                let label = figure.label
                if rows.last?.label != label { rows.append((label, [:])) }
                rows[rows.count - 1].values[figure.key.way] = figure.value
            }
            for row in rows {
                lines.append(Self.line(row.label, columns.map { row.values[$0].map(Self.text) ?? "" }))
            }
        }
        for missing in notMeasured { lines += ["", "Not measured: \(missing.metric): \(missing.reason)"] }
        return lines.joined(separator: "\n")
    }

    private static func line(_ label: String, _ cells: [String]) -> String {
        label.padding(toLength: max(58, label.count), withPad: " ", startingAt: 0)
            + cells.map { String(repeating: " ", count: max(1, 15 - $0.count)) + $0 }.joined()
    }

    private static func text(_ value: Double) -> String {
        if value != 0, abs(value) < 1e-3 { return String(format: "%.1e", value) }
        return String(format: abs(value) >= 100 ? "%.1f" : "%.3f", value)
    }
}

extension ScorecardFigure {
    /// All of the key but the way.
    fileprivate var label: String {
        let details = [
            key.model, key.fill, key.k.map { "k = \($0)" }, key.threshold.map { "at \(String(format: "%g", $0))" },
        ].compactMap { $0 }
        let arrow = key.better.map { $0 == .higher ? " (+)" : " (-)" } ?? ""
        return "  \(key.metric)\(arrow) \(details.joined(separator: ", ")) [\(key.formula)]"
    }
}
