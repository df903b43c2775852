import ArgumentParser
import Backbones
import Foundation
import Inference
import Planning
import RunConfiguration
import SystemPackage
import Tensors

/// `infodisent plan`: disk, memory, traffic and time of a run before it starts.
struct PlanCosts: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Say what a run will cost on a cluster: disk, memory, traffic and time.",
        discussion: """
            Measures the backbone and the head for some seconds on this machine and takes the cluster's cores to be like \
            this machine's. The dataset and the weights need not be there: --images, --classes and --size say how large \
            the dataset is, and a backbone whose weight file is missing is measured with random weights. \
            Sources/Planning/README.md has the formulas and their assumptions.
            """)

    @OptionGroup var source: OptionalConfigurationOptions
    @Option(help: "The backbone, if there is no configuration file.", completion: .backbone) var backbone: String?
    @Option(help: "Training images of a dataset that need not be there.") var images: Int?
    @Option(help: "Test images of such a dataset.") var testImages = 0
    @Option(help: "Classes of such a dataset.") var classes: Int?
    @Option(
        help: ArgumentHelp("Pixels of a usual image of such a dataset.", valueName: "WIDTHxHEIGHT"),
        transform: { text in
            let sides = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
            guard sides.count == 2, sides.allSatisfy({ (1...16384).contains($0) }) else {
                throw ValidationError("it takes WIDTHxHEIGHT in pixels, such as 500x375.")
            }
            return SpatialSize(height: sides[1], width: sides[0])
        })
    var size = SpatialSize(height: 375, width: 500)
    @Option(help: "Nodes.") var nodes = 1
    @Option(help: "Cores of a node (default: those of this machine).") var cores: Int?
    @Option(help: "Rate of a node's network, in Gbit/s.") var networkGbit = 10.0
    @Option(help: "Ranks on a node; one for each of its NUMA domains is best.") var ranksPerNode = 1
    @OptionGroup var deployment: DeploymentOptions
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        for (name, value) in [("nodes", nodes), ("cores", cores ?? 1), ("ranks-per-node", ranksPerNode)]
        where !(1...1_000_000).contains(value) {
            throw ValidationError("--\(name) is \(value), but at least 1 is needed.")
        }
        guard networkGbit > 0, networkGbit.isFinite else {
            throw ValidationError("--network-gbit is \(networkGbit), but a positive number is needed.")
        }
        guard (images == nil) == (classes == nil) else {
            throw ValidationError("--images and --classes belong together: both say how large the dataset is.")
        }
        for (name, value) in [("images", images ?? 1), ("test-images", testImages + 1), ("classes", classes ?? 1)]
        where !(1...1_000_000_000).contains(value) {
            throw ValidationError("--\(name) is out of range.")
        }
        if source.path == nil, backbone == nil || images == nil {
            throw ValidationError("Give --config, or --backbone with --images and --classes.")
        }
    }

    func run() throws {
        let team = deployment.team
        let run = try plannedRun(team: team)
        let plan = Plan(
            run.workload, costs: try UnitCosts.measure(run, team: team, beforeHead: MemoryLimit.keepReleasedMemory),
            on: Cluster(
                nodeCount: nodes, coresPerNode: cores ?? team.workerCount, ranksPerNode: ranksPerNode,
                networkGigabits: networkGbit))
        if json {
            try Console.result(jsonText(PlanRecord(plan)))
        } else {
            for line in PlanText(plan, backbone: run.backbone.name).lines { try Console.result(line) }
        }
    }

    private func plannedRun(team: WorkerTeam) throws -> PlannedRun {
        let configuration = try source.load(
            backbone.map { ["backbone.name=\($0)"] } ?? [],
            unused: ["run.directory", "dataset.root", "cache.directory"]
                + (backbone == DemoBackbone.name ? [] : ["backbone.weights"]))
        guard let images, let classes else { return try PlannedRun(Experiment(configuration, team: team)) }
        return try PlannedRun(
            configuration,
            dataset: DatasetSize(trainCount: images, testCount: testImages, classCount: classes, image: size))
    }
}

/// A plan as lines for people.
private struct PlanText {
    let plan: Plan
    let backbone: String

    init(_ plan: Plan, backbone: String) {
        self.plan = plan
        self.backbone = backbone
    }

