import Foundation
import Testing

/// The same bytes on any x86-64 processor with AVX2. What libraries would choose by the processor is forced upon them: OpenBLAS's
/// kernels, the C library's functions with and without fused multiply-adds, the JPEG library's vectors, and whether the program's
/// own kernels use AVX-512.
@Suite(.serialized) struct ProcessorTests {
    private static let choices = [
        "OPENBLAS_CORETYPE", "GLIBC_TUNABLES", "JSIMD_FORCESSE2", "INFODISENT_NO_AVX512",
    ]

    /// AVX2 at its barest, and then one choice at a time.
    private static let processors: [[String: String]] =
        [
            [
                "OPENBLAS_CORETYPE": "Prescott", "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4",
                "JSIMD_FORCESSE2": "1", "INFODISENT_NO_AVX512": "1",
            ],
            ["OPENBLAS_CORETYPE": "Haswell"],
            ["INFODISENT_NO_AVX512": "1"],
        ] + (hasWideVectors ? [["OPENBLAS_CORETYPE": "SkylakeX"]] : [])

    private static let hasWideVectors = ((try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? "")
        .split(whereSeparator: \.isWhitespace).contains("avx512f")

    @Test(arguments: [
        ["head.channel_map=riemannian"], ["head.channel_map=exponential"],
        ["head.channel_map=cayley", "cache.precision=int8"],
        ["head.channel_map=riemannian", "head.pooling=gumbel", "head.temperature=[1.0, 0.5]"],
    ])
    func aRunGivesTheSameBytes(settings: [String]) throws {
        let reference = try run(settings, processor: [:])
        #expect(reference.count > 10 && reference["predictions.csv"] != nil && reference["prototypes.json"] != nil)
        for processor in Self.processors {
            let found = try run(settings, processor: processor)
            #expect(found.keys.sorted() == reference.keys.sorted(), "\(processor)")
            for (name, bytes) in reference { #expect(found[name] == bytes, "\(name) with \(processor)") }
        }
    }

    /// Everything that is kept of a run from the images on: features, checkpoints, predictions, prototypes.
    private func run(_ settings: [String], processor: [String: String]) throws -> [String: Data] {
        let folder = try SmallExperiment.folder()
        try folder.remove("features")
        let options = (settings + ["training.epochs=3"]).flatMap { ["--set", $0] }
        for arguments in [
            ["train", "--config", "small.yaml"] + options,
            ["evaluate", "--checkpoint", "run", "--json", "--predictions", "predictions.csv"],
            ["prototypes", "--checkpoint", "run", "--output", "prototypes"],
        ] {
            var environment = ProcessInfo.processInfo.environment.filter { !Self.choices.contains($0.key) }
            environment.merge(processor) { $1 }
            let outcome = try Tool.finish(
                Tool.start(
                    Tool.products.appending(path: Tool.infodisent.rawValue), arguments, environment: environment,
                    in: folder), in: folder)
            try #require(outcome.exitCode == 0, "\(arguments) with \(processor): \(outcome.errors)")
            if arguments[0] == "evaluate" { try folder.write(Data(outcome.output.utf8), to: "summary.json") }
        }
        var result = try folder.contents(of: "features")
        result.merge(try folder.contents(of: "run/checkpoints")) { $1 }
        for (name, path) in [
            ("predictions.csv", "predictions.csv"), ("summary.json", "summary.json"),
            ("prototypes.json", "prototypes/prototypes.json"),
        ] {
            result[name] = try folder.bytes(path)
        }
        return result
    }
}
