import Foundation
import Testing

/// `infodisent bench` measures; these tests look at what it says, never at how fast it was.
@Suite struct BenchCommandTests {
    private let small = ["--channels", "64", "--classes", "10", "--batch-size", "16", "--repetitions", "1"]

    @Test(.enabled(if: Mpirun.isRunnable)) func theExactSumStandsBesideThatOfFloats() throws {
        let outcome = try Mpirun.run(ranks: 2, ["bench", "reduce", "--threads", "1"] + small, in: Folder())
        try #require(outcome.exitCode == 0, "\(outcome.errors)")
        let lines = outcome.output.split(separator: "\n")
        #expect(lines.first == "2656 numbers (0 MB; D = 64, C = 10) over 2 rank(s) of 1 thread(s)", "said once")
        for name in [
            "MPI_Allreduce of MPI_FLOAT", "exact, one array per rank", "exact, 4 logical shard(s) per rank",
            "gradients of 8 logical shards", "exact sum", "update",
        ] {
            let rows = lines.filter { $0.hasPrefix(name + " ") }
            #expect(rows.count == 1, "\(name) in \(lines)")
            #expect(numbers(in: rows.first).prefix(2).allSatisfy { $0 >= 0 } && numbers(in: rows.first).count >= 3)
        }
    }

    @Test func aSingleProcessHasNothingToCompare() throws {
        let outcome = try Tool.infodisent.run(["bench", "reduce"] + small, in: Folder())
        #expect(outcome.exitCode == 0 && outcome.output.contains("start it under mpirun"))
        #expect(!outcome.output.contains("MPI_FLOAT"))
    }

    @Test func theHeadIsMeasuredWithEveryChannelMap() throws {
        let text = try Tool.infodisent.succeed(
            "bench", "head", "--channels", "32", "--repetitions", "1", in: Folder())
        for map in ["exponential", "cayley", "riemannian", "identity"] {
            let row = text.split(separator: "\n").first { $0.hasPrefix("\(map), 32 ") }
            #expect(numbers(in: row).count == 5 && numbers(in: row).last! > 0, "\(text)")
        }
    }

    /// Of 256 channels, ranks measure whether they are to share products.
    @Test(.enabled(if: Mpirun.isRunnable)) func ranksAreMeasuredBesideOne() throws {
        let outcome = try Mpirun.run(
            ranks: 2, ["bench", "scaling", "--threads", "1", "--repetitions", "1", "--channels", "256"], in: Folder())
        try #require(outcome.exitCode == 0, "\(outcome.errors)")
        for name in ["images extracted (demo backbone)", "samples trained on (D = 256, C = 200)"] {
            let row = outcome.output.split(separator: "\n").first { $0.hasPrefix(name) }
            #expect(numbers(in: row).suffix(3).allSatisfy { $0 > 0 }, "\(outcome.output)")
        }
    }

    @Test func aBackboneIsMeasuredWithoutWeights() throws {
        let text = try Tool.infodisent.succeed(
            "bench", "forward", "--backbone", "resnet18", "--batch", "1", "--repetitions", "1", in: Folder())
        let row = text.split(separator: "\n").first { $0.hasPrefix("resnet18, 224 x 224 ") }
        #expect(numbers(in: row).suffix(4).allSatisfy { $0 > 0 }, "\(text)")
        let both = try Tool.infodisent.succeed(
            "bench", "forward", "--backbone", "resnet18", "--batch", "1", "--repetitions", "1", "--engine", "packed",
            "--engine", "openblas", in: Folder())
        for engine in ["packed", "openblas"] {
            let row = both.split(separator: "\n").first { $0.hasPrefix("resnet18, 224 x 224, \(engine) ") }
            #expect(numbers(in: row).suffix(4).allSatisfy { $0 > 0 }, "\(both)")
        }
        let unknown = try Tool.infodisent.run(["bench", "forward", "--backbone", "resnet19"], in: Folder())
        #expect(unknown.exitCode == 78 && unknown.errors.contains("resnet18"))
    }

    @Test func decodingIsMeasured() throws {
        let text = try Tool.infodisent.succeed("bench", "decode", "--threads", "1", in: Folder())
        #expect(text.contains("500x375") && text.contains("images/s per core"))
        let folder = try SmallExperiment.folder()
        let own = try Tool.infodisent.succeed("bench", "decode", "--images", "birds", in: folder)
        #expect(own.hasPrefix("68 images, "))
    }

    @Test(arguments: [
        ["reduce", "--channels", "0"], ["reduce", "--batch-size", "9"], ["head", "--repetitions", "0"],
        ["head", "--channels", "100000"], ["scaling", "--threads", "0"], ["scaling", "--channels", "0"],
        ["forward", "--batch", "0"],
        ["forward", "--engine", "mkl"], ["forward", "--compute", "f16"],
        ["forward", "--compute", "bf16", "--engine", "openblas"], ["decode", "--resize", "10"], ["nothing"],
    ])
    func impossibleMeasurementsAreRefused(arguments: [String]) throws {
        #expect(try Tool.infodisent.run(["bench"] + arguments, in: Folder()).exitCode == 64)
    }

    @Test func aFolderThatIsNotThereCannotHoldACache() throws {
        let folder = try Folder()
        let outcome = try Tool.infodisent.run(
            ["bench", "cache", "--repetitions", "1", "--directory", "stdout/below-a-file"], in: folder)
        #expect(outcome.exitCode == 66 && outcome.errors.contains("below-a-file"))
    }

    private func numbers(in row: Substring?) -> [Double] {
        (row ?? "").split(separator: " ").compactMap { Double($0) }
    }
}
