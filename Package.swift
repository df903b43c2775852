// swift-tools-version: 6.2
//
// The targets are the architecture: one folder each, lowest level first, imports only go down.
// Sources/README.md says what each target owns.

import Foundation
import PackageDescription

// MARK: - Settings

/// Numeric targets are compiled for AVX2 and FMA (`infodisent` checks the processor before it computes anything).
/// Swift's code generation follows the C target processor.
let vectorised: [SwiftSetting] = [.unsafeFlags(["-Xcc", "-march=x86-64-v3"])]

/// Kernels whose index arithmetic has been checked by their callers' preconditions.
let kernels: [SwiftSetting] = [.unsafeFlags(["-Xcc", "-march=x86-64-v3", "-Ounchecked"])]

/// The one target that is compiled for AVX-512; `Tensors` asks the processor before it calls it.
let wideKernels: [SwiftSetting] = [.unsafeFlags(["-Xcc", "-march=x86-64-v4", "-Ounchecked"])]

// MARK: - External libraries

let system: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

// MARK: - Package

let package = Package(
    name: "infodisent",
    products: [
        .executable(name: "infodisent", targets: ["infodisent"]),
        .executable(name: "infodisent-inspect", targets: ["infodisent-inspect"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // Level 0: C libraries, and thin C where Swift cannot call them.
        .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(name: "CJPEG", pkgConfig: "libjpeg", providers: [.apt(["libjpeg-dev"])]),
        .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CMatio", pkgConfig: "matio", providers: [.apt(["libmatio-dev"])]),
        .systemLibrary(name: "COpenMPI", pkgConfig: "ompi-c", providers: [.apt(["libopenmpi-dev"])]),
        .target(name: "CJPEGShim", dependencies: ["CJPEG"]),
        .target(name: "CPNGShim", dependencies: ["CPNG"]),
        .target(name: "COpenMPIShim", dependencies: ["COpenMPI"]),

        // Level 1
        .target(name: "CounterRandom"),
        .target(name: "DurableFiles", dependencies: [crypto, system]),
        .target(name: "RunConfiguration", dependencies: [yams, system]),
        .target(name: "StrictJSON"),
        .target(
            name: "MessagePassing", dependencies: ["COpenMPIShim", system], exclude: ["README.md"],
            swiftSettings: vectorised),
        .target(name: "WideKernels", swiftSettings: wideKernels),
        .target(name: "Tensors", dependencies: ["COpenBLAS", "WideKernels"], swiftSettings: kernels),

        // Level 2
        .target(name: "WeightFiles", dependencies: ["CZlib", "DurableFiles", "StrictJSON", system]),
        .target(
            name: "ImageCoding", dependencies: ["CJPEGShim", "CPNGShim", "CounterRandom", "DurableFiles", system],
            swiftSettings: vectorised),
        .target(
            name: "FeatureCache", dependencies: ["DurableFiles", "WeightFiles", "ImageCoding", "StrictJSON", system],
            swiftSettings: vectorised),
        .target(
            name: "DisentangledHead", dependencies: ["CounterRandom", "Tensors"], swiftSettings: vectorised),

        // Level 3
        .target(
            name: "Backbones", dependencies: ["CounterRandom", "ImageCoding", "Tensors", "WeightFiles", system],
            resources: [.copy("Resources/DemoBackbone")], swiftSettings: vectorised),
        .target(
            name: "Datasets",
            dependencies: [
                "CMatio", "CZlib", "CounterRandom", "DurableFiles", "ImageCoding", "StrictJSON", "Tensors", system,
            ],
            swiftSettings: vectorised),
        .target(name: "Checkpoints", dependencies: ["DurableFiles", "StrictJSON", "WeightFiles", system, yams]),

        // Level 4
        .target(
            name: "Training",
            dependencies: [
                "Backbones", "Checkpoints", "CounterRandom", "Datasets", "DisentangledHead", "DurableFiles",
                "FeatureCache", "ImageCoding", "MessagePassing", "RunConfiguration", "StrictJSON", "Tensors",
                "WeightFiles", system,
            ], swiftSettings: vectorised),
        .target(
            name: "Explanations",
            dependencies: [
                "Backbones", "Checkpoints", "Datasets", "DisentangledHead", "DurableFiles", "FeatureCache",
                "ImageCoding", "MessagePassing", "Tensors", "Training", system,
            ], swiftSettings: vectorised),

        // Level 5
        .target(name: "Reports", dependencies: ["Datasets", "DurableFiles", "Explanations", "ImageCoding", system]),
        .target(
            name: "Planning",
            dependencies: [
                "CounterRandom", "Datasets", "DisentangledHead", "FeatureCache", "ImageCoding", "MessagePassing",
                "Tensors", "Training", system,
            ]),

        .target(
            name: "Benchmarks",
            dependencies: [
                "Backbones", "CounterRandom", "DisentangledHead", "DurableFiles", "FeatureCache", "ImageCoding",
                "MessagePassing", "Tensors", "Training", "WeightFiles", system,
            ]),

        // Level 6
        .executableTarget(
            name: "infodisent",
            dependencies: [
                "Backbones", "Benchmarks", "Checkpoints", "Datasets", "DisentangledHead", "DurableFiles",
                "Explanations", "FeatureCache", "ImageCoding", "MessagePassing", "Planning", "Reports",
                "RunConfiguration", "Tensors", "Training", "WeightFiles", arguments, system,
            ]),
        .executableTarget(
            name: "infodisent-inspect",
            dependencies: ["Checkpoints", "DurableFiles", "StrictJSON", "WeightFiles", arguments, system]),

        // Tests
        .target(name: "TemporaryFolders", dependencies: ["DurableFiles", system], path: "Tests/TemporaryFolders"),
        .testTarget(name: "CounterRandomTests", dependencies: ["CounterRandom"]),
        .testTarget(name: "DurableFilesTests", dependencies: ["DurableFiles", "TemporaryFolders", system]),
        .testTarget(name: "RunConfigurationTests", dependencies: ["RunConfiguration", system]),
        .testTarget(name: "MessagePassingTests", dependencies: ["MessagePassing", "message-passing-probe", system]),
        .executableTarget(
            name: "message-passing-probe", dependencies: ["MessagePassing", system], path: "Tests/MessagePassingProbe"),
        .testTarget(name: "TensorsTests", dependencies: ["Tensors"]),
        .testTarget(name: "StrictJSONTests", dependencies: ["StrictJSON"]),
        .testTarget(
            name: "WeightFilesTests",
            dependencies: ["CounterRandom", "DurableFiles", "StrictJSON", "TemporaryFolders", "WeightFiles", system],
            exclude: ["Reference"], resources: [.copy("Fixtures")]),
        .testTarget(
            name: "ImageCodingTests", dependencies: ["DurableFiles", "ImageCoding", system],
            resources: [.copy("Fixtures")]),
        .testTarget(
            name: "FeatureCacheTests",
            dependencies: ["DurableFiles", "FeatureCache", "ImageCoding", "TemporaryFolders", "WeightFiles", system]),
        .testTarget(
            name: "DisentangledHeadTests", dependencies: ["DisentangledHead", "Tensors", "CounterRandom"],
            resources: [.copy("Fixtures")]),
        .testTarget(
            name: "BackbonesTests", dependencies: ["Backbones", "Tensors", "WeightFiles", "ImageCoding", system],
            resources: [.copy("Fixtures")]),
        .testTarget(
            name: "DatasetsTests",
            dependencies: ["Datasets", "DurableFiles", "ImageCoding", "TemporaryFolders", "Tensors", system],
            resources: [.copy("Fixtures")]),
        .testTarget(
            name: "CheckpointsTests",
            dependencies: [
                "Checkpoints", "CounterRandom", "DurableFiles", "StrictJSON", "TemporaryFolders", "WeightFiles", system,
            ]),
        .testTarget(name: "TrainingTests", dependencies: ["DurableFiles", "TemporaryFolders", "Training", system]),
        .testTarget(
            name: "ExplanationsTests",
            dependencies: [
                "CounterRandom", "Datasets", "DisentangledHead", "DurableFiles", "Explanations", "FeatureCache",
                "ImageCoding", "RunConfiguration", "TemporaryFolders", "Tensors", "Training", system,
            ]),
        .testTarget(
            name: "ReportsTests",
            dependencies: [
                "Datasets", "DurableFiles", "Explanations", "ImageCoding", "Reports", "TemporaryFolders", "Tensors",
                system,
            ]),
        .testTarget(name: "PlanningTests", dependencies: ["FeatureCache", "Planning"]),
        // Run the built programs, so they need them built.
        .testTarget(
            name: "ClusterTests", dependencies: ["infodisent", yams]),
        .testTarget(
            name: "CommandLineTests",
            dependencies: ["Backbones", "ImageCoding", "infodisent", "infodisent-inspect", "WeightFiles", system]),
    ],
    swiftLanguageModes: [.v6]
)

// A target's README, and the scripts that recorded its tests' reference values or set up its tests, are no sources.
for target in package.targets where target.type != .system {
    let folder = target.path ?? (target.type == .test ? "Tests/" : "Sources/") + target.name
    for name in ["README.md", "Reference", "Support"] where !target.exclude.contains(name) {
        let path = "\(Context.packageDirectory)/\(folder)/\(name)"
        if FileManager.default.fileExists(atPath: path) { target.exclude.append(name) }
    }
}
