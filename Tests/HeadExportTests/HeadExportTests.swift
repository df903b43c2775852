import DisentangledHead
import DurableFiles
import Foundation
import HeadExport
import SeededNumbers
import SystemPackage
import Tensors
import Testing
import WeightFiles

/// What ONNX Runtime and PyTorch made of exactly the bytes that are written here, recorded by Reference/check_export.py.
@Suite struct HeadExportTests {
    private struct Recorded: Decodable {
        let onnx: [Float]
        let onnxProbabilities: [Float]
        let onnxPooled: [Float]
        let torch: [Float]
        let positiveCells: [Int32]
        let negativeCells: [Int32]
    }

    private static let fixtures = FilePath(Bundle.module.path(forResource: "Fixtures", ofType: nil) ?? "")

    /// Writes the examples into the folder INFODISENT_EXAMPLES, for check_export.py.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["INFODISENT_EXAMPLES"] != nil)) func examplesAreWritten()
        throws
    {
        let folder = FilePath(try #require(ProcessInfo.processInfo.environment["INFODISENT_EXAMPLES"]))
        try DurableFile.createDirectory(folder)
        for example in try Example.all() {
            try example.exported.writeSafetensors(to: folder.appending("\(example.name).safetensors"))
            try example.exported.writeONNX(to: folder.appending("\(example.name).onnx"), layout: example.layout)
            let logits = try example.exported.head.forward(example.rounded, team: alone).logits
            try SafetensorsWriter.write(
                [
                    .floats("features", example.features.shape, example.features.values),
                    .floats("logits", [3, Example.classCount], logits),
                ], metadata: ["layout": example.layout.rawValue], to: folder.appending("\(example.name).expected"))
        }
    }

    @Test func theBytesAreThoseThatOthersHaveRead() throws {
        for example in try Example.all() {
            let onnx = try DurableFile.read(Self.fixtures.appending("\(example.name).onnx"))
            #expect(try example.exported.onnx(layout: example.layout) == onnx, "\(example.name)")
            let safetensors = try DurableFile.read(Self.fixtures.appending("\(example.name).safetensors"))
            #expect(try example.exported.safetensors() == safetensors, "\(example.name)")
        }
    }

    @Test func othersFindTheSameLogitsPoolingAndCells() throws {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let recorded = try decoder.decode(
            [String: Recorded].self, from: Data(DurableFile.read(Self.fixtures.appending("recorded.json"))))
        for example in try Example.all() {
            let found = try #require(recorded[example.name])
            let result = try example.exported.head.forward(example.rounded, team: alone)
            func isClose(_ ours: [Float], _ theirs: [Float]) -> Bool {
                ours.count == theirs.count && zip(ours, theirs).allSatisfy { abs($0 - $1) <= 1e-4 }
            }
            #expect(isClose(result.logits, found.onnx), "\(example.name)")
            #expect(isClose(result.logits, found.torch), "\(example.name)")
            #expect(isClose(result.pooled.values, found.onnxPooled), "\(example.name)")
            let probabilities = (0..<3).flatMap { example.exported.head.loss.probabilities(result.logits(ofImage: $0)) }
            #expect(isClose(probabilities, found.onnxProbabilities), "\(example.name)")
            #expect(result.pooled.maximumPixels == found.positiveCells, "\(example.name)")
            #expect(result.pooled.minimumPixels == found.negativeCells, "\(example.name)")
        }
    }

    @Test func theFactsSayWhatTheTensorsDoNot() throws {
        let examples = try Example.all()
        let byName = Dictionary(uniqueKeysWithValues: examples.map { ($0.name, $0.exported.facts) })
        let published = try #require(byName["published"])
        #expect(published["format"] == "infodisent-head-1" && published["signs"] == "tied")
        #expect(published["pooling"] == "maximum" && published["feature_precision"] == "f16")
        #expect(published["channels_per_image"] == nil && published["turned_channels"] == nil)
        #expect(published["class_names"] == #"["heron", "ibis, white", "\"crow\"", "Möwe"]"#)
        #expect(byName["biased-turned"]?["turned_channels"] == "[1, 4, 5, 8]")
        #expect(byName["few-channels"]?["channels_per_image"] == "3")
        #expect(byName["positive"]?["feature_precision"] == "f32" && byName["untied"]?["signs"] == "untied")
        #expect(published["probabilities"] == "softmax" && byName["binary"]?["probabilities"] == "sigmoid")
        #expect(byName["eight-bits"]?["feature_precision"] == "int8")
        #expect(byName["kept"]?["pooling"] == "mean" && byName["kept"]?["standardisation_epsilon"] == nil)
        #expect(byName["kept-standardised"]?["standardisation_epsilon"] == "0.015625")
    }
}
