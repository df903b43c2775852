import BrainFloatKernels
import Glibc
import SystemFacts

/// What the processor can do beyond what this target is compiled for.
package enum Processor {
    /// INFODISENT_NO_AVX512 in the environment: for comparisons.
    static let isDenied = getenv("INFODISENT_NO_AVX512") != nil

    /// Whether it has AVX-512 as x86-64-v4 defines it (Skylake servers, Zen 4 and newer), and that is not denied.
    package static let hasWideVectors = !isDenied && isWide(.here)

    /// Whether it has AVX512-BF16 besides, and adds the products of a pair in the order that all bits rest on.
    package static let hasBrainFloats = hasWideVectors && hasBrainFloatInstructions(.here) && addsPairsInOrder()

    /// Whether it has all that the wide kernels are compiled for.
    package static func isWide(_ features: ProcessorFeatures) -> Bool {
        features.has(["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"])
    }

    /// Whether it has what the kernels of brain floats are compiled for besides.
    package static func hasBrainFloatInstructions(_ features: ProcessorFeatures) -> Bool {
        features.has(["avx512_bf16"])
    }
}
