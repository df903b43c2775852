import Glibc

/// What the processor can do beyond what this target is compiled for.
package enum Processor {
    /// Whether it has AVX-512 as x86-64-v4 defines it (Skylake servers, Zen 4 and newer), by the first entry of
    /// /proc/cpuinfo. INFODISENT_NO_AVX512 in the environment denies it, for comparisons.
    package static let hasWideVectors: Bool = {
        guard getenv("INFODISENT_NO_AVX512") == nil, let file = fopen("/proc/cpuinfo", "r") else { return false }
        defer { fclose(file) }
        // The flags are within the first kilobytes.
        var bytes = [UInt8](repeating: 0, count: 8192)
        let count = fread(&bytes, 1, bytes.count, file)
        return isWide(processorInfo: String(decoding: bytes[..<count], as: UTF8.self))
    }()

    /// Whether a text in the form of /proc/cpuinfo lists all that the wide kernels are compiled for.
    package static func isWide(processorInfo: String) -> Bool {
        let line = processorInfo.split(separator: "\n").first { $0.hasPrefix("flags") }
        let flags = Set((line ?? "").split(whereSeparator: { " \t:".contains($0) }))
        return ["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"].allSatisfy { flags.contains(Substring($0)) }
    }
}
