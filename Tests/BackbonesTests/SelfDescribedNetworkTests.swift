import Backbones
import Foundation
import SystemPackage
import Testing
import WeightFiles

/// Files that describe their own architecture, and those that fail to.
@Suite struct SelfDescribedNetworkTests {
    /// The error of loading a file whose metadata entry is `json`, as "key problem".
    static func problem(_ json: String?) throws -> String? {
        let path = FilePath(NSTemporaryDirectory()).appending("self-described-\(UUID().uuidString).safetensors")
        defer { try? FileManager.default.removeItem(atPath: path.string) }
        try SafetensorsWriter.write(
            [.floats("conv1.weight", [1], [0])], metadata: json.map { ["resnet": $0] } ?? [:], to: path)
        do {
            _ = try Backbone.load(name: "demo", weights: SafetensorsFile(path))
            return nil
        } catch BackboneError.invalidConfiguration(let file, let key, let problem) {
            #expect(file == path.string)
            return "\(key) \(problem)"
        }
    }

    static let valid = """
        {"block": "basic", "stem_width": 4, "stage_widths": [4, 8], "stage_blocks": [1, 1], "stage_strides": [1, 2],
         "input": {"resize": 40, "crop": 32, "interpolation": "bicubic", "mean": [0.5, 0.4, 0.3],
                   "standard_deviation": [0.2, 0.25, 0.3]}}
        """

    @Test func aValidDescriptionGetsAsFarAsTheTensors() {
        #expect {
            _ = try Self.problem(Self.valid)
        } throws: { error in
            if case .unfittingWeights(_, "demo", _, _, _) = error as? BackboneError { true } else { false }
        }
    }

    @Test(arguments: [
        ("\"block\": \"basic\"", "\"block\": \"wide\"", "resnet.block is \"wide\", not \"basic\" or \"bottleneck\""),
        ("\"stem_width\": 4,", "", "resnet.stem_width is missing or of the wrong type"),
        ("\"stem_width\": 4", "\"stem_width\": 0", "resnet.stem_width is 0, outside 1 to 8192"),
        (
            "\"stem_width\": 4", "\"stem_width\": 4, \"stem_kernel\": 4",
            "resnet.stem_kernel is 4, but has to be odd"
        ),
        ("[4, 8]", "[4, 1000000000000]", "resnet.stage_widths is 1000000000000, outside 1 to 8192"),
        ("[1, 1]", "[1]", "resnet.stage_widths and stage_blocks and stage_strides differ in length"),
        ("[1, 1]", "[1, 100000]", "resnet.stage_blocks is 100000, outside 1 to 256"),
        ("[1, 2]", "[1, -2]", "resnet.stage_strides is -2, outside 1 to 8"),
        ("\"bicubic\"", "\"cubic\"", "resnet.input.interpolation is \"cubic\", not \"bilinear\" or \"bicubic\""),
        ("\"crop\": 32", "\"crop\": \"32\"", "resnet.input.crop is missing or of the wrong type"),
        ("[0.5, 0.4, 0.3]", "[0.5, 0.4]", "resnet.input mean has 2 values, expected 3 (red, green, blue)"),
        (
            "[0.2, 0.25, 0.3]", "[0.2, 0, 0.3]",
            "resnet.input standardDeviation is [0.2, 0.0, 0.3], expected positive numbers"
        ),
        ("}}", "}", "resnet is missing or of the wrong type"),
    ])
    func anInvalidDescriptionIsNamedByKey(part: String, replacement: String, expected: String) throws {
        let json = Self.valid.replacingOccurrences(of: part, with: replacement)
        #expect(json != Self.valid)
        #expect(try Self.problem(json) == expected)
    }

    @Test func aFileWithoutDescriptionIsRefused() throws {
        #expect(try Self.problem(nil) == "resnet is missing")
    }
}
