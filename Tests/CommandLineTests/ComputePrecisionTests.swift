import Foundation
import Testing

/// `backbone.compute` from the command line. Where the processor has no AVX512-BF16, only the refusals are tested.
@Suite struct ComputePrecisionTests {
    private static let isPossible =
        ProcessInfo.processInfo.environment["INFODISENT_NO_AVX512"] == nil
        && ((try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? "").split(whereSeparator: \.isWhitespace)
            .contains("avx512_bf16")

    @Test func withoutTheInstructionsItIsRefusedByName() throws {
        let folder = try SmallExperiment.folder()
        var environment = ProcessInfo.processInfo.environment
        environment["INFODISENT_NO_AVX512"] = "1"
        for arguments in [
            SmallExperiment.arguments("extract", setting: ["backbone.compute=bf16"]),
            SmallExperiment.arguments("train", setting: ["backbone.compute=bf16"]),
        ] {
            let outcome = try Tool.finish(
                Tool.start(
                    Tool.products.appending(path: Tool.infodisent.rawValue), arguments, environment: environment,
                    in: folder), in: folder)
            #expect(outcome.exitCode == 78)
            #expect(
                outcome.errors.contains("backbone.compute is bf16, but INFODISENT_NO_AVX512 in the environment denies")
                    && outcome.errors.contains("Set backbone.compute to f32"), "\(outcome.errors)")
        }
    }

    @Test(.enabled(if: isPossible, "needs AVX512-BF16"))
    func aCacheOfOtherProductsIsRefusedByName() throws {
        let folder = try SmallExperiment.folder()
        let refused = try Tool.infodisent.run(
            SmallExperiment.arguments("train", setting: ["backbone.compute=bf16"]), in: folder)
        #expect(refused.exitCode == 65)
        #expect(refused.errors.contains("compute (backbone.compute) is f32, expected bf16"), "\(refused.errors)")
    }

    /// From images to predictions, on one process with one thread and on two ranks with two.
    @Test(.enabled(if: isPossible, "needs AVX512-BF16"))
    func aRunGivesTheSameBytesOnAnyNumberOfThreadsAndRanks() throws {
        let settings = ["backbone.compute=bf16", "training.epochs=2", "cache.directory=other"]
        var files: [[String: Data]] = []
        for (ranks, threads) in [(1, 1), (1, 2), (2, 1)] where ranks == 1 || Mpirun.isRunnable {
            let folder = try SmallExperiment.folder()
            let arguments = SmallExperiment.arguments("train", setting: settings) + ["--threads", "\(threads)"]
            let outcome =
                ranks == 1
                ? try Tool.infodisent.run(arguments, in: folder)
                : try Mpirun.run(ranks: ranks, arguments, in: folder)
            try #require(outcome.exitCode == 0, "\(outcome.errors)")
            let predictions = try Tool.infodisent.run(
                ["predict", "--checkpoint", "run", "--csv", "birds"], in: folder)
            #expect(predictions.exitCode == 0, "\(predictions.errors)")
            var found = try folder.contents(of: "other")
            found.merge(try folder.contents(of: "run/checkpoints")) { $1 }
            found["predictions.csv"] = Data(predictions.output.utf8)
            files.append(found)
            #expect(
                String(decoding: try folder.bytes("run/config.yaml"), as: UTF8.self).contains("  compute: bf16\n"))
        }
        #expect(files[0].count > 5)
        for other in files.dropFirst() {
            #expect(other.keys.sorted() == files[0].keys.sorted())
            for (name, bytes) in files[0] { #expect(other[name] == bytes, "\(name)") }
        }
    }

    @Test(.enabled(if: isPossible, "needs AVX512-BF16"))
    func theBenchmarkSaysHowFarFeaturesAreFromSinglePrecision() throws {
        let text = try Tool.infodisent.succeed(
            "bench", "forward", "--backbone", "resnet18", "--batch", "1", "--repetitions", "1", "--compute", "f32",
            "--compute", "bf16", in: Folder())
        let row = text.split(separator: "\n").first { $0.hasPrefix("resnet18, 224 x 224, bf16 ") }
        let numbers = (row ?? "").split(separator: " ").compactMap { Double($0) }
        #expect(numbers.suffix(2).allSatisfy { $0 > 1e-4 && $0 < 0.05 }, "\(text)")
        let json = try Tool.infodisent.succeed(
            "bench", "forward", "--backbone", "resnet18", "--batch", "1", "--repetitions", "1", "--compute", "bf16",
            "--json", in: Folder())
        let records = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [[String: Any]]
        #expect(records?.count == 1 && records?[0]["compute"] as? String == "bf16")
        #expect(records?[0]["rootMeanSquareDifference"] is Double)
    }
}
