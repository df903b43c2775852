/// What the processor can do, by the first entry of /proc/cpuinfo.
///
/// This target is compiled for any x86-64 processor, so that a program may ask before it runs code that needs more.
public struct ProcessorFeatures: Sendable {
    private let flags: Set<Substring>

    /// Of the processor at hand.
    public static let here = ProcessorFeatures(text: ProcessStatus.text(of: "/proc/cpuinfo"))

    /// Reads a text in the form of /proc/cpuinfo.
    public init(text: String) {
        let line = text.split(separator: "\n").first { $0.hasPrefix("flags") }
        flags = Set((line ?? "").split(whereSeparator: { " \t:".contains($0) }))
    }

    /// Those of `names` that the processor lacks; none if nothing is known about it.
    public func missing(of names: [String]) -> [String] {
        flags.isEmpty ? [] : names.filter { !flags.contains(Substring($0)) }
    }

    /// Whether it is known to have all of `names`.
    public func has(_ names: [String]) -> Bool { names.allSatisfy { flags.contains(Substring($0)) } }
}
