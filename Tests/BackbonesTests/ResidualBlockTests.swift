import Backbones
import Foundation
import Tensors
import Testing

/// One block of each real width against PyTorch in double precision.
@Suite struct ResidualBlockTests {
    struct Recorded: Decodable, CustomTestStringConvertible {
        let kind: ResNetConfiguration.Block
        let inputChannelCount: Int
        let width: Int
        let stride: Int
        let inputShape: [Int]
        let tensors: [String: [Int]]
        let outputShape: [Int]
        let rootMeanSquare: Double
        let indices: [Int]
        let values: [Float]

        var testDescription: String { "\(kind) \(inputChannelCount) -> \(width), stride \(stride)" }
    }

    static let recorded = try! JSONDecoder().decode(
        [Recorded].self, from: Data(contentsOf: URL(filePath: Fixtures.path("blocks.json").string)))

    @Test func everyRealWidthWasRecorded() {
        for kind in [ResNetConfiguration.Block.basic, .bottleneck] {
            let widths = Self.recorded.filter { $0.kind == kind }.map { $0.width * kind.expansion }
            #expect(Set(widths) == Set([64, 128, 256, 512].map { $0 * kind.expansion }))
        }
    }

    @Test(arguments: recorded)
    func agreesWithPyTorch(recorded: Recorded) throws {
        var loader = ParameterLoader(WeightsInMemory(hashed: recorded.tensors), backbone: "block")
        let block = try ResidualBlock(
            ResNetConfiguration(block: recorded.kind, blockCounts: [1, 1, 1, 1]), prefix: "block",
            inputChannelCount: recorded.inputChannelCount, width: recorded.width,
            stride: recorded.stride, from: &loader)
        try loader.finish()
        let input = HashedNumbers.units("input", count: recorded.inputShape.reduce(1, *)).map { Float($0) }
        let workspace = Workspace()
        let output = block(
            Activations(copying: Tensor(shape: recorded.inputShape, values: input), in: workspace), in: workspace
        ).tensor()
        #expect(output.shape == recorded.outputShape)
        let sampled = recorded.indices.map { output.values[$0] }
        #expect(worstDifference(sampled, recorded.values) / recorded.rootMeanSquare < 1e-4)
    }
}
