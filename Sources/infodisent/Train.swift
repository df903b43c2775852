import ArgumentParser
import DataSharding
import FeatureCache
import Foundation
import Inference
import MessagePassing
import SystemPackage
import Tensors
import Training

/// `infodisent train`: trains the head on a configuration's dataset.
struct Train: CollectiveCommand {
    static let configuration = CommandConfiguration(
        abstract: "Train the head on the frozen features of a dataset.",
        discussion: """
            The simple way is `infodisent train PHOTOS --weights resnet50.pth`: the layout of the dataset and the network are found \
            out, the run goes into runs/PHOTOS, and it is evaluated at the end. --config takes a configuration file, which `infodisent \
            init` writes; the effective configuration is in the run directory.

            Features that are not in the cache yet are extracted first. A run that was ended goes on from its last \
            checkpoint and ends with the same bytes as one that was not.

            With --sweep-budget, run.directory gets several runs: the dense head of the configuration in all, and for each \
            number a head with so many channels a class that starts from it (in channels-20 and so on, each of the \
            configuration's epochs; if the configuration distils, from the dense head). Their accuracy on the test images over \
            the size of their explanations goes into sweep.json, sweep.csv and sweep.html.
            """)

    @OptionGroup var source: TrainingSource
    @Option(
        help: ArgumentHelp(
            "Where to begin: auto (the last checkpoint, if any), never (from the start), or a checkpoint's folder.",
            valueName: "auto|never|DIR"),
        transform: { text in
            switch text {
            case "auto": .automatic
            case "never": .never
            default: .from(FilePath(text))
            }
        })
    var resume = TrainingRun.Resume.automatic
    @Option(
        help: ArgumentHelp(
            "Train the dense head and heads with these numbers of channels a class from it, and compare them.",
            valueName: "3,5,10,20,all"))
    var sweepBudget: String?
    @Flag(help: "Say what would be done, with the effective configuration, and do nothing.") var dryRun = false
    @OptionGroup var cacheOptions: CacheOptions
    @OptionGroup var deployment: DeploymentOptions
    @OptionGroup var ranks: RankOptions

    static let canStopEarly = true

    func run(on communicator: any Communicator) throws {
        let team = try deployment.team(on: communicator)
        let configuration = try source.load()
        let budgets = try sweepBudget.map { try SweepBudgets(parsing: $0) }
        if source.isSimple { Console.note("The run goes into \(configuration.run.directory).") }
        // Both are found out before hours of extraction.
        _ = try ShardHosting(shardCount: configuration.training.logicalShards, rankCount: communicator.size)
        let experiment = try Experiment(configuration, on: communicator, makesCache: !dryRun, team: team)
            .findingStart(on: communicator)
        // A small dataset may have made the shards fewer.
        _ = try ShardHosting(
            shardCount: experiment.configuration.training.logicalShards, rankCount: communicator.size)
        try experiment.requireOutsideDataset("run.directory", configuration.run.directory)
        if let budgets { try check(budgets, experiment) }
        if dryRun { return try describe(experiment, budgets: budgets, on: communicator) }
        let stop = StopSignals.request
        let cache = try experiment.completeFeatures(team: team, stop: stop, on: communicator)
        MemoryLimit.keepReleasedMemory()
        if let budgets {
            return try sweep(budgets, experiment, cache: cache, team: team, on: communicator)
        }
        var training = try TrainingRun(
            experiment, cache: cache, resume: resume, communicator: communicator, team: team, stop: stop,
            progress: Console.showProgress, note: { Console.note($0) })
        let outcome = try training.run()
        try cacheOptions.showTraffic(of: cache, on: communicator)
        if !outcome.isComplete {
            Console.note(
                "Stopped after step \(outcome.step) of \(outcome.totalSteps) with a checkpoint in "
                    + "\(outcome.checkpoint): run the same command again to go on.")
            throw ArgumentParser.ExitCode(ExitCode.stoppedEarly.rawValue)
        }
        if let top1 = outcome.testTop1 {
            Console.note(String(format: "Trained: top-1 %.2f %% on the test images.", top1 * 100))
        }
        if let best = outcome.bestCheckpoint { Console.note("The best on the test images is \(best).") }
        try Console.result(outcome.checkpoint.string)
        if source.isSimple { try evaluate(experiment.configuration.run.directory, cache, team: team, on: communicator) }
    }

    /// Evaluates what was trained, and says what to do next. Collective.
    private func evaluate(
        _ run: FilePath, _ cache: FeatureCache, team: WorkerTeam, on communicator: any Communicator
    ) throws {
        let model = try TrainedModel(run, communicator: communicator, team: team)
        let (_, result) = try Evaluate.figures(
            of: model, cache: cache, keepsBlackBox: true, team: team, on: communicator)
        try communicator.together {
            guard communicator.rank == 0 else { return }
            try Console.result(result.table)
        }
        let (shell, report) =
            run.string.contains(" ") ? ("'\(run)'", "'\(run)-report'") : (run.string, "\(run)-report")
        Console.note(
            """
            Next, the whole model as pages, from \(run)-report/index.html on:
                infodisent report --checkpoint \(shell) --output \(report)
            and why images get their scores:
                infodisent explain --checkpoint \(shell) --output EXPLANATION PHOTO.jpg
            """)
    }
}
