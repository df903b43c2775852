import Foundation

/// What the numeric targets were compiled for (Package.swift). On a processor without it they would end with an illegal
/// instruction; this executable's own code is compiled for any x86-64 and can say so first.
enum Processor {
    static let requiredFeatures = ["avx2", "fma", "f16c", "bmi2"]

    struct MissingFeatures: Error, CustomStringConvertible {
        let features: [String]

        var description: String {
            "This processor lacks \(features.joined(separator: ", ")), for which the program is compiled. "
                + "Run it on an x86-64 processor of 2013 or later (Haswell, Zen or newer)."
        }
    }

    /// The required features that a text in the form of /proc/cpuinfo does not list; none if it lists no features at all.
    static func missingFeatures(in processorInfo: String) -> [String] {
        let flagsLine = processorInfo.split(separator: "\n").first { $0.hasPrefix("flags") }
        guard let flagsLine else { return [] }
        let flags = Set(flagsLine.split(whereSeparator: { " \t:".contains($0) }))
        return requiredFeatures.filter { !flags.contains(Substring($0)) }
    }

    /// - Throws: `MissingFeatures`.
    static func check() throws {
        guard let file = FileHandle(forReadingAtPath: "/proc/cpuinfo"),
            // The first processor's entry is within the first kilobytes.
            let head = try? file.read(upToCount: 8192)
        else { return }
        let missing = missingFeatures(in: String(decoding: head, as: UTF8.self))
        guard missing.isEmpty else { throw MissingFeatures(features: missing) }
    }
}