    var lines: [String] {
        let (workload, costs, cluster) = (plan.workload, plan.costs, plan.cluster)
        var lines = [
            "Backbone \(backbone), feature maps \(workload.featureMap), \(workload.trainCount) training and "
                + "\(workload.testCount) test images, \(workload.classCount) classes"
                + (workload.viewCount > 1 ? ", \(workload.viewCount) views of each training image" : ""),
            "\(workload.epochs) epochs of \(workload.stepsPerEpoch) steps, batch \(workload.batchSize) from "
                + "\(workload.logicalShards) logical shards",
            "", "Measured here, \(costs.threadCount) threads busy, in time of one core:",
            row("an image, decoded and through the backbone", time(costs.image)),
            row(
                "reading a sample's features; once they are held",
                "\(time(costs.read)); \(time(costs.heldRead))"),
            row("the gradient of a shard (\(workload.samplesPerShard) samples)", time(costs.shardGradient)),
            row(
                "the exact sum of a shard's gradient",
                "\(time(costs.firstLeaf)), each further one \(time(costs.furtherLeaf))"),
            row(
                "an update, and what of it threads do not share",
                "\(time(costs.update + costs.unsharedUpdate)), \(time(costs.unsharedUpdate))"),
        ]
        if workload.isClassifierFitted {
            lines.append(row("the linear classifier, an image in each pass", time(costs.fitPass)))
        }
        lines += [
            row(
                "check: a step of \(costs.checkedShardCount) shards, all threads",
                "\(time(costs.checkedStep)); the model says \(time(costs.modelOfCheckedStep))"),
            "",
            "On \(count(cluster.nodeCount, "node")) of \(count(cluster.coresPerNode, "core")), "
                + "\(cluster.ranksPerNode) rank(s) each with \(count(cluster.threadsPerRank, "thread")), "
                + "\(number(cluster.networkGigabits)) Gbit/s:",
            row(
                "cache",
                "\(bytes(plan.cacheByteCount)) in all, or at most \(bytes(plan.largestNodeCacheByteCount)) on each node"
                    + (workload.viewCount > 1 ? "; \(bytes(plan.viewsByteCount)) of it for views beside the plain" : "")
            ),
            row(
                "memory of a rank, extracting / training",
                "\(bytes(plan.extractionByteCount)) / \(bytes(plan.trainingByteCount)), or "
                    + "\(bytes(plan.trainingByteCountWithCacheInMemory)) if the system has the cache in memory"),
            row(
                "features that a rank holds, if there is room",
                "\(bytes(plan.heldByteCount)) beside that: \(bytes(costs.heldBytes)) a sample, "
                    + "\(bytes(workload.sampleByteCount)) in the cache"),
            row(
                "sent by a rank in a step", "\(bytes(plan.sentPerStep)); \(bytes(plan.leavingNodePerStep)) leave a node"
            ),
            row("extraction, once", time(plan.extraction)),
        ]
        if workload.isClassifierFitted {
            lines.append(
                row("the linear classifier's fit, once", "\(time(plan.fit)); \(bytes(plan.fitByteCount)) in a rank"))
        }
        lines += [
            row(
                "a step",
                "\(time(plan.step)): reading \(time(plan.reading)), gradients \(time(plan.gradients)), exact sum \(time(plan.exactSum)), "
                    + "network \(time(plan.network))"
                    + (plan.networkDuringUpdate > 0
                        ? " (\(time(plan.networkDuringUpdate)) of it during the update)" : "")
                    + ", update \(time(plan.update))"
                    + (plan.sharesUpdate ? ", which the ranks share" : "")),
            row("an epoch / all \(workload.epochs)", "\(time(plan.epoch)) / \(time(plan.training))"),
            row(
                "share of a step that \(workload.logicalShards) shards cost one rank",
                String(format: "%.1f %%", plan.shardingShare * 100)),
            "", "nodes  ranks  extraction        step     network     in turn       epoch         run   speed-up",
        ]
        let scaling = plan.scaling
        let single = scaling[0].extraction + scaling[0].training
        for plan in scaling {
            let total = plan.extraction + plan.training
            let columns = [
                time(plan.extraction), time(plan.step), time(plan.network), time(plan.stepInTurn), time(plan.epoch),
                time(total),
            ].map { leftPadded($0, 12) }
            lines.append(
                leftPadded("\(plan.cluster.nodeCount)", 5)
                    + leftPadded("\(plan.rankCount)\(plan.isLimitedByShards ? "*" : " ")", 8) + columns.joined()
                    + leftPadded(String(format: "%.1f", single / total), 10))
        }
        lines.append(
            "in turn: a step if all gradients were added before the channel map is updated. Over several nodes those beside the "
                + "map's are added meanwhile.")
        if scaling.contains(where: \.isLimitedByShards) {
            lines.append("* no more ranks than training.logical_shards: the other nodes would stand idle.")
        }
        return lines
    }

    private func row(_ name: String, _ value: String) -> String {
        "  " + name.padding(toLength: max(48, name.count + 1), withPad: " ", startingAt: 0) + value
    }

    private func leftPadded(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }

    private func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
    private func number(_ value: Double) -> String { String(format: "%g", value) }

    private func bytes(_ count: Int) -> String {
        var (value, unit) = (Double(count), 0)
        while value >= 1024, unit < 4 { (value, unit) = (value / 1024, unit + 1) }
        return String(format: unit == 0 ? "%.0f %@" : "%.1f %@", value, ["bytes", "KiB", "MiB", "GiB", "TiB"][unit])
    }

