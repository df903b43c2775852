import Glibc
import SystemFacts

/// What the processor can do beyond what this target is compiled for.
package enum Processor {
    /// Whether it has AVX-512 as x86-64-v4 defines it (Skylake servers, Zen 4 and newer). INFODISENT_NO_AVX512 in the environment
    /// denies it, for comparisons.
    package static let hasWideVectors = getenv("INFODISENT_NO_AVX512") == nil && isWide(.here)

    /// Whether it has all that the wide kernels are compiled for.
    package static func isWide(_ features: ProcessorFeatures) -> Bool {
        features.has(["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"])
    }
}
