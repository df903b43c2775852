import ArgumentParser
import Benchmarks
import Foundation
import MessagePassing

/// `infodisent bench reduce`: the exact sum of gradients.
struct BenchReduce: CollectiveCommand {
    static let configuration = CommandConfiguration(
        commandName: "reduce",
        abstract: "The exact sum of gradients, beside MPI_Allreduce and as a share of a training step.",
        discussion: """
            Start it under mpirun to compare ranks, for example mpirun -n 2 --bind-to none infodisent bench reduce \
            --threads 1.
            """)

    @Option(name: .customLong("channels"), help: "D, channels of the feature map.") var channelCount = 2048
    @Option(name: .customLong("classes"), help: "C, classes.") var classCount = 1000
    @Option(help: "Samples of a step.") var batchSize = 256
    @Option(help: "Logical shards of a step.") var logicalShards = 8
    @OptionGroup var repetition: RepetitionOptions
    @OptionGroup var deployment: DeploymentOptions
    @OptionGroup var ranks: RankOptions

    func validate() throws {
        for (name, value) in [
            ("channels", channelCount), ("classes", classCount), ("batch-size", batchSize),
            ("logical-shards", logicalShards),
        ] where !(1...65536).contains(value) {
            throw ValidationError("--\(name) is \(value), but it takes a number from 1 to 65536.")
        }
        guard batchSize % logicalShards == 0 else {
            throw ValidationError(
                "--batch-size \(batchSize) cannot be taken evenly from --logical-shards \(logicalShards).")
        }
    }

    func run(on communicator: any Communicator) throws {
        MemoryLimit.keepReleasedMemory()
        let team = try deployment.team(on: communicator)
        var shape = ReductionCost.Shape()
        shape.channelCount = channelCount
        shape.classCount = classCount
        shape.batchSize = batchSize
        shape.logicalShards = logicalShards
        communicator.activity.begin(step: 0, "measuring the exact sum")
        let cost = try ReductionCost(shape, repetitions: repetition.repetitions, over: communicator, team: team)
        for line in lines(cost, shape) { try Console.result(line) }
    }

    private func lines(_ cost: ReductionCost, _ shape: ReductionCost.Shape) -> [String] {
        func sum(_ name: String, _ durations: Durations) -> String {
            let ratio = cost.floatSum.map { String(format: "%.2f", durations.median / $0.median) } ?? "-"
            return BenchTable.row(name, BenchTable.milliseconds(durations) + [ratio])
        }
        let step = cost.gradients.median + cost.sumInStep.median + cost.update.median
        func part(_ name: String, _ durations: Durations) -> String {
            BenchTable.row(
                name,
                BenchTable.milliseconds(durations) + [String(format: "%.1f %%", durations.median / step * 100)])
        }
        var lines = [
            "\(shape.elementCount) numbers (\(shape.elementCount * 4 / 1_000_000) MB; D = \(shape.channelCount), "
                + "C = \(shape.classCount)) over \(cost.rankCount) rank(s) of \(cost.threadCount) thread(s)",
            BenchTable.row("sum", ["median ms", "best ms", "ratio"]),
        ]
        if let floatSum = cost.floatSum { lines.append(sum("MPI_Allreduce of MPI_FLOAT", floatSum)) }
        lines += [
            sum("exact, one array per rank", cost.exactSum),
            sum("exact, \(cost.shardsPerRank) logical shard(s) per rank", cost.exactSumOfShards),
            "",
            BenchTable.row(
                "training step, batch \(shape.batchSize), 7 x 7 features", ["median ms", "best ms", "share"]),
            part("gradients of \(shape.logicalShards) logical shards", cost.gradients),
            part("exact sum", cost.sumInStep),
            part("update (riemannian, Adam)", cost.update),
        ]
        if cost.floatSum == nil {
            lines.append("One process: start it under mpirun to see what the sum over ranks costs.")
        }
        return lines
    }
}
