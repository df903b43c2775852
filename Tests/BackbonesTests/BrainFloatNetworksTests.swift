import Backbones
import Tensors
import Testing
import WeightFiles

/// Networks of each family with products of brain floats. On a processor without AVX512-BF16 they are refused, and nothing else is tested
/// there.
@Suite struct BrainFloatNetworksTests {
    private static let isPossible = ComputePrecision.bf16.obstacle == nil

    private func check(_ backbone: Backbone, _ images: Tensor, within bound: Double = 0.03) {
        let workspace = backbone.makeWorkspace(compute: .bf16)
        let maps = backbone.featureMaps(of: images, workspace: workspace)
        let exact = backbone.featureMaps(of: images, workspace: backbone.makeWorkspace())
        #expect(maps.shape == exact.shape && maps != exact)
        // Eight significant bits, and some ten layers: 0.2 to 1 % of the largest feature.
        #expect(errorRelativeToLargest(maps.values, exact.values) < bound)
        for image in 0..<images.shape[0] {
            let alone = backbone.featureMaps(of: images.images(image..<image + 1), workspace: workspace)
            #expect(alone == maps.images(image..<image + 1), "image \(image)")
        }
    }

    @Test(.enabled(if: isPossible, "needs AVX512-BF16"), arguments: ConvolutionalFamiliesTests.all)
    func convolutionalNetworksAreNearAndDoNotDependOnTheBatch(network: ConvolutionalFamiliesTests.Case) throws {
        check(try network.load(), network.images)
    }

    @Test(.enabled(if: isPossible, "needs AVX512-BF16"), arguments: TransformerFamiliesTests.all)
    func transformersAreNearAndDoNotDependOnTheBatch(network: TransformerFamiliesTests.Case) throws {
        // The scores of Swin V2 are cosines times up to 100: what rounding changes of them decides which pixel is looked at.
        check(
            try network.load(), network.images(network.sizes[0].0),
            within: network.name.hasPrefix("swinv2") ? 0.4 : 0.03)
    }

    @Test func aBackboneComputesAsItWasLoaded() throws {
        func load(_ compute: ComputePrecision) throws -> Backbone {
            try Backbone.load(
                name: DemoBackbone.name, weights: WeightFile.open(DemoBackbone.weights), compute: compute)
        }
        let exact = try load(.f32)
        #expect(exact.compute == .f32 && exact.makeWorkspace().compute == .f32)
        if Self.isPossible {
            #expect(try load(.bf16).makeWorkspace().compute == .bf16)
        } else {
            let error = #expect(throws: BackboneError.self) { try load(.bf16) }
            #expect(error?.exitCode == 78 && "\(error!)".hasPrefix("backbone.compute is bf16, but "))
        }
    }
}