    private func time(_ seconds: Double) -> String {
        if seconds < 1 { return String(format: "%.3g ms", seconds * 1000) }
        if seconds < 120 { return String(format: "%.1f s", seconds) }
        if seconds < 7200 { return String(format: "%.1f min", seconds / 60) }
        return String(format: "%.1f h", seconds / 3600)
    }
}

/// A plan as JSON; times in seconds, sizes in bytes.
private struct PlanRecord: Encodable {
    struct Costs: Encodable {
        let threads: Int
        let imageCoreSeconds, readCoreSeconds, heldReadCoreSeconds, shardGradientCoreSeconds, batchGradientCoreSeconds,
            updateCoreSeconds: Double
        let unsharedUpdateSeconds, fitPassCoreSeconds: Double
        let evaluationCoreSeconds, firstLeafSeconds, furtherLeafSeconds: Double
        let checkedShards: Int
        let checkedStepSeconds, modelOfCheckedStepSeconds: Double
    }

    struct Scale: Encodable {
        let nodes, ranks, threadsPerRank, cacheBytesPerNode, trainingBytesPerRank, extractionBytesPerRank: Int
        let trainingBytesWithCacheInMemory, heldBytesPerRank, fitBytesPerRank: Int
        let bytesSentPerStepAndRank, bytesLeavingNodePerStep: Int
        let extractionSeconds, readingSeconds, gradientSeconds, exactSumSeconds, networkSeconds, updateSeconds: Double
        let stepSeconds, inTurnStepSeconds, fitSeconds, evaluationSeconds: Double
        let epochSeconds, inTurnEpochSeconds, trainingSeconds: Double
        let updateIsShared, isLimitedByLogicalShards: Bool

        init(_ plan: Plan) {
            nodes = plan.cluster.nodeCount
            ranks = plan.rankCount
            threadsPerRank = plan.cluster.threadsPerRank
            cacheBytesPerNode = plan.largestNodeCacheByteCount
            trainingBytesPerRank = plan.trainingByteCount
            trainingBytesWithCacheInMemory = plan.trainingByteCountWithCacheInMemory
            heldBytesPerRank = plan.heldByteCount
            extractionBytesPerRank = plan.extractionByteCount
            fitBytesPerRank = plan.fitByteCount
            bytesSentPerStepAndRank = plan.sentPerStep
            bytesLeavingNodePerStep = plan.leavingNodePerStep
            extractionSeconds = plan.extraction
            readingSeconds = plan.reading
            gradientSeconds = plan.gradients
            exactSumSeconds = plan.exactSum
            networkSeconds = plan.network
            updateSeconds = plan.update
            updateIsShared = plan.sharesUpdate
            stepSeconds = plan.step
            inTurnStepSeconds = plan.stepInTurn
            fitSeconds = plan.fit
            evaluationSeconds = plan.evaluation
            epochSeconds = plan.epoch
            inTurnEpochSeconds = plan.epochInTurn
            trainingSeconds = plan.training
            isLimitedByLogicalShards = plan.isLimitedByShards
        }
    }

    let trainImages, testImages, views, classes, logicalShards, stepsPerEpoch, epochs, gradientElements, cacheBytes: Int
    let networkGbit, shardingShareOfStep: Double
    let measured: Costs
    let plan: Scale
    let scaling: [Scale]

    init(_ plan: Plan) {
        let (workload, costs) = (plan.workload, plan.costs)
        trainImages = workload.trainCount
        testImages = workload.testCount
        views = workload.viewCount
        classes = workload.classCount
        logicalShards = workload.logicalShards
        stepsPerEpoch = workload.stepsPerEpoch
        epochs = workload.epochs
        gradientElements = workload.gradientCount
        cacheBytes = plan.cacheByteCount
        networkGbit = plan.cluster.networkGigabits
        shardingShareOfStep = plan.shardingShare
        measured = Costs(
            threads: costs.threadCount, imageCoreSeconds: costs.image, readCoreSeconds: costs.read,
            heldReadCoreSeconds: costs.heldRead,
            shardGradientCoreSeconds: costs.shardGradient,
            batchGradientCoreSeconds: costs.batchGradient, updateCoreSeconds: costs.update,
            unsharedUpdateSeconds: costs.unsharedUpdate, fitPassCoreSeconds: costs.fitPass,
            evaluationCoreSeconds: costs.evaluation, firstLeafSeconds: costs.firstLeaf,
            furtherLeafSeconds: costs.furtherLeaf, checkedShards: costs.checkedShardCount,
            checkedStepSeconds: costs.checkedStep, modelOfCheckedStepSeconds: costs.modelOfCheckedStep)
        self.plan = Scale(plan)
        scaling = plan.scaling.map(Scale.init)
    }
}
