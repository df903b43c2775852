import Backbones
import SystemPackage
import Tensors
import Testing
import WeightFiles

/// Safetensors and both forms of torch.save give the same network of each family, bit for bit.
@Suite struct FileFormsTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let file: String
        let family: BackboneFamily
        let entry: BackboneEntry

        var testDescription: String { file }

        init(_ file: String, _ family: BackboneFamily, _ entry: BackboneEntry) {
            self.file = file
            self.family = family
            self.entry = entry
        }

        init(_ network: ConvolutionalFamiliesTests.Case, file: String) {
            self.init(file, network.family, network.entry)
        }

        init(_ network: TransformerFamiliesTests.Case) {
            self.init("transformer-\(network.file)", network.family, network.entry)
        }

        func maps(_ path: String) throws -> (Tensor, LinearClassifierWeights?) {
            let backbone = try Backbone.load(entry, of: family, weights: WeightFile.open(Fixtures.path(path)))
            let images = Tensor(
                shape: [1, 64, 64, 3], values: HashedNumbers.units("forms", count: 64 * 64 * 3).map { Float($0) })
            return (backbone.featureMaps(of: images, workspace: backbone.makeWorkspace()), backbone.classifier)
        }
    }

    static let all: [Case] = [
        Case(ConvolutionalFamiliesTests.resNets[1], file: "family-wide"),
        Case(ConvolutionalFamiliesTests.denseNet, file: "family-densenet"),
        Case(ConvolutionalFamiliesTests.convNeXt, file: "family-convnext-timm"),
        Case(TransformerFamiliesTests.vit),
        Case(TransformerFamiliesTests.visionTransformer("dinov2")),
        Case(TransformerFamiliesTests.swin(.first, "torchvision")),
        Case(TransformerFamiliesTests.swin(.second, "timm")),
    ]

    @Test(arguments: all, ["pth", "stream.pth"])
    func whatTorchSavesGivesTheBitsOfSafetensors(network: Case, form: String) throws {
        let expected = try network.maps("\(network.file).safetensors")
        let found = try network.maps("Forms/\(network.file).\(form)")
        #expect(found.0 == expected.0 && found.0.values.contains { $0 != 0 })
        #expect(found.1 == expected.1)
    }
}
