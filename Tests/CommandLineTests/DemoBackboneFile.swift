import Foundation

extension Tool {
    /// The demo backbone's weight file, where the build puts it beside the programs.
    static var demoBackbone: URL {
        products.appending(path: "infodisent_Backbones.resources/DemoBackbone/demo-backbone.safetensors")
    }
}
