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

/// The one target that is compiled for AVX-512; `Tensors` asks the processor before it calls it.
let wideKernels: [SwiftSetting] = [.unsafeFlags(["-Xcc", "-march=x86-64-v4"])]

/// The one target that is compiled for AVX512-BF16 besides, which is asked for likewise.
let brainFloatKernels: [SwiftSetting] = [.unsafeFlags(["-Xcc", "-march=x86-64-v4", "-Xcc", "-mavx512bf16"])]

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
        .systemLibrary(name: "CTIFF", pkgConfig: "libtiff-4", providers: [.apt(["libtiff-dev"])]),
        .systemLibrary(name: "CWebP", pkgConfig: "libwebpdemux", providers: [.apt(["libwebp-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CMatio", pkgConfig: "matio", providers: [.apt(["libmatio-dev"])]),
        .systemLibrary(name: "COpenMPI", pkgConfig: "ompi-c", providers: [.apt(["libopenmpi-dev"])]),
        .target(name: "CJPEGShim", dependencies: ["CJPEG"]),
        .target(name: "CPNGShim", dependencies: ["CPNG"]),
        .target(name: "CTIFFShim", dependencies: ["CTIFF"]),
        .target(name: "COpenMPIShim", dependencies: ["COpenMPI"]),
        .target(name: "CProcessShim"),
        .target(name: "CBrainFloatShim"),
        .target(name: "CVectorShim"),
        .target(name: "CAsyncReadShim"),

        // Level 0 too: arithmetic that rests on nothing.
        .target(name: "ElementaryFunctions", swiftSettings: vectorised),
        .target(name: "VectorKernels", dependencies: ["CVectorShim"], swiftSettings: vectorised),
        .target(name: "WideKernels", dependencies: ["CVectorShim", "VectorKernels"], swiftSettings: wideKernels),
        .target(name: "BrainFloatKernels", dependencies: ["CBrainFloatShim"], swiftSettings: brainFloatKernels),

        // Level 1
        .target(name: "CounterRandom", dependencies: ["ElementaryFunctions"]),
        .target(name: "DataSharding", dependencies: ["CounterRandom"]),
        .target(name: "DurableFiles", dependencies: ["CAsyncReadShim", crypto, system]),
        .target(name: "ExplanationMetrics", dependencies: ["ElementaryFunctions"], swiftSettings: vectorised),
        .target(name: "FieldCoding"),
        .target(name: "NameSuggestions"),
        .target(name: "RunControl"),
        .target(name: "StrictJSON"),
        .target(name: "PrintableText"),
        .target(name: "SystemFacts"),
        .target(
            name: "MessagePassing", dependencies: ["COpenMPIShim", "SystemFacts", system], swiftSettings: vectorised),
        .target(
            name: "Tensors",
            dependencies: ["BrainFloatKernels", "COpenBLAS", "SystemFacts", "VectorKernels", "WideKernels"],
            swiftSettings: vectorised),

        // Level 2
        .target(name: "WeightFiles", dependencies: ["CZlib", "DurableFiles", "PrintableText", "StrictJSON", system]),
        .target(
            name: "ImageCoding",
            dependencies: [
                "CJPEGShim", "CPNGShim", "CTIFFShim", "CWebP", "CounterRandom", "DurableFiles", "ElementaryFunctions",
                "PrintableText", system,
            ],
            swiftSettings: vectorised),
        .target(
            name: "FeatureCache",
            dependencies: [
                "DataSharding", "DurableFiles", "ImageCoding", "StrictJSON", "Tensors", "WeightFiles", system,
            ],
            swiftSettings: vectorised),
        .target(
            name: "DisentangledHead", dependencies: ["CounterRandom", "ElementaryFunctions", "Tensors"],
            swiftSettings: vectorised),
        .target(name: "Results", dependencies: ["DurableFiles", "Tensors", system, yams]),

        // Level 3
        .target(
            name: "Backbones",
            dependencies: [
                "CounterRandom", "DurableFiles", "ElementaryFunctions", "ImageCoding", "NameSuggestions", "Tensors",
                "WeightFiles", system,
            ],
            resources: [.copy("Resources/DemoBackbone")], swiftSettings: vectorised),
        .target(
            name: "Datasets",
            dependencies: [
                "CMatio", "CZlib", "CounterRandom", "DurableFiles", "ElementaryFunctions", "FieldCoding", "ImageCoding",
                "PrintableText", "StrictJSON", "Tensors", "WeightFiles", system,
            ],
            swiftSettings: vectorised),
        .target(
            name: "Checkpoints",
            dependencies: [
                "DurableFiles", "ElementaryFunctions", "FieldCoding", "StrictJSON", "WeightFiles", system, yams,
            ]),
        .target(
            name: "LinearProbing",
            dependencies: [
                "CounterRandom", "DisentangledHead", "DurableFiles", "MessagePassing", "Tensors", system,
            ],
            swiftSettings: vectorised),
        .target(
            name: "Attribution",
            dependencies: ["CounterRandom", "DisentangledHead", "ElementaryFunctions", "Tensors"],
            swiftSettings: vectorised),

        // Level 4
        .target(
            name: "RunConfiguration",
            dependencies: [
                "Datasets", "DisentangledHead", "DurableFiles", "FeatureCache", "ImageCoding", "NameSuggestions",
                "Tensors", system, yams,
            ]),

        // Level 5
        .target(
            name: "Inference",
            dependencies: [
                "Backbones", "Checkpoints", "Datasets", "DisentangledHead", "DurableFiles", "ElementaryFunctions",
                "FeatureCache", "FieldCoding", "ImageCoding", "MessagePassing", "RunConfiguration", "StrictJSON",
                "Tensors", "WeightFiles", system,
            ], swiftSettings: vectorised),

        // Level 6
        .target(
            name: "Extraction",
            dependencies: [
                "Backbones", "DataSharding", "Datasets", "DurableFiles", "FeatureCache", "ImageCoding", "Inference",
                "MessagePassing", "RunConfiguration", "RunControl", "Tensors", system,
            ], swiftSettings: vectorised),
        .target(
            name: "Evaluation",
            dependencies: [
                "Backbones", "DataSharding", "Datasets", "DisentangledHead", "DurableFiles", "ExplanationMetrics",
                "FeatureCache", "Inference", "LinearProbing", "MessagePassing", "Results", "RunControl", "Tensors",
                system,
            ], swiftSettings: vectorised),

        .target(
            name: "HeadExport",
            dependencies: [
                "Checkpoints", "DisentangledHead", "DurableFiles", "FeatureCache", "Inference", "RunConfiguration",
                "StrictJSON", "WeightFiles", system,
            ]),

        // Level 7
        .target(
            name: "DeployedModels",
            dependencies: [
                "Backbones", "Checkpoints", "Datasets", "DisentangledHead", "DurableFiles", "Evaluation",
                "FeatureCache", "FieldCoding", "ImageCoding", "Inference", "MessagePassing", "PrintableText", "Results",
                "RunConfiguration", "RunControl", "StrictJSON", "Tensors", "WeightFiles", system,
            ], swiftSettings: vectorised),
        .target(
            name: "Training",
            dependencies: [
                "Backbones", "CProcessShim", "Checkpoints", "DataSharding", "DisentangledHead", "DurableFiles",
                "ElementaryFunctions",
                "Evaluation", "FeatureCache", "Inference", "MessagePassing", "Results", "RunConfiguration",
                "RunControl",
                "StrictJSON", "SystemFacts",
                "Tensors", system,
            ], swiftSettings: vectorised),
        .target(
            name: "Scorecard",
            dependencies: [
                "Attribution", "Backbones", "CounterRandom", "Datasets", "DisentangledHead", "DurableFiles",
                "ElementaryFunctions", "Evaluation", "ExplanationMetrics", "FeatureCache", "ImageCoding", "Inference",
                "MessagePassing", "NameSuggestions", "Results", "RunConfiguration", "RunControl", "Tensors", system,
            ], swiftSettings: vectorised),
        .target(
            name: "Explanations",
            dependencies: [
                "Datasets", "DisentangledHead", "DurableFiles", "Evaluation", "ExplanationMetrics", "FeatureCache",
                "ImageCoding", "Inference", "MessagePassing", "NameSuggestions", "Results", "RunControl", "Tensors",
                system,
            ], swiftSettings: vectorised),

        .target(
            name: "HeadEditing",
            dependencies: [
                "Checkpoints", "Datasets", "DisentangledHead", "DurableFiles", "Evaluation", "FeatureCache",
                "Inference",
                "MessagePassing", "Results", "RunConfiguration", "Tensors", system,
            ]),

        // Level 8
        .target(
            name: "Reports",
            dependencies: ["Datasets", "Explanations", "ImageCoding", "Results", "Tensors", system]),
        .target(
            name: "Explorer",
            dependencies: [
                "Checkpoints", "Datasets", "DisentangledHead", "DurableFiles", "Evaluation", "ExplanationMetrics",
                "Explanations", "FeatureCache", "ImageCoding", "Inference", "MessagePassing", "Results", "RunControl",
                "Scorecard", "Tensors", system,
            ],
            resources: [.copy("Resources/Explorer")], swiftSettings: vectorised),
        .target(
            name: "Ablations",
            dependencies: [
                "Checkpoints", "DisentangledHead", "DurableFiles", "Evaluation", "FeatureCache", "Inference",
                "MessagePassing", "Results", "RunConfiguration", "RunControl", "Tensors", "Training", system,
            ]),
        .target(
            name: "Benchmarks",
            dependencies: [
                "Backbones", "CounterRandom", "DataSharding", "DisentangledHead", "DurableFiles", "FeatureCache",
                "ImageCoding", "MessagePassing", "Tensors", "Training", "WeightFiles", system,
            ]),

        // Level 9
        .target(
            name: "Planning",
            dependencies: [
                "Backbones", "Benchmarks", "DataSharding", "Datasets", "DisentangledHead", "DurableFiles", "Extraction",
                "FeatureCache", "ImageCoding", "Inference", "LinearProbing", "MessagePassing", "RunConfiguration",
                "SystemFacts", "Tensors", "Training", "WeightFiles", system,
            ]),

        // Level 10
        .executableTarget(
            name: "infodisent",
            dependencies: [
                "Ablations", "Backbones", "Benchmarks", "CProcessShim", "Checkpoints", "DataSharding", "Datasets",
                "DeployedModels", "DisentangledHead", "DurableFiles", "Evaluation", "Explanations", "Explorer",
                "Extraction", "FeatureCache",
                "HeadEditing", "HeadExport", "ImageCoding", "Inference",
                "MessagePassing", "Planning", "PrintableText", "Reports", "Results", "RunConfiguration", "RunControl",
                "Scorecard", "SystemFacts", "Tensors", "Training", "WeightFiles", arguments, system,
            ]),
        .executableTarget(
            name: "infodisent-inspect",
            dependencies: [
                "Checkpoints", "DurableFiles", "PrintableText", "StrictJSON", "WeightFiles", arguments, system,
            ]),

        // Tests
        .target(name: "TemporaryFolders", dependencies: ["DurableFiles", system], path: "Tests/TemporaryFolders"),
        .target(name: "SeededNumbers", dependencies: ["CounterRandom", "Tensors"], path: "Tests/SeededNumbers"),
        .testTarget(
            name: "ElementaryFunctionsTests", dependencies: ["ElementaryFunctions"], resources: [.copy("Fixtures")]),
        .testTarget(name: "CounterRandomTests", dependencies: ["CounterRandom"]),
        .testTarget(name: "DataShardingTests", dependencies: ["DataSharding"]),
        .testTarget(name: "DurableFilesTests", dependencies: ["DurableFiles", "TemporaryFolders", system]),
        .testTarget(name: "FieldCodingTests", dependencies: ["FieldCoding"]),
        .testTarget(name: "NameSuggestionsTests", dependencies: ["NameSuggestions"]),
        .testTarget(name: "SystemFactsTests", dependencies: ["SystemFacts", "TemporaryFolders"]),
        .testTarget(name: "MessagePassingTests", dependencies: ["MessagePassing", "message-passing-probe", system]),
        .executableTarget(
            name: "message-passing-probe", dependencies: ["MessagePassing", system], path: "Tests/MessagePassingProbe"),
        .testTarget(
            name: "TensorsTests", dependencies: ["SystemFacts", "Tensors", "VectorKernels", "WideKernels"]),
        .testTarget(name: "ResultsTests", dependencies: ["DurableFiles", "Results", "TemporaryFolders", system]),
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
            dependencies: [
                "DurableFiles", "FeatureCache", "ImageCoding", "TemporaryFolders", "Tensors", "WeightFiles", system,
            ], resources: [.copy("Fixtures")]),
        .testTarget(
            name: "DisentangledHeadTests",
            dependencies: ["CounterRandom", "DisentangledHead", "SeededNumbers", "Tensors"],
            resources: [.copy("Fixtures")]),
        .testTarget(
            name: "LinearProbingTests",
            dependencies: [
                "DisentangledHead", "DurableFiles", "LinearProbing", "SeededNumbers", "TemporaryFolders", "Tensors",
                system,
            ],
            resources: [.copy("Fixtures")]),
        .testTarget(
            name: "AttributionTests", dependencies: ["Attribution", "DisentangledHead", "SeededNumbers", "Tensors"],
            resources: [.copy("Fixtures")]),
        .testTarget(
            name: "ExplanationMetricsTests", dependencies: ["ExplanationMetrics"], exclude: ["Reference"],
            resources: [.copy("Fixtures")]),
        .testTarget(name: "AblationsTests", dependencies: ["Ablations", "Results"]),
        .testTarget(
            name: "ScorecardTests",
            dependencies: [
                "Attribution", "DisentangledHead", "MessagePassing", "Results", "Scorecard", "SeededNumbers", "Tensors",
            ]),
        .testTarget(
            name: "BackbonesTests", dependencies: ["Backbones", "Tensors", "WeightFiles", "ImageCoding", system],
            resources: [.copy("Fixtures")]),
        .testTarget(
            name: "DatasetsTests",
            dependencies: [
                "CZlib", "Datasets", "DurableFiles", "FieldCoding", "ImageCoding", "TemporaryFolders", "Tensors",
                system,
            ],
            resources: [.copy("Fixtures")]),
        .testTarget(
            name: "CheckpointsTests",
            dependencies: [
                "Checkpoints", "CounterRandom", "DurableFiles", "StrictJSON", "TemporaryFolders", "WeightFiles", system,
            ]),
        .testTarget(
            name: "RunConfigurationTests",
            dependencies: ["Datasets", "DisentangledHead", "FeatureCache", "ImageCoding", "RunConfiguration", system]),
        .testTarget(
            name: "ExtractionTests",
            dependencies: [
                "Datasets", "DurableFiles", "Extraction", "FeatureCache", "ImageCoding", "Inference",
                "RunConfiguration", "SmallModel", "TemporaryFolders", "Tensors", "Training", system,
            ]),
        .testTarget(
            name: "InferenceTests",
            dependencies: [
                "Backbones", "Datasets", "DurableFiles", "FeatureCache", "Inference", "RunConfiguration", "SmallModel",
                "TemporaryFolders", "Tensors", system,
            ]),
        .testTarget(
            name: "HeadEditingTests",
            dependencies: [
                "Checkpoints", "DisentangledHead", "DurableFiles", "Evaluation", "Extraction", "HeadEditing",
                "Inference", "Results",
                "SmallModel", "TemporaryFolders", "Tensors", "Training", system,
            ]),
        .testTarget(
            name: "HeadExportTests",
            dependencies: [
                "DisentangledHead", "DurableFiles", "FeatureCache", "HeadExport", "SeededNumbers", "Tensors",
                "WeightFiles", system,
            ],
            resources: [.copy("Fixtures")]),
        .testTarget(
            name: "DeployedModelsTests",
            dependencies: [
                "Datasets", "DeployedModels", "DurableFiles", "Explanations", "ImageCoding", "Inference",
                "MessagePassing",
                "Results", "SmallModel", "TemporaryFolders", "Tensors", system,
            ]),
        .testTarget(
            name: "EvaluationTests",
            dependencies: [
                "Backbones", "CounterRandom", "Datasets", "DisentangledHead", "DurableFiles", "Evaluation",
                "FeatureCache", "Inference", "MessagePassing", "SmallModel", "TemporaryFolders", "Tensors", system,
            ]),
        .testTarget(
            name: "TrainingTests",
            dependencies: [
                "Backbones", "Checkpoints", "DisentangledHead", "DurableFiles", "Evaluation", "FeatureCache",
                "Inference", "MessagePassing", "Results", "RunConfiguration", "RunControl", "SeededNumbers",
                "SmallModel", "TemporaryFolders", "Tensors", "Training", "WeightFiles", system,
            ]),
        .target(
            name: "SmallModel",
            dependencies: [
                "Datasets", "Extraction", "FeatureCache", "Inference", "RunConfiguration", "TemporaryFolders",
                "Tensors",
                "Training", system,
            ], path: "Tests/SmallModel"),
        .testTarget(
            name: "ExplanationsTests",
            dependencies: [
                "CounterRandom", "Datasets", "DisentangledHead", "DurableFiles", "Evaluation", "Explanations",
                "Extraction", "FeatureCache", "ImageCoding", "Inference", "MessagePassing", "Results",
                "RunConfiguration", "SmallModel", "TemporaryFolders", "Tensors", "Training", system,
            ]),
        .testTarget(
            name: "ReportsTests",
            dependencies: [
                "Datasets", "DurableFiles", "Explanations", "ImageCoding", "Reports", "Results", "TemporaryFolders",
                "Tensors", system,
            ]),
        .testTarget(
            name: "ExplorerTests",
            dependencies: [
                "DisentangledHead", "DurableFiles", "Evaluation", "Explanations", "Explorer", "Extraction",
                "FeatureCache", "HeadEditing", "ImageCoding", "Inference", "Results", "RunConfiguration", "SmallModel",
                "TemporaryFolders", "Tensors", "Training", system,
            ]),
        .testTarget(
            name: "BenchmarksTests", dependencies: ["Benchmarks", "ImageCoding", "Tensors"], exclude: ["Reference"]),
        .testTarget(
            name: "PlanningTests", dependencies: ["FeatureCache", "Planning", "Tensors"], exclude: ["Reference"]),
        // Run the built programs, so they need them built.
        .testTarget(
            name: "ClusterTests", dependencies: ["infodisent", yams]),
        .testTarget(
            name: "CommandLineTests",
            dependencies: [
                "Backbones", "Benchmarks", "Checkpoints", "Datasets", "ImageCoding", "infodisent", "infodisent-inspect",
                "SystemFacts", "WeightFiles", system,
            ]),
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
