import ArgumentParser
import Backbones
import DurableFiles
import Foundation
import Inference
import RunConfiguration
import SystemPackage
import WeightFiles

/// What a training is of: a configuration file, or simply images and weights.
struct TrainingSource: ParsableArguments {
    @Argument(
        help: "The dataset, in place of dataset.root. Without --config the rest is found out or has its default.",
        completion: .directory, transform: { FilePath($0) })
    var photos: FilePath?
    @Option(
        help: "The backbone's weight file. Which network it is of is found out, unless backbone.name says it.",
        completion: .file(), transform: { FilePath($0) })
    var weights: FilePath?
    @OptionGroup var file: OptionalConfigurationOptions

    /// Whether there is no configuration file.
    var isSimple: Bool { file.path == nil }

    func validate() throws {
        guard file.path == nil, photos == nil else { return }
        throw ValidationError(
            "Give a dataset, such as `infodisent train PHOTOS --weights resnet50.pth`, or --config with a configuration file "
                + "(`infodisent init` writes one).")
    }

    func load() throws -> RunConfiguration {
        let overrides = file.overrides
        guard let path = file.path else {
            return try SimpleStart(photos: photos, weights: weights).configuration(overrides)
        }
        func read(_ more: [String]) throws -> RunConfiguration {
            let sets =
                (photos.map { ["dataset.root=\($0)"] } ?? []) + (weights.map { ["backbone.weights=\($0)"] } ?? [])
            return try RunConfiguration(contentsOf: path, overrides: sets + more + overrides).withAbsolutePaths()
        }
        guard let weights else { return try read([]) }
        do {
            return try read([])
        } catch ConfigurationError.inconsistent {
            // The file may say nothing of the backbone.
            return try read(WeightsBackbone(of: weights).overrides)
        }
    }
}

/// A configuration from images and weights alone.
struct SimpleStart {
    /// Nil for those that stand in its place in a file to be filled in.
    let photos: FilePath?
    let weights: FilePath?

    /// What a small dataset needs more of than the defaults give it.
    private static let settings = ["training.epochs=60", "training.batch_size=32"]

    /// The configuration; `overrides` stand above what is found out.
    func configuration(_ overrides: [String]) throws -> RunConfiguration {
        let namesBackbone = overrides.contains { $0.hasPrefix("backbone.name=") }
        let network = try namesBackbone ? [] : weights.map { try WeightsBackbone(of: $0).overrides } ?? []
        let sets =
            Self.settings + [
                "run.directory=runs/\(name)", "cache.directory=runs/\(name)-features",
                "dataset.root=\(photos?.string ?? "PHOTOS")",
            ] + (weights.map { ["backbone.weights=\($0)"] } ?? []) + network
        return try RunConfiguration(yaml: "", source: "The command line", overrides: sets + overrides)
            .withAbsolutePaths()
    }

    /// What the run is called by default: as the folder of images.
    var name: String {
        guard let photos, let last = photos.absolute.lastComponent else { return "photos" }
        return last.stem.isEmpty ? last.string : last.stem
    }
}

/// The network that a weight file holds.
struct WeightsBackbone {
    let name: String

    /// - Throws: `WeightsBackboneError.several`; `BackboneError`, `WeightFileError`, `DurableFileError`.
    init(of path: FilePath) throws {
        let found = try BackboneRegistry.backbones(of: WeightFile.open(path))
        var names: [String] = []
        for network in found where !names.contains(network.description.name) { names.append(network.description.name) }
        guard names.count == 1 else { throw WeightsBackboneError.several(names, file: path) }
        name = names[0]
    }

    var overrides: [String] { ["backbone.name=\(name)"] }
}

/// Weights that may be those of several networks.
enum WeightsBackboneError: Error, CustomStringConvertible {
    case several([String], file: FilePath)

    var description: String {
        switch self {
        case .several(let names, let file):
            "\(file) may hold any of \(names.joined(separator: ", ")). Say which with --set backbone.name=NAME (`infodisent "
                + "backbones --fitting \(file)` tells more)."
        }
    }
}
