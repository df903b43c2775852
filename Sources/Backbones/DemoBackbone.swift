import Foundation
import SystemPackage
import WeightFiles

/// The small residual network that comes with the package, trained on classes of the part dataset that are disjoint from
/// the default ones. `Resources/DemoBackbone` says how.
public enum DemoBackbone {
    /// Its name in the registry.
    public static let name = "demo"

    /// Its weights, a safetensors file whose metadata describes the network, in the folder of resources that lies beside
    /// the program. (`Bundle.module` would end the program if that is not there; this path can be reported.)
    public static var weights: FilePath {
        let program = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return FilePath(program).removingLastComponent()
            .pushing("infodisent_Backbones.resources/DemoBackbone/demo-backbone.safetensors")
    }

    /// Whether these are its weights, wherever the file lies.
    static func isFile(of weights: any WeightSource) -> Bool {
        if weights.path == self.weights { return true }
        guard let own = try? SafetensorsFile(self.weights), own.metadata == weights.metadata,
            let digest = try? own.digest()
        else { return false }
        return (try? weights.digest()) == digest
    }

    /// What its file says about it.
    static func description() throws -> BackboneDescription {
        BackboneDescription(try ResNet.selfDescribedEntry(name: name, SafetensorsFile(weights)), of: ResNet.family)
    }
}
